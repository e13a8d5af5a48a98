import { describeDatabase } from "@coffer/testkit"
import { auditLogConformance } from "./testing/audit-log-conformance.ts"

describeDatabase("sqlite", "the audit log", auditLogConformance)
