import { describeDatabase } from "@coffer/testkit"
import { longListsConformance } from "./testing/long-lists-conformance.ts"

describeDatabase("sqlite", "long lists of secrets", longListsConformance)
