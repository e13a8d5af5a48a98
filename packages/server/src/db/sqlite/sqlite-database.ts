import type { AuditEvent, AuditWitness } from "../../audit/audit-event.ts"
import type { AuditSigner } from "../../audit/audit-head.ts"
import { pendingEventOf } from "../../audit/audit-record.ts"
import type { Clock } from "../../clock.ts"
import type { Log } from "../../log.ts"
import type { Random } from "../../random.ts"
import type { OpenDatabase, Reader, WitnessRequest, WriteScope } from "../database.ts"
import { migrate } from "../migrations/index.ts"
import { assertNotInsideWrite, callSiteOf, noGuard } from "../open-write-scope.ts"
import { RoomWatch } from "../room-watch.ts"
import { Checkpointer } from "./checkpointer.ts"
import { type DataFolder, takeDataFolder } from "./data-folder.ts"
import { hasDiskRoom } from "./disk-room.ts"
import { GroupCommit, type GroupCommitLimits } from "./group-commit.ts"
import { openSqliteAuditLog, SqliteAuditStatements } from "./sqlite-audit.ts"
import { SqliteConnection } from "./sqlite-connection.ts"
import { createSqliteReader, sqliteWriters } from "./sqlite-dialect.ts"
import { isDiskFull } from "./sqlite-error.ts"
import { type SyncFile, WalSync } from "./wal-sync.ts"

export type SqliteDatabaseDeps = {
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
}

export type SqliteDatabaseOptions = {
  readonly dataFolder: string
  readonly limits?: Partial<GroupCommitLimits>
  /** Pages in the write-ahead log after which it is copied into the database file. */
  readonly walBoundPages?: number
  /** Stands in for the disk, in tests of what happens when it fails or loses power. */
  readonly syncFile?: SyncFile
}

/**
 * Opens, and creates if need be, the database of a data folder.
 *
 * @throws AppError "unavailable" when the folder is in use, can't be written or holds something else
 */
export async function openSqliteDatabase(
  options: SqliteDatabaseOptions,
  deps: SqliteDatabaseDeps,
): Promise<SqliteDatabase> {
  const folder = takeDataFolder(options.dataFolder)
  try {
    const writer = new SqliteConnection(folder.databasePath, "read-write")
    try {
      await prepareFile(writer)
      return new SqliteDatabase({ folder, writer, options, deps })
    } catch (error) {
      writer.close()
      throw error
    }
  } catch (error) {
    folder.release()
    throw error
  }
}

/** Write-ahead logging, syncs of our own, and the schema of this version. */
async function prepareFile(writer: SqliteConnection): Promise<void> {
  writer.exec("pragma journal_mode = wal; pragma synchronous = full; pragma wal_autocheckpoint = 0")
  writer.exec("begin immediate")
  try {
    await migrate(sqliteWriters(writer)(noGuard), "sqlite")
    writer.exec("commit")
  } catch (error) {
    if (writer.isInTransaction) writer.exec("rollback")
    throw error
  }
  writer.exec("pragma synchronous = normal; pragma journal_size_limit = 67108864")
}

/** The embedded database: one writer connection behind a group commit, one read-only connection. */
export class SqliteDatabase implements OpenDatabase {
  readonly kind = "sqlite"
  /** The data folder belongs to this process alone. */
  readonly signals = undefined
  readonly reader: Reader
  readonly #folder: DataFolder
  readonly #deps: SqliteDatabaseDeps
  readonly #writer: SqliteConnection
  readonly #readConnection: SqliteConnection
  readonly #walSync: WalSync
  readonly #checkpointer: Checkpointer
  readonly #room: RoomWatch
  readonly #commits: GroupCommit
  #closing: Promise<void> | undefined

  constructor(parts: {
    folder: DataFolder
    writer: SqliteConnection
    options: SqliteDatabaseOptions
    deps: SqliteDatabaseDeps
  }) {
    const { folder, writer, options, deps } = parts
    this.#folder = folder
    this.#deps = deps
    this.#writer = writer
    this.#readConnection = new SqliteConnection(folder.databasePath, "read-only")
    this.reader = createSqliteReader(this.#readConnection)
    this.#walSync = new WalSync(folder.databasePath, options.syncFile)
    this.#checkpointer = new Checkpointer(writer, {
      path: folder.databasePath,
      log: deps.log,
      ...(options.walBoundPages === undefined ? {} : { boundPages: options.walBoundPages }),
    })
    this.#room = new RoomWatch({
      log: deps.log,
      isLackOfRoom: isDiskFull,
      hasRoom: () => hasDiskRoom(options.dataFolder, deps.random),
    })
    this.#commits = new GroupCommit({
      connection: writer,
      walSync: this.#walSync,
      audit: new SqliteAuditStatements(writer),
      clock: deps.clock,
      log: deps.log,
      betweenBatches: () => this.#checkpointer.betweenBatches(),
      failed: (error) => this.#room.note(error),
      ...(options.limits === undefined ? {} : { limits: options.limits }),
    })
  }

  async startAudit(signer: AuditSigner): Promise<void> {
    const { clock, random, log } = this.#deps
    const auditLog = await openSqliteAuditLog(
      this.reader,
      (work) => this.#commits.write((scope) => work(scope.db), callSiteOf(this.startAudit)),
      { signer, clock, random, log },
    )
    this.#commits.startAudit(auditLog)
  }

  async write<T>(work: (scope: WriteScope) => Promise<T>): Promise<T> {
    assertNotInsideWrite("write")
    return this.#commits.write(work, callSiteOf(this.write))
  }

  async record(events: readonly AuditEvent[], witness: WitnessRequest): Promise<AuditWitness> {
    assertNotInsideWrite("record")
    return this.#commits.record(events.map(pendingEventOf), witness)
  }

  async assertWritable(): Promise<void> {
    await this.record([], { projectIds: [], actorIds: [] })
    await this.#room.assertRoom()
  }

  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  async #close(): Promise<void> {
    await this.#commits.close()
    await this.#checkpointer.close()
    this.#readConnection.close()
    this.#walSync.close()
    this.#writer.close()
    this.#folder.release()
  }
}
