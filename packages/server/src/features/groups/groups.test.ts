import { describeGroups } from "./testing/describe-groups.ts"

describeGroups("sqlite")
