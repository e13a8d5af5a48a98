import { describeDatabase } from "@coffer/testkit"
import { auditTrailConformance } from "./audit/testing/audit-trail-conformance.ts"

describeDatabase("postgres", "audit trail", auditTrailConformance)
