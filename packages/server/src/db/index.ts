/**
 * The database: its schema and migrations, how it is opened, and how writes and audit events become durable. What rows
 * mean lives with the features, in their `store.ts`; nothing here knows a feature.
 */
export type { OpenDatabase, Reader, WriteScope } from "./database.ts"
export { DatabaseError, isUniqueViolation, unlessTaken } from "./database-error.ts"
export {
  type DatabaseConfig,
  type DatabaseDeps,
  openDatabase,
  openDatabaseForReading,
} from "./open-database.ts"
