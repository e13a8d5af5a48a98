import { describeDatabase } from "@coffer/testkit"
import { retentionConformance } from "./testing/retention-conformance.ts"

describeDatabase("postgres", "audit retention", retentionConformance)
