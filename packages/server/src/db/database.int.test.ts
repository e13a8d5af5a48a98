import { describeDatabase } from "@coffer/testkit"
import { databaseConformance } from "./testing/database-conformance.ts"
import { statementConformance } from "./testing/statement-conformance.ts"

describeDatabase("postgres", "database", databaseConformance)
describeDatabase("postgres", "statements", statementConformance)
