import { describeRenames } from "./testing/describe-renames.ts"

describeRenames("sqlite")
