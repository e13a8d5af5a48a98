import type { StatementSync } from "node:sqlite"
import type { AuditWitness } from "../../audit/audit-event.ts"
import type { AuditSigner } from "../../audit/audit-head.ts"
import type { AuditAppend, AuditLog } from "../../audit/audit-log.ts"
import { findNewestAuditLog, insertAuditLog, loadAuditLog } from "../../audit/audit-log-store.ts"
import type { Clock } from "../../clock.ts"
import type { Log } from "../../log.ts"
import type { Random } from "../../random.ts"
import type { Reader, WitnessRequest, Writer } from "../database.ts"
import type { SqliteConnection } from "./sqlite-connection.ts"

/** How many events may lie between the snapshot and the end of the log: what loading it has to read. */
const SNAPSHOT_INTERVAL = 2000

/** The statements of the audit log and its witness, prepared once: they run for every batch. */
export class SqliteAuditStatements {
  readonly #insertEvent: StatementSync
  readonly #insertHead: StatementSync
  readonly #updateSnapshot: StatementSync
  readonly #projectRevision: StatementSync
  readonly #identityEpoch: StatementSync
  readonly #userEpoch: StatementSync
  #snapshotSize = 0

  constructor(connection: SqliteConnection) {
    this.#insertEvent = connection.statement(
      `insert into audit_event (log_id, seq, id, at, type, org_id, project_id, actor_type, actor_id, body, leaf_hash)
       values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    )
    this.#insertHead = connection.statement(
      "insert into audit_head (log_id, size, previous_size, root_hash, at, signature) values (?, ?, ?, ?, ?, ?)",
    )
    this.#updateSnapshot = connection.statement(
      "update audit_log set snapshot_size = ?, snapshot_range = ? where id = ?",
    )
    this.#projectRevision = connection.statement("select revision as value from project where id = ?")
    this.#identityEpoch = connection.statement("select epoch as value from identity where id = ?")
    this.#userEpoch = connection.statement("select epoch as value from user_account where id = ?")
  }

  append(log: AuditLog, { records, head }: AuditAppend): void {
    for (const record of records) {
      this.#insertEvent.run(
        log.id,
        record.seq,
        record.id,
        record.at,
        record.type,
        record.orgId,
        record.projectId,
        record.actorType,
        record.actorId,
        record.body,
        record.leafHash,
      )
    }
    const { size, previousSize, rootHash, at, signature } = head
    this.#insertHead.run(log.id, size, previousSize ?? null, rootHash, at, signature)
    if (log.size - this.#snapshotSize >= SNAPSHOT_INTERVAL) this.#snapshot(log)
  }

  /** What the requests ask for; each id is read once, and requests that ask for the same share one answer. */
  witnesses(requests: readonly WitnessRequest[]): AuditWitness[] {
    const revisionOf = once((id) => this.#revisionOf(id))
    const epochOf = once((id) => this.#epochOf(id))
    const shared = new Map<string, AuditWitness>()
    return requests.map(({ projectIds, actorIds }) => {
      // Ids hold no commas and no semicolons.
      const key = `${projectIds.join()};${actorIds.join()}`
      const known = shared.get(key)
      if (known !== undefined) return known
      const witness = {
        projectRevisions: valuesOf(projectIds, revisionOf),
        actorEpochs: valuesOf(actorIds, epochOf),
      }
      shared.set(key, witness)
      return witness
    })
  }

  /** The current revision of a project; `undefined` when there is none. */
  #revisionOf(projectId: string): number | undefined {
    return numberOf(this.#projectRevision.get(projectId))
  }

  /** The current epoch of an identity or a user; `undefined` when there is none. */
  #epochOf(actorId: string): number | undefined {
    return numberOf(this.#identityEpoch.get(actorId)) ?? numberOf(this.#userEpoch.get(actorId))
  }

  /** Saves the committed end of the log, which lies before the batch at hand; if that is rolled back, it is still right. */
  #snapshot(log: AuditLog): void {
    const { size, rangeBytes } = log.snapshot()
    this.#updateSnapshot.run(size, rangeBytes, log.id)
    this.#snapshotSize = size
  }
}

type Find = (id: string) => number | undefined

/** Asks for each id once. */
function once(find: Find): Find {
  const found = new Map<string, number | undefined>()
  return (id) => {
    if (!found.has(id)) found.set(id, find(id))
    return found.get(id)
  }
}

function valuesOf(ids: readonly string[], find: Find): ReadonlyMap<string, number> {
  const values = new Map<string, number>()
  for (const id of ids) {
    const value = find(id)
    if (value !== undefined) values.set(id, value)
  }
  return values
}

function numberOf(row: Record<string, unknown> | undefined): number | undefined {
  return typeof row?.["value"] === "number" ? row["value"] : undefined
}

/**
 * Opens the one log of this data folder, or begins it. A log whose rows don't lead to its newest signed head is left
 * as it is, as evidence, and a new one is begun.
 */
export async function openSqliteAuditLog(
  reader: Reader,
  write: <T>(work: (db: Writer) => Promise<T>) => Promise<T>,
  deps: { signer: AuditSigner; clock: Clock; random: Random; log: Log },
): Promise<AuditLog> {
  const existing = await findNewestAuditLog(reader, deps.signer)
  if (existing !== undefined) {
    const log = await loadAuditLog(reader, existing, deps.signer)
    if (log !== undefined) return log
    deps.log.error(
      { auditLogId: existing },
      "The audit log does not match its newest signed head; a new log was begun. Run coffer audit verify",
    )
  }
  const id = deps.random.uuid()
  const now = deps.clock.now()
  return write((db) => insertAuditLog(db, { id, signer: deps.signer, lease: undefined, now }))
}
