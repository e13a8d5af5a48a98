import { describeRights } from "./testing/describe-rights.ts"

describeRights("sqlite", 5)
