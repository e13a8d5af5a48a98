import { uuidBytes } from "../uuid.ts"
import { type AuditHead, type AuditSigner, headBytes } from "./audit-head.ts"
import { type AuditRecord, type PendingAuditEvent, recordOf } from "./audit-record.ts"
import type { CompactRange } from "./merkle.ts"

/** What one batch adds to a log: rows to insert and the head over everything up to the last of them. */
export type AuditAppend = {
  readonly records: readonly AuditRecord[]
  readonly head: AuditHead
  /** The log as it is once the batch is committed. */
  readonly range: CompactRange
}

/**
 * The writing end of one log: knows its right edge and signs each batch. It does no I/O. A database inserts what
 * {@link prepare} returns and calls {@link adopt} when, and only when, the transaction has been committed.
 */
export class AuditLog {
  readonly id: string
  readonly #idBytes: Uint8Array
  readonly #signer: AuditSigner
  #range: CompactRange

  constructor(id: string, range: CompactRange, signer: AuditSigner) {
    this.id = id
    this.#idBytes = uuidBytes(id)
    this.#range = range
    this.#signer = signer
  }

  get size(): number {
    return this.#range.size
  }

  /** Gives the events their places behind the end of the log; changes nothing here. */
  prepare(events: readonly PendingAuditEvent[], now: number): AuditAppend {
    const range = this.#range.clone()
    const log = { id: this.id, idBytes: this.#idBytes }
    const records = events.map((event) => {
      const record = recordOf(log, range.size, event)
      range.append(record.leafHash)
      return record
    })
    // A log ends where its newest head says, so the size of that one needs no memory of its own.
    const head = { size: range.size, previousSize: this.size, rootHash: range.root(), at: now }
    const signature = this.#signer.signAuditHead(headBytes(this.#idBytes, head))
    return { records, head: { ...head, signature }, range }
  }

  /** Takes a committed batch over as the new end of the log. */
  adopt(append: AuditAppend): void {
    this.#range = append.range
  }

  /** The right edge as it is now, for a snapshot. */
  snapshot(): { readonly size: number; readonly rangeBytes: Uint8Array } {
    return { size: this.#range.size, rangeBytes: this.#range.toBytes() }
  }
}
