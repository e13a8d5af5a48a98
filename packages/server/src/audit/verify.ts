/**
 * Finds any edit, removal or reordering inside the audit logs, in pages, so that a log of any size can be checked. What
 * can't be found without a checkpoint: that the newest end of a log was cut together with its heads.
 */

import type { KeyObject } from "node:crypto"
import { counted } from "../counted.ts"
import type { Reader } from "../db/database.ts"
import { isUuid } from "../uuid.ts"
import { type AuditHead, importAuditPublicKey } from "./audit-head.ts"
import { prunedRangeOf } from "./audit-prune.ts"
import {
  eventsOf,
  findBefore,
  findLog,
  headsOf,
  listPrunes,
  newestHead,
  newestSeq,
  nextLogId,
  redactionsOf,
  retentionMark,
} from "./audit-reader.ts"
import { RedactedSeqs, redactedRunsOf } from "./audit-redaction.ts"
import { type AuditReport, ReportBuilder } from "./audit-report.ts"
import { LogCheck, type LogSnapshot } from "./log-check.ts"
import { CompactRange } from "./merkle.ts"
import type { PublishedHead } from "./published-heads.ts"

export type VerifyOptions = {
  /** Heads that were published earlier, from `parseCheckpoint` or `readPublishedHeads`. */
  readonly checkpoint?: { readonly heads: readonly PublishedHead[] }
}

/**
 * Checks every audit log against the public key of the instance. The logs may grow meanwhile; what is checked is what
 * was there at the beginning.
 */
export async function verifyAuditLogs(
  reader: Reader,
  publicKeyBytes: Uint8Array,
  options: VerifyOptions = {},
): Promise<AuditReport> {
  const publicKey = importAuditPublicKey(publicKeyBytes)
  const report = new ReportBuilder()
  const unseen = new Map((options.checkpoint?.heads ?? []).map((head) => [head.logId, head]))
  for (let logId = await nextLogId(reader, ""); logId !== undefined; logId = await nextLogId(reader, logId)) {
    const published = unseen.get(logId)
    unseen.delete(logId)
    report.merge(await verifyWhileRetained(reader, { logId, publicKey, publicKeyBytes, published }))
  }
  for (const { logId, size } of unseen.values()) {
    report.find({
      kind: "log-missing",
      logId,
      message: `log ${logId} is gone; the checkpoint has ${counted(size, "event")} of it`,
    })
  }
  return report.build()
}

/** More than retention needs for a log; somebody who changes the record of it again and again gains nothing. */
const mostTries = 1_000

/** What looks removed because retention ran meanwhile was not: the log is begun once more, where it begins now. */
async function verifyWhileRetained(reader: Reader, log: LogToVerify): Promise<ReportBuilder> {
  for (let tries = 1; ; tries += 1) {
    const report = new ReportBuilder()
    const before = await retentionMark(reader, log.logId)
    const hasMoved = async () => before !== (await retentionMark(reader, log.logId))
    const isWhole = await verifyLog(reader, log, { report, hasMoved })
    const isOver = isWhole && (report.found === 0 || !(await hasMoved()))
    if (isOver || tries === mostTries) return report
  }
}

/** Checks the entry of a log, and says where its writer would go on. */
async function checkLogRow(
  reader: Reader,
  { logId, publicKeyBytes }: LogToVerify,
  report: ReportBuilder,
): Promise<LogSnapshot | undefined> {
  const row = await findLog(reader, logId)
  if (row === undefined) {
    report.find({ kind: "log-missing", logId, message: `log ${logId} has events but no entry of its own` })
  } else if (Buffer.compare(row.public_key, publicKeyBytes) !== 0) {
    report.find({
      kind: "key-differs",
      logId,
      message: `log ${logId} names another public key than this instance's`,
    })
  }
  return row && { size: row.snapshot_size, rangeBytes: row.snapshot_range }
}

type LogToVerify = {
  readonly logId: string
  readonly publicKey: KeyObject
  readonly publicKeyBytes: Uint8Array
  readonly published: PublishedHead | undefined
}

type Verification = { readonly report: ReportBuilder; hasMoved(): Promise<boolean> }

/** @returns false when it was given up because the beginning of the log moved */
async function verifyLog(
  reader: Reader,
  log: LogToVerify,
  { report, hasMoved }: Verification,
): Promise<boolean> {
  const { logId, publicKey, published } = log
  if (!isUuid(logId)) {
    const message = `log '${logId}' has an id that no log of Coffer has`
    report.find({ kind: "log-forged", logId, message })
    return true
  }
  const snapshot = await checkLogRow(reader, log, report)
  // In this order: events and their head become visible together, so a head that is read later covers them.
  const rows = (await newestSeq(reader, logId)) + 1
  const size = (await newestHead(reader, logId))?.size ?? 0
  const start = await startOf(reader, log, report)
  await checkNothingBefore(reader, { logId, start: start.size }, report)
  const redacted = await redactedIn(reader, log, report)
  if (published !== undefined && published.size < start.size) {
    report.note(
      `log ${logId}: the checkpoint has ${counted(published.size, "event")}; retention removed the first ${start.size}, so it proves nothing here`,
    )
  }
  const check = new LogCheck({
    logId,
    publicKey,
    start,
    redacted,
    report,
    published: publishedHeadOf(published),
    snapshot,
  })
  report.addLog({ logId, size, pruned: start.size })

  const heads = headsOf(reader, logId, { after: start.size - 1, upTo: size })
  let head = await nextOf(heads)
  let isSuspect = false
  for await (const row of eventsOf(reader, logId, { from: start.size, before: size })) {
    while (head !== undefined && head.size <= row.seq) {
      check.head(head)
      head = await nextOf(heads)
    }
    check.event(row)
    if (isSuspect || report.found === 0) continue
    isSuspect = true
    if (await hasMoved()) return false
  }
  for (; head !== undefined; head = await nextOf(heads)) check.head(head)
  check.end(size)
  if (rows > size) {
    const message = `log ${logId}: events ${size} to ${rows - 1} are under no signed head`
    report.find({ kind: "events-unsigned", logId, seq: size, message })
  }
  return true
}

/** Where checking begins: behind what retention removed, if that is recorded and signed. */
async function startOf(reader: Reader, { logId, publicKey }: LogToVerify, report: ReportBuilder) {
  let start: CompactRange | undefined
  for (const prune of await listPrunes(reader, logId)) {
    const range = prunedRangeOf(prune, publicKey)
    start ??= range
    if (range !== undefined) continue
    const message = `log ${logId}: the record of what retention removed is not signed by this instance`
    report.find({ kind: "prune-forged", logId, message })
  }
  return start ?? CompactRange.empty()
}

/** What retention removed does not come back. */
async function checkNothingBefore(
  reader: Reader,
  { logId, start }: { readonly logId: string; readonly start: number },
  report: ReportBuilder,
): Promise<void> {
  const before = await findBefore(reader, logId, start)
  if (before.event !== undefined) {
    const message = `log ${logId}: event ${before.event} lies before the first event of the log, ${start}`
    report.find({ kind: "events-unsigned", logId, seq: before.event, message })
  }
  if (before.head !== undefined) {
    const message = `log ${logId}: the head over ${before.head} events lies before the first event of the log, ${start}`
    report.find({ kind: "head-forged", logId, seq: before.head, message })
  }
}

/** Which events may be empty, as far as the records of it are signed. */
async function redactedIn(reader: Reader, { logId, publicKey }: LogToVerify, report: ReportBuilder) {
  const redacted = new RedactedSeqs()
  for await (const row of redactionsOf(reader, logId)) {
    const runs = redactedRunsOf(row, publicKey)
    if (runs !== undefined) redacted.add(runs)
    else {
      const message = `log ${logId}: the record of what retention took out from event ${row.from_seq} on is not signed by this instance`
      report.find({ kind: "redaction-forged", logId, seq: row.from_seq, message })
    }
  }
  return redacted
}

function publishedHeadOf(head: PublishedHead | undefined) {
  return head && { size: head.size, rootHash: Buffer.from(head.rootHash, "base64") }
}

async function nextOf(heads: AsyncIterator<AuditHead>): Promise<AuditHead | undefined> {
  const { done, value } = await heads.next()
  return done === true ? undefined : value
}
