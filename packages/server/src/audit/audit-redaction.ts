/**
 * What retention took out of the middle of a log, where what surrounds it is kept longer: the rows keep their place and
 * their leaf hash, so that the tree still adds up, and lose everything else. Only rows that a signed record names may be
 * empty. The signature (Ed25519) covers
 *
 * ```
 * "coffer/audit-redaction/1" || log id, 16 bytes || first seq, u64 || last seq, u64 || SHA-256 of the runs || time in ms, u64
 * ```
 *
 * (big-endian), where the runs are the JSON text `[[first,last],...]`, ascending.
 */
import type { KeyObject } from "node:crypto"
import type { AuditEventTable, AuditRedactionTable } from "../db/schema.ts"
import { isUuid, uuidBytes } from "../uuid.ts"
import { type AuditSigner, isSignedBy, isUint } from "./audit-head.ts"
import { sha256 } from "./merkle.ts"

/** Sequence numbers from the first to the last, both included. */
export type SeqRun = readonly [first: number, last: number]

/** What an event is once retention took it out; its place and its leaf hash stay. */
export const redactedColumns = {
  id: "",
  at: 0,
  type: "",
  org_id: "",
  project_id: null,
  actor_type: "",
  actor_id: null,
  body: "",
} as const satisfies Partial<AuditEventTable>

export function isRedacted(row: AuditEventTable): boolean {
  return row.body === ""
}

/** The record that lets these events of a log be empty; `seqs` ascending and not empty. */
export function redactionRowOf(
  logId: string,
  seqs: readonly number[],
  now: number,
  signer: AuditSigner,
): AuditRedactionTable {
  const runs = runsOf(seqs)
  const first = runs[0]?.[0]
  const last = runs.at(-1)?.[1]
  if (first === undefined || last === undefined) throw new RangeError("a redaction takes out something")
  const unsigned = { log_id: logId, from_seq: first, to_seq: last, seqs: JSON.stringify(runs), at: now }
  return { ...unsigned, signature: signer.signAuditHead(signedBytes(unsigned)) }
}

/** The runs that a record names; `undefined` when it is malformed or not signed by this key. */
export function redactedRunsOf(
  row: AuditRedactionTable,
  publicKey: KeyObject,
): readonly SeqRun[] | undefined {
  if (![row.from_seq, row.to_seq, row.at].every(isUint) || !isUuid(row.log_id)) return undefined
  if (!isSignedBy(publicKey, signedBytes(row), row.signature)) return undefined
  // Signed by this server, so it is what this server wrote.
  return JSON.parse(row.seqs) as readonly SeqRun[]
}

/** Which events of a log may be empty. */
export class RedactedSeqs {
  readonly #runs: SeqRun[] = []
  #isSorted = true

  add(runs: readonly SeqRun[]): void {
    for (const run of runs) this.#runs.push(run)
    this.#isSorted = false
  }

  has(seq: number): boolean {
    if (!this.#isSorted) this.#runs.sort(([left], [right]) => left - right)
    this.#isSorted = true
    let low = 0
    let high = this.#runs.length
    while (low < high) {
      const middle = (low + high) >>> 1
      const [first = 0] = this.#runs[middle] ?? []
      if (first <= seq) low = middle + 1
      else high = middle
    }
    const run = this.#runs[low - 1]
    return run !== undefined && seq <= run[1]
  }
}

function runsOf(seqs: readonly number[]): SeqRun[] {
  const runs: [number, number][] = []
  for (const seq of seqs) {
    const run = runs.at(-1)
    if (run !== undefined && run[1] === seq - 1) run[1] = seq
    else runs.push([seq, seq])
  }
  return runs
}

function signedBytes(row: Omit<AuditRedactionTable, "signature">): Uint8Array {
  const numbers = Buffer.alloc(24)
  numbers.writeBigUInt64BE(BigInt(row.from_seq), 0)
  numbers.writeBigUInt64BE(BigInt(row.to_seq), 8)
  numbers.writeBigUInt64BE(BigInt(row.at), 16)
  return Buffer.concat([
    Buffer.from("coffer/audit-redaction/1"),
    uuidBytes(row.log_id),
    numbers.subarray(0, 16),
    sha256(Buffer.from(row.seqs)),
    numbers.subarray(16),
  ])
}
