import { describeDatabase } from "@coffer/testkit"
import { databaseConformance } from "./testing/database-conformance.ts"
import { statementConformance } from "./testing/statement-conformance.ts"

describeDatabase("sqlite", "database", databaseConformance)
describeDatabase("sqlite", "statements", statementConformance)
