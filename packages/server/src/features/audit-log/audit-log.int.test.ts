import { describeDatabase } from "@coffer/testkit"
import { auditLogConformance } from "./testing/audit-log-conformance.ts"

describeDatabase("postgres", "the audit log", auditLogConformance)
