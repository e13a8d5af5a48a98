import { describeAttributes } from "./testing/describe-attributes.ts"

describeAttributes("postgres")
