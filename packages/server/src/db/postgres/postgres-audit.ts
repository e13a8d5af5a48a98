import { sql } from "kysely"
import type { Pool, QueryConfig } from "pg"
import type { AuditSigner } from "../../audit/audit-head.ts"
import type { AuditAppend, AuditLog } from "../../audit/audit-log.ts"
import { insertAuditLog, loadAuditLog } from "../../audit/audit-log-store.ts"
import type { PendingAuditEvent } from "../../audit/audit-record.ts"
import type { Clock } from "../../clock.ts"
import type { Log } from "../../log.ts"
import type { Random } from "../../random.ts"
import type { Writer } from "../database.ts"
import { DatabaseError, isUniqueViolation } from "../database-error.ts"
import { noGuard } from "../open-write-scope.ts"
import { Mutex } from "./mutex.ts"
import { createPostgresWriter } from "./postgres-dialect.ts"
import { connect, run } from "./postgres-pool.ts"

const LEASE_MS = 60_000
const SNAPSHOT_INTERVAL = 2_000

export type PostgresAuditDeps = {
  /** A pool of one connection of its own: appends hold the mutex, so they must not wait behind writes. */
  readonly pool: Pool
  readonly signer: AuditSigner
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
}

/**
 * The audit log of this process on PostgreSQL. Appends run one at a time. A lease says which log this process may write;
 * what makes that safe is the primary key (log, sequence number): a writer that was paused while another took its log
 * over collides with it, and moves on to a log of its own.
 */
export class PostgresAudit {
  readonly #deps: PostgresAuditDeps
  readonly #writer: string
  readonly #mutex = new Mutex()
  #log: AuditLog | undefined
  #isStale = false
  #leaseUntil = 0
  #snapshotSize = 0

  constructor(deps: PostgresAuditDeps) {
    this.#deps = deps
    this.#writer = deps.random.uuid()
  }

  /** Claims a log now instead of at the first append. */
  start(): Promise<void> {
    return this.#mutex.run(async () => {
      await this.#ready()
    })
  }

  /**
   * Appends events through `commit`, which has to run the statement and commit it.
   *
   * @throws DatabaseError "retryable" when another writer has the log: the transaction has to be run again
   */
  append<T>(
    events: readonly PendingAuditEvent[],
    commit: (logId: string, append: AuditAppend) => Promise<T>,
  ): Promise<T> {
    return this.#mutex.run(async () => {
      const log = await this.#ready()
      const append = log.prepare(events, this.#deps.clock.now())
      try {
        const result = await commit(log.id, append)
        log.adopt(append)
        return result
      } catch (error) {
        // Whether the batch is in the log is known again once its end was read.
        this.#isStale = true
        throw isUniqueViolation(error) ? this.#leaveLog() : error
      }
    })
  }

  /** Lets another process take the log over at once. */
  release(): Promise<void> {
    return this.#mutex.run(async () => {
      const log = this.#log
      this.#log = undefined
      if (log === undefined) return
      await this.#transaction((db) =>
        db
          .updateTable("audit_log")
          .set({ writer: null, writer_until: null })
          .where("id", "=", log.id)
          .where("writer", "=", this.#writer)
          .execute(),
      )
    })
  }

  /** The log to append to, its end known and its lease good. */
  async #ready(): Promise<AuditLog> {
    if (this.#log !== undefined && this.#isStale) this.#log = await this.#load(this.#log.id)
    this.#isStale = false
    if (this.#log !== undefined) await this.#keep(this.#log)
    this.#log ??= await this.#obtain()
    return this.#log
  }

  /** Renews the lease and saves a snapshot when they are due; forgets the log when the lease is lost. */
  async #keep(log: AuditLog): Promise<void> {
    const now = this.#deps.clock.now()
    const isSnapshotDue = log.size - this.#snapshotSize >= SNAPSHOT_INTERVAL
    if (this.#leaseUntil - now > LEASE_MS / 2 && !isSnapshotDue) return
    const { size, rangeBytes } = log.snapshot()
    const kept = await this.#transaction((db) =>
      db
        .updateTable("audit_log")
        .set({ writer_until: now + LEASE_MS, snapshot_size: size, snapshot_range: rangeBytes })
        .where("id", "=", log.id)
        .where("writer", "=", this.#writer)
        .returning("id")
        .execute(),
    )
    if (kept.length === 0) this.#log = undefined
    this.#leaseUntil = now + LEASE_MS
    this.#snapshotSize = size
  }

  /** Takes over a log that nobody writes, or begins one. */
  async #obtain(): Promise<AuditLog> {
    const now = this.#deps.clock.now()
    this.#leaseUntil = now + LEASE_MS
    const claimed = await this.#transaction((db) => this.#claim(db, now))
    const log = claimed === undefined ? undefined : await this.#load(claimed)
    this.#snapshotSize = log?.size ?? 0
    if (log !== undefined) return log
    const lease = { writer: this.#writer, writerUntil: this.#leaseUntil }
    const { signer, random } = this.#deps
    return this.#transaction((db) => insertAuditLog(db, { id: random.uuid(), signer, lease, now }))
  }

  async #claim(db: Writer, now: number): Promise<string | undefined> {
    const { rows } = await sql<{ id: string }>`
      update audit_log set writer = ${this.#writer}, writer_until = ${this.#leaseUntil}
      where id = (
        select id from audit_log
        where public_key = ${this.#deps.signer.auditPublicKeyBytes} and (writer_until is null or writer_until < ${now})
        order by created_at desc, id limit 1 for update skip locked
      )
      returning id`.execute(db)
    return rows[0]?.id
  }

  /** @returns `undefined` for a log that does not match its newest head; nobody appends to that one again */
  async #load(logId: string): Promise<AuditLog | undefined> {
    const log = await this.#transaction((db) => loadAuditLog(db, logId, this.#deps.signer))
    if (log !== undefined) return log
    this.#deps.log.error(
      { auditLogId: logId },
      "The audit log does not match its newest signed head; a new log was begun. Run coffer audit verify",
    )
    await this.#transaction((db) =>
      db
        .updateTable("audit_log")
        .set({ writer: "nobody", writer_until: Number.MAX_SAFE_INTEGER })
        .where("id", "=", logId)
        .execute(),
    )
    return undefined
  }

  #leaveLog(): DatabaseError {
    this.#log = undefined
    return new DatabaseError("retryable", "fenced", "another process writes the audit log of this one")
  }

  async #transaction<T>(work: (db: Writer) => Promise<T>): Promise<T> {
    const client = await connect(this.#deps.pool)
    let isBroken = true
    try {
      await run(client, "begin isolation level read committed")
      const result = await work(createPostgresWriter(client, noGuard))
      await run(client, "commit")
      isBroken = false
      return result
    } finally {
      client.release(isBroken)
    }
  }
}

/** One statement that appends a batch: events, head, and nothing else. */
export function appendStatement(logId: string, append: AuditAppend): QueryConfig {
  return { text: `with ${APPEND} select 1`, values: appendValues(logId, append) }
}

/** The same, answering with what the snapshot of this very statement holds of projects and actors. */
export function appendWithWitnessStatement(
  logId: string,
  append: AuditAppend,
  ids: { projectIds: readonly string[]; actorIds: readonly string[] },
): QueryConfig {
  return {
    text: `with ${APPEND} ${witnessQuery(17)}`,
    values: [...appendValues(logId, append), ids.projectIds, ids.actorIds],
  }
}

/** The witness alone, for a record without events. */
export function witnessStatement(ids: {
  projectIds: readonly string[]
  actorIds: readonly string[]
}): QueryConfig {
  return { text: witnessQuery(1), values: [ids.projectIds, ids.actorIds] }
}

const APPEND = `
  event as (
    insert into audit_event (log_id, seq, id, at, type, org_id, project_id, actor_type, actor_id, body, leaf_hash)
    select $1, * from unnest(
      $2::bigint[], $3::text[], $4::bigint[], $5::text[], $6::text[], $7::text[], $8::text[], $9::text[], $10::text[],
      $11::bytea[]
    )
  ),
  head as (
    insert into audit_head (log_id, size, previous_size, root_hash, at, signature)
    values ($1, $12, $13, $14, $15, $16)
  )`

function appendValues(logId: string, { records, head }: AuditAppend): unknown[] {
  return [
    logId,
    records.map((record) => record.seq),
    records.map((record) => record.id),
    records.map((record) => record.at),
    records.map((record) => record.type),
    records.map((record) => record.orgId),
    records.map((record) => record.projectId),
    records.map((record) => record.actorType),
    records.map((record) => record.actorId),
    records.map((record) => record.body),
    records.map((record) => record.leafHash),
    head.size,
    head.previousSize ?? null,
    head.rootHash,
    head.at,
    head.signature,
  ]
}

function witnessQuery(firstParameter: number): string {
  return `
    select 'project' as kind, id, revision as value from project where id = any($${firstParameter}::text[])
    union all
    select 'actor', id, epoch from identity where id = any($${firstParameter + 1}::text[])
    union all
    select 'actor', id, epoch from user_account where id = any($${firstParameter + 1}::text[])`
}
