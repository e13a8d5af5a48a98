import { describeRights } from "./testing/describe-rights.ts"

describeRights("postgres", 1)
