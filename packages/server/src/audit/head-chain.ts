import { counted } from "../counted.ts"
import type { AuditHead } from "./audit-head.ts"
import type { AuditFinding, ReportBuilder } from "./audit-report.ts"
import type { CompactRange } from "./merkle.ts"

/**
 * Goes along the heads of one log, from where it begins. Each names the one before it; where retention cut a log, that is
 * at a head, which stays. Heads of the older form name none, so one of those that was removed is found only when it was
 * the last of them.
 */
export class HeadChain {
  readonly #logId: string
  readonly #start: number
  readonly #report: ReportBuilder
  /** The size of the newest signed head so far. */
  #size: number
  /** The size of the newest head so far that is not signed: it is reported already, and its place is not empty. */
  #forgedSize: number | undefined
  #hasStarted = false
  #isChained = false

  constructor(parts: {
    readonly logId: string
    readonly start: CompactRange
    readonly report: ReportBuilder
  }) {
    this.#logId = parts.logId
    this.#start = parts.start.size
    this.#size = parts.start.size
    this.#report = parts.report
  }

  head({ size, previousSize }: AuditHead, isSigned: boolean): void {
    this.#checkStart(size)
    if (!isSigned) {
      this.#forgedSize = size
      return
    }
    // What the head at the start follows is gone; the signed record of that stands for it.
    const isStart = this.#start > 0 && size === this.#start
    if (!isStart) this.#checkLink(size, previousSize)
    this.#size = size
    this.#isChained ||= previousSize !== undefined
  }

  end(): void {
    this.#checkStart(undefined)
  }

  #checkStart(size: number | undefined): void {
    if (!this.#hasStarted && this.#start > 0 && size !== this.#start) this.#findMissing(this.#start)
    this.#hasStarted = true
  }

  #checkLink(size: number, previousSize: number | undefined): void {
    if (previousSize === undefined) {
      if (this.#isChained) this.#find("head-added", size, "names none before it, as heads did formerly")
    } else if (previousSize > this.#size) {
      if (previousSize !== this.#forgedSize) this.#findMissing(previousSize)
    } else if (previousSize < this.#size) {
      this.#find("head-added", this.#size, `is none of this log: the one over ${size} follows another`)
    }
  }

  #findMissing(size: number): void {
    this.#find("head-removed", size, "is missing")
  }

  #find(kind: AuditFinding["kind"], size: number, what: string): void {
    const message = `log ${this.#logId}: the head over ${counted(size, "event")} ${what}`
    this.#report.find({ kind, logId: this.#logId, seq: size, message })
  }
}
