import { describeDatabase } from "@coffer/testkit"
import { databaseConformance } from "./testing/database-conformance.ts"

describeDatabase("sqlite", "database", databaseConformance)
