/** Checks an export (`export-log.ts`) with nothing but the public key: neither database nor root key is needed. */

import type { KeyObject } from "node:crypto"
import { z } from "zod"
import { counted } from "../counted.ts"
import { isUuid, uuidBytes } from "../uuid.ts"
import { importAuditPublicKey } from "./audit-head.ts"
import { prunedRangeOf } from "./audit-prune.ts"
import { leafHash } from "./audit-record.ts"
import { type AuditReport, ReportBuilder } from "./audit-report.ts"
import { CompactRange, HASH_SIZE } from "./merkle.ts"
import { headSchema, isSignedLine, type PublishedHead } from "./published-heads.ts"

const place = { logId: z.guid(), seq: z.int().nonnegative(), leafHash: z.base64() }
const lineSchema = z.discriminatedUnion("kind", [
  z.strictObject({ kind: z.literal("event"), ...place, event: z.looseObject({}) }),
  z.strictObject({ kind: z.literal("leaf"), ...place }),
  z.strictObject({
    kind: z.literal("start"),
    logId: z.guid(),
    size: z.int().nonnegative(),
    range: z.string(),
    at: z.int().nonnegative(),
    signature: z.base64(),
  }),
  headSchema,
  z.strictObject({ kind: z.literal("end"), events: z.int().nonnegative() }),
])
type Line = z.infer<typeof lineSchema>

/** One log as far as the lines have told of it. */
type OpenLog = { readonly logId: string; readonly start: number; readonly range: CompactRange }

/**
 * Finds any edit, removal, addition or reordering in an export, line by line, in bounded memory.
 *
 * @param published heads that were kept elsewhere: an export that ends before one of them was cut
 */
export async function verifyAuditExport(
  lines: AsyncIterable<string> | Iterable<string>,
  publicKeyBytes: Uint8Array,
  published: readonly PublishedHead[] = [],
): Promise<AuditReport> {
  const check = new ExportCheck(importAuditPublicKey(publicKeyBytes), published)
  let number = 0
  for await (const text of lines) {
    number += 1
    if (text.trim() !== "") check.line(text, number)
  }
  return check.end()
}

class ExportCheck {
  readonly #publicKey: KeyObject
  readonly #published: Map<string, PublishedHead>
  readonly #report = new ReportBuilder()
  readonly #done = new Set<string>()
  #open: OpenLog | undefined
  #events = 0
  #hasEnded = false

  constructor(publicKey: KeyObject, published: readonly PublishedHead[]) {
    this.#publicKey = publicKey
    this.#published = new Map(published.map((head) => [head.logId, head]))
  }

  line(text: string, number: number): void {
    const line = parse(text)
    if (line === undefined) this.#find("", `line ${number} is none of an export`)
    else if (this.#hasEnded) this.#find("", `line ${number} stands behind the end of the export`)
    else if (line.kind === "end") this.#finish(line)
    else if (!isUuid(line.logId)) this.#find("", `line ${number}: no log of Coffer has this id`)
    else if (line.kind === "start") this.#start(line)
    else if (line.kind === "head") this.#head(this.#logOf(line.logId, number), line)
    else this.#leaf(this.#logOf(line.logId, number), line, text)
  }

  end(): AuditReport {
    if (!this.#hasEnded) this.#find("", "the export was cut: its last line is missing")
    for (const { logId, size } of this.#published.values()) {
      if (this.#done.has(logId)) continue
      const message = `log ${logId} is not in the export; the checkpoint has ${counted(size, "event")} of it`
      this.#report.find({ kind: "log-missing", logId, message })
    }
    return this.#report.build()
  }

  #start(line: Extract<Line, { kind: "start" }>): void {
    const { logId, size, at } = line
    const row = {
      log_id: logId,
      size,
      at,
      compact_range: JSON.stringify(line.range),
      signature: Buffer.from(line.signature, "base64"),
    }
    const range = prunedRangeOf(row, this.#publicKey)
    if (range === undefined) {
      const message = `log ${logId}: the record of what retention removed is not signed by this instance`
      this.#report.find({ kind: "prune-forged", logId, message })
    }
    this.#begin(logId, range ?? CompactRange.empty())
  }

  #begin(logId: string, range: CompactRange): OpenLog {
    if (this.#open !== undefined) this.#find(this.#open.logId, "its head is missing")
    if (this.#done.has(logId)) this.#find(logId, "it stands in the export twice")
    this.#open = { logId, start: range.size, range }
    this.#compare(this.#open)
    return this.#open
  }

  #logOf(logId: string, number: number): OpenLog {
    if (this.#open?.logId === logId) return this.#open
    if (this.#open !== undefined) {
      this.#find(this.#open.logId, `line ${number} is of another log, and its head has not come yet`)
      this.#open = undefined
    }
    return this.#begin(logId, CompactRange.empty())
  }

  #leaf(log: OpenLog, line: Extract<Line, { kind: "event" | "leaf" }>, text: string): void {
    const { logId, seq } = line
    const stored = Buffer.from(line.leafHash, "base64")
    if (seq !== log.range.size) {
      const message = `log ${logId}: event ${log.range.size} was expected, and ${seq} stands there`
      this.#report.find({ kind: "event-moved", logId, seq, message })
    }
    if (line.kind === "event") {
      this.#events += 1
      this.#report.countEvent()
      if (Buffer.compare(leafHash(uuidBytes(logId), seq, bodyOf(text)), stored) !== 0) {
        const message = `log ${logId}: event ${seq} was edited`
        this.#report.find({ kind: "event-edited", logId, seq, message })
      }
    }
    log.range.append(stored.length === HASH_SIZE ? stored : new Uint8Array(HASH_SIZE))
    this.#compare(log)
  }

  /** What was kept elsewhere must be a beginning of this log. */
  #compare({ logId, range }: OpenLog): void {
    const head = this.#published.get(logId)
    if (head?.size !== range.size || sameRoot(range, head.rootHash)) return
    const message = `log ${logId}: its beginning of ${counted(head.size, "event")} is not that of the checkpoint`
    this.#report.find({ kind: "log-replaced", logId, seq: 0, message })
  }

  #head(log: OpenLog, line: Extract<Line, { kind: "head" }>): void {
    const { logId, start, range } = log
    this.#open = undefined
    this.#done.add(logId)
    this.#report.addLog({ logId, size: line.size, pruned: start })
    if (!isSignedLine(line, this.#publicKey)) {
      const message = `log ${logId}: its head is not signed by this instance`
      this.#report.find({ kind: "head-forged", logId, seq: line.size, message })
    } else if (line.size !== range.size || !sameRoot(range, line.rootHash)) {
      const message = `log ${logId}: its events are not those that its head over ${line.size} was signed for`
      this.#report.find({ kind: "events-changed", logId, seq: start, message })
    }
    const published = this.#published.get(logId)
    if (published === undefined) return
    if (published.size > line.size) {
      const message = `log ${logId}: it ends at ${line.size}; the checkpoint has ${counted(published.size, "event")} of it`
      this.#report.find({ kind: "log-cut", logId, seq: line.size, message })
    } else if (published.size < start) {
      this.#report.note(
        `log ${logId}: the checkpoint has ${counted(published.size, "event")}; retention removed the first ${start}, so it proves nothing here`,
      )
    }
  }

  #finish(line: Extract<Line, { kind: "end" }>): void {
    this.#hasEnded = true
    if (this.#open !== undefined) this.#find(this.#open.logId, "its head is missing")
    if (line.events === this.#events) return
    this.#find(
      "",
      `the export has ${counted(this.#events, "event")}, and its last line speaks of ${line.events}`,
    )
  }

  #find(logId: string, what: string): void {
    const message = logId === "" ? what : `log ${logId}: ${what}`
    this.#report.find({ kind: "export-changed", logId, message })
  }
}

function parse(text: string): Line | undefined {
  try {
    return lineSchema.safeParse(JSON.parse(text)).data
  } catch {
    // Not JSON: not a line of an export, and the caller says so.
    return undefined
  }
}

/** The exact text that was hashed: the last member of the line, which `eventLine` wrote as it stood in the log. */
function bodyOf(text: string): string {
  const start = text.indexOf(bodyMark)
  return start === -1 ? "" : text.slice(start + bodyMark.length, text.lastIndexOf("}"))
}
const bodyMark = ',"event":'

function sameRoot(range: CompactRange, rootHash: string): boolean {
  return Buffer.compare(range.root(), Buffer.from(rootHash, "base64")) === 0
}
