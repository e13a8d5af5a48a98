import { describeAuditStreams } from "./testing/describe-audit-streams.ts"

describeAuditStreams("postgres")
