import type { KeyObject } from "node:crypto"
import { counted } from "../counted.ts"
import type { AuditEventTable } from "../db/schema.ts"
import { uuidBytes } from "../uuid.ts"
import { type AuditHead, isSignedHead } from "./audit-head.ts"
import { type DerivedColumns, derivedColumnsOf, leafHash } from "./audit-record.ts"
import { isRedacted, type RedactedSeqs, redactedColumns } from "./audit-redaction.ts"
import type { AuditFinding, ReportBuilder } from "./audit-report.ts"
import { HeadChain } from "./head-chain.ts"
import type { CompactRange } from "./merkle.ts"

const MAX_SUSPECTS = 100

type PublishedHead = { readonly size: number; readonly rootHash: Uint8Array }
/** Where the writer of a log goes on from after a restart. */
export type LogSnapshot = { readonly size: number; readonly rangeBytes: Uint8Array }
type Suspect = { readonly seq: number; readonly eventId: string }

/**
 * Goes along one log, events and heads in order. Between two heads it grows two trees, one from the stored leaf hashes
 * and one from the bodies: the one whose root the next head signs is the true one, and the rows where they differ are
 * those that were changed.
 */
export class LogCheck {
  readonly #logId: string
  readonly #logIdBytes: Uint8Array
  readonly #publicKey: KeyObject
  readonly #published: PublishedHead | undefined
  readonly #report: ReportBuilder
  readonly #redacted: RedactedSeqs
  readonly #snapshot: LogSnapshot | undefined
  #stored: CompactRange
  #recomputed: CompactRange
  /** The sequence number that comes next. */
  #next: number
  #provenSize: number
  /** After a gap or a change, roots can't be computed any more; rows are still checked one by one. */
  #isBroken = false
  #suspects: Suspect[] = []
  readonly #chain: HeadChain

  constructor(parts: {
    logId: string
    publicKey: KeyObject
    start: CompactRange
    /** Which events may be empty. */
    redacted: RedactedSeqs
    report: ReportBuilder
    published: PublishedHead | undefined
    snapshot: LogSnapshot | undefined
  }) {
    this.#logId = parts.logId
    this.#logIdBytes = uuidBytes(parts.logId)
    this.#publicKey = parts.publicKey
    this.#stored = parts.start.clone()
    this.#recomputed = parts.start.clone()
    this.#next = parts.start.size
    this.#provenSize = parts.start.size
    this.#report = parts.report
    this.#redacted = parts.redacted
    this.#published = parts.published
    this.#snapshot = parts.snapshot
    this.#chain = new HeadChain(parts)
    if (this.#snapshot !== undefined && this.#snapshot.size < this.#next) this.#findSnapshot(this.#snapshot)
    this.#checkSnapshot()
    this.#checkPublished()
  }

  event(row: AuditEventTable): void {
    this.#report.countEvent()
    this.#checkGap(row.seq)
    const isEmptied = isRedacted(row) && this.#redacted.has(row.seq)
    // Of an event that retention emptied, only the leaf hash is left to stand for it.
    const recomputed = isEmptied ? row.leaf_hash : leafHash(this.#logIdBytes, row.seq, row.body)
    if (isEmptied) this.#checkEmptied(row)
    else this.#checkBody(row, recomputed)
    this.#next = row.seq + 1
    if (this.#isBroken) return
    this.#stored.append(row.leaf_hash)
    this.#recomputed.append(recomputed)
    this.#checkPublished()
    this.#checkSnapshot()
  }

  #checkBody(row: AuditEventTable, recomputed: Uint8Array): void {
    const columns = derivedColumnsOf(this.#logId, row.body)
    if (columns !== undefined && columns.seq !== row.seq) {
      this.#find("event-moved", row, `holds what was written at ${columns.seq}`)
    } else if (Buffer.compare(recomputed, row.leaf_hash) !== 0) {
      this.#suspect(row)
    } else {
      this.#checkColumns(row, columns)
    }
  }

  #checkEmptied(row: AuditEventTable): void {
    const names = Object.keys(redactedColumns) as (keyof typeof redactedColumns)[]
    const differing = names.filter((name) => row[name] !== redactedColumns[name])
    if (differing.length > 0)
      this.#find("columns-differ", row, `was emptied by retention and has ${differing.join(", ")} again`)
  }

  head(head: AuditHead): void {
    const isSigned = isSignedHead(this.#publicKey, this.#logIdBytes, head)
    this.#chain.head(head, isSigned)
    if (!isSigned) {
      const message = `log ${this.#logId}: the head over ${counted(head.size, "event")} is not signed by this instance`
      this.#report.find({ kind: "head-forged", logId: this.#logId, seq: head.size, message })
      return
    }
    this.#checkGap(head.size)
    if (!this.#isBroken) this.#compareRoots(head)
    this.#reportSuspects()
    this.#provenSize = head.size
  }

  /** @param size what the newest head says */
  end(size: number): void {
    this.#reportSuspects()
    this.#chain.end()
    if (this.#snapshot !== undefined && this.#snapshot.size > size) this.#findSnapshot(this.#snapshot)
    if (this.#published !== undefined && size < this.#published.size) {
      const message = `log ${this.#logId} was cut: it ends at ${counted(size, "event")}, the checkpoint has ${this.#published.size}`
      this.#report.find({ kind: "log-cut", logId: this.#logId, seq: size, message })
    }
  }

  #compareRoots(head: AuditHead): void {
    if (Buffer.compare(this.#stored.root(), head.rootHash) === 0) {
      this.#recomputed = this.#stored.clone()
    } else if (Buffer.compare(this.#recomputed.root(), head.rootHash) === 0) {
      this.#stored = this.#recomputed.clone()
    } else {
      this.#isBroken = true
      const range = `events ${this.#provenSize} to ${head.size - 1}`
      const message = `log ${this.#logId}: ${range} are not the ones that were signed`
      this.#report.find({ kind: "events-changed", logId: this.#logId, seq: this.#provenSize, message })
    }
  }

  #checkGap(seq: number): void {
    if (this.#next === seq) return
    const first = this.#next
    this.#next = seq
    this.#isBroken = true
    const which = seq - first === 1 ? `event ${first} is` : `events ${first} to ${seq - 1} are`
    const message = `log ${this.#logId}: ${which} missing`
    this.#report.find({ kind: "event-removed", logId: this.#logId, seq: first, message })
  }

  #checkColumns(row: AuditEventTable, columns: DerivedColumns | undefined): void {
    const shown: DerivedColumns = {
      seq: row.seq,
      id: row.id,
      at: row.at,
      type: row.type,
      orgId: row.org_id,
      projectId: row.project_id,
      actorType: row.actor_type,
      actorId: row.actor_id,
    }
    const differing = columnNames.filter((name) => columns?.[name] !== shown[name])
    if (differing.length > 0)
      this.#find("columns-differ", row, `does not agree with its body in ${differing.join(", ")}`)
  }

  #checkPublished(): void {
    if (this.#published?.size !== this.#stored.size) return
    const { rootHash, size } = this.#published
    const roots = [this.#stored.root(), this.#recomputed.root()]
    if (roots.some((root) => Buffer.compare(root, rootHash) === 0)) return
    const message = `log ${this.#logId}: its beginning of ${counted(size, "event")} is not what the checkpoint signed`
    this.#report.find({ kind: "log-replaced", logId: this.#logId, seq: 0, message })
  }

  #checkSnapshot(): void {
    if (this.#snapshot?.size !== this.#stored.size) return
    const ranges = [this.#stored.toBytes(), this.#recomputed.toBytes()]
    if (ranges.some((range) => Buffer.compare(range, this.#snapshot?.rangeBytes ?? range) === 0)) return
    this.#findSnapshot(this.#snapshot)
  }

  #findSnapshot({ size }: LogSnapshot): void {
    const message = `log ${this.#logId}: the place where its writer goes on, ${size}, is not one of this log`
    this.#report.find({ kind: "snapshot-differs", logId: this.#logId, seq: size, message })
  }

  #suspect(row: AuditEventTable): void {
    if (this.#suspects.length < MAX_SUSPECTS) this.#suspects.push({ seq: row.seq, eventId: row.id })
  }

  #reportSuspects(): void {
    for (const { seq, eventId } of this.#suspects) {
      const message = `log ${this.#logId}: event ${seq} (${eventId}) was edited`
      this.#report.find({ kind: "event-edited", logId: this.#logId, seq, eventId, message })
    }
    this.#suspects = []
  }

  #find(kind: AuditFinding["kind"], row: AuditEventTable, what: string): void {
    const message = `log ${this.#logId}: event ${row.seq} (${row.id}) ${what}`
    this.#report.find({ kind, logId: this.#logId, seq: row.seq, eventId: row.id, message })
  }
}

const columnNames = ["seq", "id", "at", "type", "orgId", "projectId", "actorType", "actorId"] as const
