import { describeArchivedTables } from "./testing/describe-archived-tables.ts"

describeArchivedTables("sqlite")
