import { describeDatabase } from "@coffer/testkit"
import { limitsConformance } from "./testing/limits-conformance.ts"
import { retentionConformance } from "./testing/retention-conformance.ts"

describeDatabase("postgres", "audit retention", retentionConformance)

describeDatabase("postgres", "what audit retention leaves alone", limitsConformance)
