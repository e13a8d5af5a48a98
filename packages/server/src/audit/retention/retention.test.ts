import { describeDatabase } from "@coffer/testkit"
import { limitsConformance } from "./testing/limits-conformance.ts"
import { retentionConformance } from "./testing/retention-conformance.ts"

describeDatabase("sqlite", "audit retention", retentionConformance)

describeDatabase("sqlite", "what audit retention leaves alone", limitsConformance)
