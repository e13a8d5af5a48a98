import type { Pool, QueryConfig } from "pg"
import type { AuditWitness } from "../../audit/audit-event.ts"
import type { PendingAuditEvent } from "../../audit/audit-record.ts"
import type { WitnessRequest } from "../database.ts"
import { DatabaseError, databaseUnavailable } from "../database-error.ts"
import { appendWithWitnessStatement, type PostgresAudit, witnessStatement } from "./postgres-audit.ts"
import { connect, run } from "./postgres-pool.ts"

const MAX_QUEUED = 10_000
const MAX_RECORDS_PER_BATCH = 500
const MAX_ATTEMPTS = 4

type QueuedRecord = {
  readonly events: readonly PendingAuditEvent[]
  readonly witness: WitnessRequest
  readonly resolve: (witness: AuditWitness) => void
  readonly reject: (error: unknown) => void
}

type WitnessRow = { readonly kind: "project" | "actor"; readonly id: string; readonly value: number }

/** Groups the records of concurrent requests: one statement, and so one round trip and one commit, for all that wait. */
export class PostgresRecorder {
  readonly #pool: Pool
  readonly #audit: PostgresAudit
  readonly #queue: QueuedRecord[] = []
  #running: Promise<void> | undefined

  constructor(pool: Pool, audit: PostgresAudit) {
    this.#pool = pool
    this.#audit = audit
  }

  record(events: readonly PendingAuditEvent[], witness: WitnessRequest): Promise<AuditWitness> {
    return new Promise((resolve, reject) => {
      if (this.#queue.length >= MAX_QUEUED) {
        throw databaseUnavailable("The database is overloaded: too many requests wait")
      }
      this.#queue.push({ events, witness, resolve, reject })
      this.#wake()
    })
  }

  /** Resolves when nothing waits. */
  async idle(): Promise<void> {
    while (this.#running !== undefined) await this.#running
  }

  #wake(): void {
    this.#running ??= this.#run().finally(() => {
      this.#running = undefined
      // Who was answered last may have come again before this ran.
      if (this.#queue.length > 0) this.#wake()
    })
  }

  async #run(): Promise<void> {
    // One turn of the event loop lets the requests that arrived together share a batch.
    await new Promise((resolve) => setImmediate(resolve))
    while (this.#queue.length > 0) {
      const batch = this.#queue.splice(0, MAX_RECORDS_PER_BATCH)
      try {
        const found = await this.#append(batch)
        for (const { witness, resolve } of batch) resolve(witnessOf(witness, found))
      } catch (error) {
        for (const { reject } of batch) reject(error)
      }
    }
  }

  async #append(batch: readonly QueuedRecord[]): Promise<Map<string, number>> {
    const events = batch.flatMap((record) => record.events)
    const ids = {
      projectIds: [...new Set(batch.flatMap((record) => record.witness.projectIds))],
      actorIds: [...new Set(batch.flatMap((record) => record.witness.actorIds))],
    }
    for (let attempt = 1; ; attempt++) {
      try {
        if (events.length === 0) return await this.#query(witnessStatement(ids))
        return await this.#audit.append(events, (logId, append) =>
          this.#query(appendWithWitnessStatement(logId, append, ids)),
        )
      } catch (error) {
        if (!(error instanceof DatabaseError) || error.kind !== "retryable") throw error
        if (attempt === MAX_ATTEMPTS) {
          throw databaseUnavailable("The database is overloaded: other writers kept interfering", error)
        }
      }
    }
  }

  async #query(statement: QueryConfig): Promise<Map<string, number>> {
    const client = await connect(this.#pool)
    let isBroken = false
    try {
      const { rows } = await run<WitnessRow>(client, statement)
      return new Map(rows.map((row) => [`${row.kind} ${row.id}`, row.value]))
    } catch (error) {
      isBroken = true
      throw error
    } finally {
      client.release(isBroken)
    }
  }
}

function witnessOf(request: WitnessRequest, found: ReadonlyMap<string, number>): AuditWitness {
  return {
    projectRevisions: valuesOf("project", request.projectIds, found),
    actorEpochs: valuesOf("actor", request.actorIds, found),
  }
}

function valuesOf(kind: WitnessRow["kind"], ids: readonly string[], found: ReadonlyMap<string, number>) {
  const values = new Map<string, number>()
  for (const id of ids) {
    const value = found.get(`${kind} ${id}`)
    if (value !== undefined) values.set(id, value)
  }
  return values
}
