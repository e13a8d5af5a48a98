import { describeDatabase } from "@coffer/testkit"
import { openingConformance } from "./testing/opening-conformance.ts"

describeDatabase("sqlite", "the log that a server goes on writing", openingConformance)
