import { describeAuditEvents } from "./testing/describe-audit-events.ts"

describeAuditEvents("sqlite")
