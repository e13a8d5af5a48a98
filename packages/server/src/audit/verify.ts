/**
 * Finds any edit, removal or reordering inside the audit logs, in pages, so that a log of any size can be checked. What
 * can't be found without a checkpoint: that the newest end of a log was cut together with its heads.
 */
import type { KeyObject } from "node:crypto"
import type { Reader } from "../db/database.ts"
import type { AuditCheckpoint } from "./audit-checkpoint.ts"
import { type AuditHead, importAuditPublicKey } from "./audit-head.ts"
import { prunedRangeOf } from "./audit-prune.ts"
import {
  eventsOf,
  findLog,
  headsOf,
  newestHead,
  newestPrune,
  newestSeq,
  nextLogId,
  redactionsOf,
} from "./audit-reader.ts"
import { RedactedSeqs, redactedRunsOf } from "./audit-redaction.ts"
import { type AuditReport, ReportBuilder } from "./audit-report.ts"
import { LogCheck } from "./log-check.ts"
import { CompactRange } from "./merkle.ts"

export type VerifyOptions = {
  /** Heads that were published earlier, from `parseCheckpoint`. */
  readonly checkpoint?: AuditCheckpoint
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
    await checkLogRow(reader, logId, publicKeyBytes, report)
    await verifyLog(reader, { logId, publicKey, published }, report)
  }
  for (const { logId, size } of unseen.values()) {
    report.find({
      kind: "log-missing",
      logId,
      message: `log ${logId} is gone; the checkpoint has ${size} events of it`,
    })
  }
  return report.build()
}

async function checkLogRow(reader: Reader, logId: string, publicKeyBytes: Uint8Array, report: ReportBuilder) {
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
}

type LogToVerify = {
  readonly logId: string
  readonly publicKey: KeyObject
  readonly published: AuditCheckpoint["heads"][number] | undefined
}

async function verifyLog(reader: Reader, log: LogToVerify, report: ReportBuilder): Promise<void> {
  const { logId, publicKey, published } = log
  // In this order: events and their head become visible together, so a head that is read later covers them.
  const rows = (await newestSeq(reader, logId)) + 1
  const size = (await newestHead(reader, logId))?.size ?? 0
  const start = await startOf(reader, log, report)
  const redacted = await redactedIn(reader, log, report)
  if (published !== undefined && published.size < start.size) {
    report.note(
      `log ${logId}: the checkpoint has ${published.size} events; retention removed the first ${start.size}, so it proves nothing here`,
    )
  }
  const check = new LogCheck({
    logId,
    publicKey,
    start,
    redacted,
    report,
    published: publishedHeadOf(published),
  })
  report.addLog({ logId, size, pruned: start.size })

  const heads = headsOf(reader, logId, { after: start.size, upTo: size })
  let head = await nextOf(heads)
  for await (const row of eventsOf(reader, logId, { from: start.size, before: size })) {
    while (head !== undefined && head.size <= row.seq) {
      check.head(head)
      head = await nextOf(heads)
    }
    check.event(row)
  }
  for (; head !== undefined; head = await nextOf(heads)) check.head(head)
  check.end(size)
  if (rows > size) {
    const message = `log ${logId}: events ${size} to ${rows - 1} are under no signed head`
    report.find({ kind: "events-unsigned", logId, seq: size, message })
  }
}

/** Where checking begins: behind what retention removed, if that is recorded and signed. */
async function startOf(reader: Reader, { logId, publicKey }: LogToVerify, report: ReportBuilder) {
  const prune = await newestPrune(reader, logId)
  if (prune === undefined) return CompactRange.empty()
  const range = prunedRangeOf(prune, publicKey)
  if (range !== undefined) return range
  const message = `log ${logId}: the record of what retention removed is not signed by this instance`
  report.find({ kind: "prune-forged", logId, message })
  return CompactRange.empty()
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

function publishedHeadOf(head: AuditCheckpoint["heads"][number] | undefined) {
  return head && { size: head.size, rootHash: Buffer.from(head.rootHash, "base64") }
}

async function nextOf(heads: AsyncIterator<AuditHead>): Promise<AuditHead | undefined> {
  const { done, value } = await heads.next()
  return done === true ? undefined : value
}
