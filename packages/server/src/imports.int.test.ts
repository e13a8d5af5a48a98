import { describeImports } from "./testing/describe-imports.ts"

describeImports("postgres")
