import { describeUnreadableValues } from "./testing/describe-unreadable-values.ts"

describeUnreadableValues("postgres")
