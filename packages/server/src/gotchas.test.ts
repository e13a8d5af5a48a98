import { describeGotchas } from "./testing/describe-gotchas.ts"

describeGotchas("sqlite")
