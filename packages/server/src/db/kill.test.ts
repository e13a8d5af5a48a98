import { describeDatabase } from "@coffer/testkit"
import { killConformance } from "./testing/kill-conformance.ts"

describeDatabase("sqlite", "killed process", (open) => killConformance(open, 1))
