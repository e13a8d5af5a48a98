import { describeArchivedTables } from "./testing/describe-archived-tables.ts"

describeArchivedTables("postgres")
