/** What a verification found. */

export type AuditFindingKind =
  | "event-edited"
  | "event-removed"
  | "event-moved"
  | "columns-differ"
  | "events-changed"
  | "events-unsigned"
  | "head-forged"
  | "head-removed"
  | "head-added"
  | "log-cut"
  | "log-replaced"
  | "log-missing"
  | "log-forged"
  | "key-differs"
  | "prune-forged"
  | "redaction-forged"
  | "snapshot-differs"
  | "export-changed"

export type AuditFinding = {
  readonly kind: AuditFindingKind
  readonly logId: string
  /** The first sequence number concerned. */
  readonly seq?: number
  readonly eventId?: string
  /** One sentence for the person who reads the report. */
  readonly message: string
}

export type AuditReport = {
  readonly isIntact: boolean
  readonly logs: readonly { readonly logId: string; readonly size: number; readonly pruned: number }[]
  readonly eventsChecked: number
  readonly findings: readonly AuditFinding[]
  /** What could not be compared, though nothing was found wrong with it. */
  readonly notes: readonly string[]
  /** How many findings came after the list was full. */
  readonly findingsLeftOut: number
}

const MAX_FINDINGS = 1_000

/** Collects a report; the list of findings is bounded, the count is not. */
export class ReportBuilder {
  readonly #logs: { logId: string; size: number; pruned: number }[] = []
  readonly #findings: AuditFinding[] = []
  #found = 0
  #eventsChecked = 0
  readonly #notes: string[] = []

  note(note: string): void {
    if (this.#notes.length < MAX_FINDINGS) this.#notes.push(note)
  }

  addLog(log: { logId: string; size: number; pruned: number }): void {
    this.#logs.push(log)
  }

  countEvent(): void {
    this.#eventsChecked += 1
  }

  find(finding: AuditFinding): void {
    this.#found += 1
    if (this.#findings.length < MAX_FINDINGS) this.#findings.push(finding)
  }

  /** How many findings there are, also of those that the list has no place for. */
  get found(): number {
    return this.#found
  }

  /** Takes over everything of another one. */
  merge(other: ReportBuilder): void {
    this.#logs.push(...other.#logs)
    this.#eventsChecked += other.#eventsChecked
    for (const note of other.#notes) this.note(note)
    for (const finding of other.#findings) this.find(finding)
    this.#found += other.#found - other.#findings.length
  }

  build(): AuditReport {
    return {
      isIntact: this.#found === 0,
      logs: this.#logs,
      eventsChecked: this.#eventsChecked,
      findings: this.#findings,
      notes: this.#notes,
      findingsLeftOut: this.#found - this.#findings.length,
    }
  }
}
