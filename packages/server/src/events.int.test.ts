import { describeEvents } from "./testing/describe-events.ts"

describeEvents("postgres")
