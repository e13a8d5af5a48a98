import type { Pool, PoolClient } from "pg"
import type { AuditEvent, AuditWitness } from "../../audit/audit-event.ts"
import type { AuditSigner } from "../../audit/audit-head.ts"
import { pendingEventOf } from "../../audit/audit-record.ts"
import type { Clock } from "../../clock.ts"
import type { Log } from "../../log.ts"
import type { Random } from "../../random.ts"
import type { OpenDatabase, Reader, WitnessRequest, WriteScope } from "../database.ts"
import { DatabaseError, databaseUnavailable } from "../database-error.ts"
import {
  assertNotInsideWrite,
  type CallSite,
  callSiteOf,
  OpenWriteScope,
  runWithinBound,
} from "../open-write-scope.ts"
import { RoomWatch } from "../room-watch.ts"
import { appendStatement, PostgresAudit } from "./postgres-audit.ts"
import { createPostgresReader, createPostgresWriter } from "./postgres-dialect.ts"
import { migratePostgres } from "./postgres-migration.ts"
import { connect, createPoolFactory, type PostgresAddress, run } from "./postgres-pool.ts"
import { PostgresRecorder } from "./postgres-recorder.ts"
import { hasServerRoom, isLackOfServerRoom } from "./postgres-room.ts"
import { PostgresSignals } from "./postgres-signals.ts"

const MAX_ATTEMPTS = 6
const WRITE_TIMEOUT_MS = 10_000

export type PostgresDatabaseDeps = {
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
}

/** Readers, writers, the audit log and signals have connections of their own, so that none waits for another. */
type Pools = { readonly read: Pool; readonly write: Pool; readonly audit: Pool; readonly signals: Pool }

/**
 * Opens a PostgreSQL database and brings its schema up to date.
 *
 * @throws AppError "unavailable" when it can't be reached, or is older than PostgreSQL 15
 */
export async function openPostgresDatabase(
  address: PostgresAddress & { readonly maxConnections?: number; readonly writeTimeoutMs?: number },
  deps: PostgresDatabaseDeps,
): Promise<PostgresDatabase> {
  const createPool = await createPoolFactory(address, deps.log)
  const perPool = Math.max(1, Math.floor(((address.maxConnections ?? 18) - 2) / 2))
  const pools = {
    read: createPool("reader", perPool),
    write: createPool("writer", perPool),
    audit: createPool("audit", 1),
    signals: createPool("signals", 1),
  }
  try {
    await migratePostgres(pools.write)
    return new PostgresDatabase(pools, deps, address.writeTimeoutMs)
  } catch (error) {
    await endPools(pools)
    throw error
  }
}

/** PostgreSQL: a transaction for each write, and one audit log for this process. */
export class PostgresDatabase implements OpenDatabase {
  readonly kind = "postgres"
  readonly reader: Reader
  readonly signals: PostgresSignals
  readonly #pools: Pools
  readonly #deps: PostgresDatabaseDeps
  readonly #writeTimeoutMs: number
  readonly #room: RoomWatch
  readonly #writes = new Set<Promise<unknown>>()
  #audit: PostgresAudit | undefined
  #recorder: PostgresRecorder | undefined
  #closing: Promise<void> | undefined

  constructor(pools: Pools, deps: PostgresDatabaseDeps, writeTimeoutMs = WRITE_TIMEOUT_MS) {
    this.#writeTimeoutMs = writeTimeoutMs
    this.#pools = pools
    this.#deps = deps
    this.#room = new RoomWatch({
      log: deps.log,
      isLackOfRoom: isLackOfServerRoom,
      hasRoom: () => hasServerRoom(pools.write),
    })
    this.reader = createPostgresReader(pools.read)
    this.signals = new PostgresSignals({ pool: pools.signals, random: deps.random, log: deps.log })
  }

  async startAudit(signer: AuditSigner): Promise<void> {
    const audit = new PostgresAudit({ ...this.#deps, pool: this.#pools.audit, signer })
    await audit.start()
    this.#audit = audit
    this.#recorder = new PostgresRecorder(this.#pools.audit, audit)
  }

  async write<T>(work: (scope: WriteScope) => Promise<T>): Promise<T> {
    assertNotInsideWrite("write")
    this.#assertOpen()
    const write = this.#writeWithRetries(work, callSiteOf(this.write))
    this.#writes.add(write)
    try {
      return await write
    } catch (error) {
      this.#room.note(error)
      throw error
    } finally {
      this.#writes.delete(write)
    }
  }

  async record(events: readonly AuditEvent[], witness: WitnessRequest): Promise<AuditWitness> {
    assertNotInsideWrite("record")
    this.#assertOpen()
    if (this.#recorder === undefined) throw new Error("the audit log is not open yet: call startAudit first")
    try {
      return await this.#recorder.record(events.map(pendingEventOf), witness)
    } catch (error) {
      this.#room.note(error)
      throw error
    }
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
    await this.signals.close()
    await Promise.allSettled(this.#writes)
    await this.#recorder?.idle()
    // A lease that is not given back ends by itself.
    await this.#audit?.release().catch(() => undefined)
    await endPools(this.#pools)
  }

  #assertOpen(): void {
    if (this.#closing !== undefined) throw databaseUnavailable("The database is closed")
  }

  async #writeWithRetries<T>(work: (scope: WriteScope) => Promise<T>, calledFrom: CallSite): Promise<T> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await this.#writeOnce(work, calledFrom)
      } catch (error) {
        if (!(error instanceof DatabaseError) || error.kind !== "retryable") throw error
        if (attempt === MAX_ATTEMPTS) {
          throw databaseUnavailable("The database is overloaded: other changes kept interfering", error)
        }
        await this.#pauseBeforeAttempt(attempt)
      }
    }
  }

  async #writeOnce<T>(work: (scope: WriteScope) => Promise<T>, calledFrom: CallSite): Promise<T> {
    const client = await connect(this.#pools.write)
    const scope = new OpenWriteScope((guard) => createPostgresWriter(client, guard))
    let isClean = false
    try {
      await run(client, "begin isolation level read committed")
      const result = await runWithinBound(scope, work, { timeoutMs: this.#writeTimeoutMs, calledFrom })
      scope.throwIfFailed()
      scope.close()
      await this.#commit(client, scope)
      isClean = true
      for (const effect of scope.effects) this.#runEffect(effect)
      return result
    } catch (error) {
      scope.close()
      isClean = await rollBack(client, error)
      throw error
    } finally {
      client.release(!isClean)
    }
  }

  async #commit(client: PoolClient, scope: OpenWriteScope): Promise<void> {
    if (scope.events.length === 0) return commit(client)
    if (this.#audit === undefined) throw new Error("the audit log is not open yet: call startAudit first")
    await this.#audit.append(scope.events, async (logId, append) => {
      await run(client, appendStatement(logId, append))
      await commit(client)
    })
  }

  async #pauseBeforeAttempt(attempt: number): Promise<void> {
    const [jitter = 0] = this.#deps.random.bytes(1)
    const pauseMs = 5 * 2 ** attempt * (0.5 + jitter / 256)
    await new Promise((resolve) => setTimeout(resolve, pauseMs))
  }

  #runEffect(effect: () => void): void {
    try {
      effect()
    } catch (error) {
      this.#deps.log.error({ err: error }, "An effect after a commit failed")
    }
  }
}

async function commit(client: PoolClient): Promise<void> {
  const { command } = await run(client, "commit")
  if (command !== "COMMIT") throw new Error("the transaction was rolled back instead of committed")
}

/** @returns whether the connection may be used again */
async function rollBack(client: PoolClient, cause: unknown): Promise<boolean> {
  // A connection that failed, or still runs a statement, is not asked again.
  if (isConnectionFailure(cause)) return false
  try {
    await client.query("rollback")
    return true
  } catch {
    // The server ends the transaction together with the connection, which is given up.
    return false
  }
}

function isConnectionFailure(error: unknown): boolean {
  return error instanceof Error && "code" in error && error.code === "DatabaseUnavailable"
}

async function endPools(pools: Pools): Promise<void> {
  await Promise.allSettled(Object.values(pools).map((pool: Pool) => pool.end()))
}
