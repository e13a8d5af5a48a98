/**
 * The migrations, once, for both databases, in the order of their names. A migration changes the schema or the data,
 * never both, and is never edited after a release. Nothing here scans a folder: a new file is named below.
 */
import { type Kysely, sql, type Transaction } from "kysely"
import { type Migration, type MigrationProvider, Migrator } from "kysely/migration"
import { AppError } from "../../errors.ts"
import type { Schema } from "../schema.ts"
import { organizationTables } from "./0001-organizations.ts"
import { projectTables } from "./0002-projects.ts"
import { secretTables } from "./0003-secrets.ts"
import { identityTables } from "./0004-identities.ts"
import { instanceTables } from "./0005-instance.ts"
import { auditTables } from "./0006-audit.ts"
import { peopleTables } from "./0007-people.ts"
import { accessTables } from "./0008-access.ts"
import { reminderTables } from "./0010-reminders.ts"
import { auditStreamTables } from "./0011-audit-streams.ts"
import { webhookTables } from "./0012-webhooks.ts"
import { structureRevision } from "./0013-structure-revision.ts"
import { historyOfEarlierRows, historyTables } from "./0014-history.ts"
import { loginTables } from "./0015-logins.ts"
import { mailTables } from "./0016-mail.ts"
import { projectImportToken, projectLifeTables } from "./0018-project-lives.ts"
import { auditHeadChain } from "./0030-audit-head-chain.ts"
import { hiddenProjects } from "./0031-hidden-projects.ts"
import { loginAuthors } from "./0032-login-authors.ts"
import { secretNames } from "./0033-secret-names.ts"
import { type ColumnTypes, columnTypes, type DatabaseKind } from "./column-types.ts"

/** The statements of one schema change. */
type SchemaChange = (types: ColumnTypes) => readonly string[]

const schemaChanges: Readonly<Record<string, SchemaChange>> = {
  "0001-organizations": organizationTables,
  "0002-projects": projectTables,
  "0003-secrets": secretTables,
  "0004-identities": identityTables,
  "0005-instance": instanceTables,
  "0006-audit": auditTables,
  "0007-people": peopleTables,
  "0008-access": accessTables,
  "0010-reminders": reminderTables,
  "0011-audit-streams": auditStreamTables,
  "0012-webhooks": webhookTables,
  "0013-structure-revision": structureRevision,
  "0014-history": historyTables,
  "0014-history-of-earlier-rows": historyOfEarlierRows,
  "0015-logins": loginTables,
  "0016-mail": mailTables,
  "0018-project-lives": projectLifeTables,
  "0018-project-lives-import-token": projectImportToken,
  "0030-audit-head-chain": auditHeadChain,
  "0031-hidden-projects": hiddenProjects,
  "0032-login-authors": loginAuthors,
  "0033-secret-names": secretNames,
}

/**
 * Brings the schema up to date inside the given transaction; the caller keeps other processes out meanwhile.
 *
 * @throws AppError "unavailable" when the database was written by a newer Coffer
 */
export async function migrate(db: Transaction<Schema>, kind: DatabaseKind): Promise<void> {
  const { error } = await new Migrator({ db, provider: providerFor(kind) }).migrateToLatest()
  if (error === undefined) return
  if (error instanceof Error && error.message.startsWith("corrupted migrations")) {
    throw new AppError(
      "unavailable",
      "DatabaseTooNew",
      "The database was written by another version of Coffer: start that version, or restore a backup",
      { cause: error },
    )
  }
  throw error
}

function providerFor(kind: DatabaseKind): MigrationProvider {
  const migrations: Record<string, Migration> = {}
  for (const [name, change] of Object.entries(schemaChanges)) {
    migrations[name] = {
      up: async (db: Kysely<unknown>) => {
        for (const statement of change(columnTypes[kind])) await sql.raw(statement).execute(db)
      },
    }
  }
  return { getMigrations: () => Promise.resolve(migrations) }
}
