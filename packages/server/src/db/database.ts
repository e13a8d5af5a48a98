/**
 * What the rest of the server knows of a database. Two implementations: `sqlite/` and `postgres/`.
 */
import type { Kysely, Transaction } from "kysely"
import type { AuditEvent, AuditWitness } from "../audit/audit-event.ts"
import type { AuditSigner } from "../audit/audit-head.ts"
import type { Schema } from "./schema.ts"
import type { Signals } from "./signals.ts"

/** Queries outside a write; on SQLite a read-only connection of its own. */
export type Reader = Kysely<Schema>

/** Queries inside a write. A `Transaction` is a `Kysely`, so a store function that takes a `Reader` takes it too. */
export type Writer = Transaction<Schema>

/** What a use case gets inside {@link Database.write}. */
export type WriteScope = {
  readonly db: Writer
  /** Adds an event to the audit batch that commits with this write, or not at all. */
  audit(event: AuditEvent): void
  /** Runs after the commit is durable and before `write` resolves; must not throw. For caches and event streams. */
  afterCommit(effect: () => void): void
  /**
   * Says of a write that it is about to change so many rows in a project of any size, and may hold the database the longer
   * for it. Without a word a write has the time that those need whose number is limited.
   */
  expectRows(count: number): void
}

export interface Database {
  readonly kind: "sqlite" | "postgres"
  readonly reader: Reader
  /** To the other processes on this database; `undefined` when there can be none. */
  readonly signals: Signals | undefined

  /**
   * Runs `work` in one transaction and resolves with its result once transaction and audit events are durable.
   * When `work` throws, nothing it did remains and the promise rejects with the same error.
   * SQLite: writes run one after another, several may share one commit (each in a savepoint). PostgreSQL: READ COMMITTED,
   * retried on 40001 and 40P01, so `work` must be repeatable. No network and no password hashing inside.
   *
   * @throws AppError "unavailable" when the database cannot commit (disk full, locked, gone)
   */
  write<T>(work: (scope: WriteScope) => Promise<T>): Promise<T>

  /**
   * Appends audit events of reads and refusals. Resolves once they are durable, with what the same round trip saw:
   * the current revisions of the projects and the epochs of the actors that were asked about. Concurrent calls share one batch.
   *
   * @throws AppError "unavailable" when the log cannot be written: the answer must then not be given
   */
  record(events: readonly AuditEvent[], witness: WitnessRequest): Promise<AuditWitness>

  /**
   * Resolves when what is written now would become durable; leaves nothing.
   *
   * @throws AppError "unavailable" while the database can't be used. A disk that was found full counts as full until
   * there is some room, even if it may hold something small
   */
  assertWritable(): Promise<void>

  /** Resolves when everything is closed; writes that are under way finish first. */
  close(): Promise<void>
}

/** A database as the composition root gets it: the keyring, which signs the audit log, is read from it first. */
export interface OpenDatabase extends Database {
  /** Opens the audit log of this process. Until then writes that carry audit events, and `record`, fail. */
  startAudit(signer: AuditSigner): Promise<void>
}

/** Which revisions of projects and epochs of actors (identities and users) a read depends on. Ids that don't exist are absent from the answer. */
export type WitnessRequest = {
  readonly projectIds: readonly string[]
  readonly actorIds: readonly string[]
}
