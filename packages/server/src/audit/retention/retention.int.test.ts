import { describeDatabase } from "@coffer/testkit"
import { limitsConformance } from "./testing/limits-conformance.ts"
import { retentionConformance } from "./testing/retention-conformance.ts"
import { rulesConformance } from "./testing/rules-conformance.ts"
import { streamHoldConformance } from "./testing/stream-hold-conformance.ts"

describeDatabase("postgres", "audit retention", retentionConformance)

describeDatabase("postgres", "what audit retention leaves alone", limitsConformance)

describeDatabase("postgres", "what audit retention keeps for streams", streamHoldConformance)

describeDatabase("postgres", "whose events audit retention ends", rulesConformance)
