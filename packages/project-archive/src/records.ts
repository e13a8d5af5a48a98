/** Records as lines, and the last line that says what came before it (layout in `index.ts`). */
import { createHash } from "node:crypto"
import { ArchiveError } from "./archive-error.ts"

export type ArchiveRecord = { readonly kind: string; readonly [field: string]: unknown }

const endKind = "end"
const newline = 10
const maxRecordBytes = 8 * 1024 * 1024
/** A file of another kind must not make a reader count without bound. */
const maxKinds = 100

class Tally {
  readonly #hash = createHash("sha256")
  readonly #counts = new Map<string, number>()

  add(kind: string, line: Uint8Array): void {
    this.#hash.update(line)
    this.#counts.set(kind, (this.#counts.get(kind) ?? 0) + 1)
    if (this.#counts.size > maxKinds) throw notAnArchive("it holds too many kinds of records")
  }

  /** Ends the tally. */
  summary(): { readonly counts: Readonly<Record<string, number>>; readonly sha256: string } {
    return { counts: Object.fromEntries(this.#counts), sha256: this.#hash.digest("hex") }
  }
}

/** Makes the lines of one archive; the caller passes them on in order. */
export class RecordWriter {
  readonly #tally = new Tally()

  /** @throws ArchiveError "too-large" for a record that no reader would accept */
  line(record: ArchiveRecord): Uint8Array {
    const bytes = lineOf(record)
    if (bytes.length > maxRecordBytes) throw tooLarge()
    this.#tally.add(record.kind, bytes)
    return bytes
  }

  /** The last line; nothing may follow. */
  end(): Uint8Array {
    return lineOf({ kind: endKind, ...this.#tally.summary() })
  }
}

function lineOf(record: ArchiveRecord): Uint8Array {
  return Buffer.from(`${JSON.stringify(record)}\n`, "utf8")
}

/**
 * The records of an archive in order, without the last line, which is checked. Until the iteration has ended without an
 * error it is unknown whether they are all.
 *
 * @throws ArchiveError "damaged" when the last line is missing or says something else than came before it,
 * "not-an-archive" for what is no record, "too-large"
 */
export async function* readRecords(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<ArchiveRecord, void> {
  const tally = new Tally()
  let end: ArchiveRecord | undefined
  for await (const line of linesOf(chunks)) {
    if (end !== undefined) throw damaged("something follows its last record")
    const record = parseRecord(line)
    if (record.kind === endKind) end = record
    else {
      tally.add(record.kind, line)
      yield record
    }
  }
  if (end === undefined) throw damaged("its end is missing")
  const { counts, sha256 } = tally.summary()
  if (end["sha256"] !== sha256 || !isSame(end["counts"], counts)) {
    throw damaged("its last record does not fit what came before it")
  }
}

function isSame(told: unknown, counts: Readonly<Record<string, number>>): boolean {
  if (typeof told !== "object" || told === null) return false
  const entries = Object.entries(told)
  return entries.length === Object.keys(counts).length && entries.every(([kind, n]) => counts[kind] === n)
}

/** Lines with their LF. A text that does not end with one has no whole last line. */
async function* linesOf(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void> {
  let pending: Uint8Array[] = []
  let pendingBytes = 0
  for await (const chunk of chunks) {
    let from = 0
    while (from < chunk.length) {
      const at = chunk.indexOf(newline, from)
      const to = at === -1 ? chunk.length : at + 1
      pendingBytes += to - from
      if (pendingBytes > maxRecordBytes) throw tooLarge()
      pending.push(chunk.subarray(from, to))
      if (at !== -1) {
        yield pending.length === 1 ? (pending[0] as Uint8Array) : Buffer.concat(pending)
        pending = []
        pendingBytes = 0
      }
      from = to
    }
  }
  if (pendingBytes > 0) throw damaged("its last record is cut off")
}

const decoder = new TextDecoder("utf-8", { fatal: true })

function parseRecord(line: Uint8Array): ArchiveRecord {
  let parsed: unknown
  try {
    parsed = JSON.parse(decoder.decode(line))
  } catch {
    // The parser's message quotes the text, which may hold values.
    throw notAnArchive("a line of it is not JSON")
  }
  if (typeof parsed === "object" && parsed !== null && "kind" in parsed && typeof parsed.kind === "string") {
    return parsed as ArchiveRecord
  }
  throw notAnArchive("a line of it is no record")
}

function damaged(why: string): ArchiveError {
  return new ArchiveError("damaged", `The archive is damaged or cut off: ${why}`)
}

function notAnArchive(why: string): ArchiveError {
  return new ArchiveError("not-an-archive", `This is not an archive of a project: ${why}`)
}

function tooLarge(): ArchiveError {
  return new ArchiveError("too-large", `A record of the archive is larger than ${maxRecordBytes} bytes`)
}
