import { describeDatabase } from "@coffer/testkit"
import { killConformance } from "./testing/kill-conformance.ts"

describeDatabase("postgres", "killed process", (open) => killConformance(open, 2))
