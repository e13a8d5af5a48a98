import { describeDatabase } from "@coffer/testkit"
import { limitsConformance } from "./testing/limits-conformance.ts"
import { retentionConformance } from "./testing/retention-conformance.ts"
import { rulesConformance } from "./testing/rules-conformance.ts"
import { streamHoldConformance } from "./testing/stream-hold-conformance.ts"

describeDatabase("sqlite", "audit retention", retentionConformance)

describeDatabase("sqlite", "what audit retention leaves alone", limitsConformance)

describeDatabase("sqlite", "what audit retention keeps for streams", streamHoldConformance)

describeDatabase("sqlite", "whose events audit retention ends", rulesConformance)
