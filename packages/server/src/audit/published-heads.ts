/**
 * Heads that were kept elsewhere: a checkpoint, or lines of a stream or an export, each head signed by itself. From lines,
 * the newest head of each log is taken.
 */
import type { KeyObject } from "node:crypto"
import { z } from "zod"
import { AppError } from "../errors.ts"
import { isUuid, uuidBytes } from "../uuid.ts"
import { parseCheckpoint } from "./audit-checkpoint.ts"
import { importAuditPublicKey, isSignedHead } from "./audit-head.ts"

/** A head as it is published, hashes in base64. */
export type PublishedHead = {
  readonly logId: string
  readonly size: number
  readonly rootHash: string
}

export const headSchema = z.object({
  kind: z.literal("head"),
  logId: z.guid(),
  size: z.int().nonnegative(),
  previousSize: z.int().nonnegative().optional(),
  rootHash: z.base64(),
  at: z.int().nonnegative(),
  signature: z.base64(),
})

/** Whether a head of a line is one that this key signed. */
export function isSignedLine(head: z.infer<typeof headSchema>, publicKey: KeyObject): boolean {
  const { logId, size, previousSize, at } = head
  const rootHash = Buffer.from(head.rootHash, "base64")
  const signature = Buffer.from(head.signature, "base64")
  return (
    isUuid(logId) &&
    isSignedHead(publicKey, uuidBytes(logId), { size, previousSize, rootHash, at, signature })
  )
}

/**
 * Reads what was kept: the file of `coffer audit checkpoint`, or lines of a stream, in which whatever stands before the
 * first brace is passed over, as the head of a syslog message.
 *
 * @throws AppError "invalid" when there is no head in it, or one that this key did not sign
 */
export async function readPublishedHeads(
  lines: AsyncIterable<string> | Iterable<string>,
  publicKeyBytes: Uint8Array,
): Promise<readonly PublishedHead[]> {
  const publicKey = importAuditPublicKey(publicKeyBytes)
  const newest = new Map<string, PublishedHead>()
  const checkpoint: string[] = []
  let number = 0
  for await (const line of lines) {
    number += 1
    const head = headOf(line)
    if (head !== undefined) {
      if (!isSignedLine(head, publicKey)) throw notSigned(number)
      if (head.size >= (newest.get(head.logId)?.size ?? 0)) newest.set(head.logId, head)
    } else if (newest.size === 0 && checkpoint.length < mostCheckpointLines) checkpoint.push(line)
  }
  if (newest.size > 0) return [...newest.values()]
  return parseCheckpoint(checkpoint.join("\n"), publicKeyBytes).heads
}

const mostCheckpointLines = 100_000

function headOf(line: string): z.infer<typeof headSchema> | undefined {
  const start = line.indexOf('{"kind":"head"')
  if (start === -1) return undefined
  try {
    return headSchema.safeParse(JSON.parse(line.slice(start))).data
  } catch {
    // A line that was cut in two, as a crash leaves it: the record stands whole on another line.
    return undefined
  }
}

function notSigned(line: number): AppError {
  const message = `Line ${line}: the head is of another database, or was changed: the key of this one did not sign it`
  return new AppError("invalid", "CheckpointInvalid", message)
}
