import { describeDatabase } from "@coffer/testkit"
import { openingConformance } from "./testing/opening-conformance.ts"

describeDatabase("postgres", "the log that a server goes on writing", openingConformance)
