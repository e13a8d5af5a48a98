import { describeDatabase } from "@coffer/testkit"
import { retentionConformance } from "./testing/retention-conformance.ts"

describeDatabase("sqlite", "audit retention", retentionConformance)
