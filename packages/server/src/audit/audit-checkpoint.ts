/**
 * A checkpoint is the newest head of every log, signed as one. Kept outside of the database, it proves later that no log
 * was cut: `{version, at, heads: [{logId, size, previousSize, rootHash, at, signature}], signature}`, bytes in base64. The
 * signature (Ed25519) covers "coffer/audit-checkpoint/2\n" and the JSON of the same object without it, keys in this order.
 * Version 1, which is still read, knows no `previousSize`, and has its number in the label.
 */
import { z } from "zod"
import type { Reader } from "../db/database.ts"
import { AppError } from "../errors.ts"
import { type AuditSigner, importAuditPublicKey, isSignedBy } from "./audit-head.ts"
import { newestHead, nextLogId } from "./audit-reader.ts"

const base64 = z.base64()

const checkpointSchema = z.strictObject({
  version: z.union([z.literal(1), z.literal(2)]),
  at: z.int().nonnegative(),
  heads: z.array(
    z.strictObject({
      logId: z.uuid(),
      size: z.int().nonnegative(),
      previousSize: z.int().nonnegative().optional(),
      rootHash: base64,
      at: z.int().nonnegative(),
      signature: base64,
    }),
  ),
  signature: base64,
})

export type AuditCheckpoint = z.infer<typeof checkpointSchema>

/** Signs the newest heads of all logs. */
export async function createCheckpoint(
  reader: Reader,
  signer: AuditSigner,
  now: number,
): Promise<AuditCheckpoint> {
  const heads: AuditCheckpoint["heads"] = []
  for (let id = await nextLogId(reader, ""); id !== undefined; id = await nextLogId(reader, id)) {
    const head = await newestHead(reader, id)
    if (head === undefined) continue
    heads.push({
      logId: id,
      size: head.size,
      ...(head.previousSize === undefined ? {} : { previousSize: head.previousSize }),
      rootHash: Buffer.from(head.rootHash).toString("base64"),
      at: head.at,
      signature: Buffer.from(head.signature).toString("base64"),
    })
  }
  const unsigned = { version: 2, at: now, heads } as const
  const signature = Buffer.from(signer.signAuditHead(signedBytes(unsigned))).toString("base64")
  return { ...unsigned, signature }
}

/**
 * Reads a checkpoint file.
 *
 * @throws AppError "invalid" when it is malformed, or not signed by this key
 */
export function parseCheckpoint(text: string, publicKeyBytes: Uint8Array): AuditCheckpoint {
  const parsed = checkpointSchema.safeParse(parseJson(text))
  if (!parsed.success) throw invalid("The checkpoint is not one that Coffer wrote")
  const { signature, ...unsigned } = parsed.data
  const publicKey = importAuditPublicKey(publicKeyBytes)
  if (!isSignedBy(publicKey, signedBytes(unsigned), Buffer.from(signature, "base64"))) {
    throw invalid(
      "The checkpoint is of another database, or was changed: the key of this one did not sign it",
    )
  }
  return parsed.data
}

function signedBytes({ version, at, heads }: Omit<AuditCheckpoint, "signature">): Uint8Array {
  const ordered = heads.map((head) => ({
    logId: head.logId,
    size: head.size,
    previousSize: head.previousSize,
    rootHash: head.rootHash,
    at: head.at,
    signature: head.signature,
  }))
  return Buffer.from(`coffer/audit-checkpoint/${version}\n${JSON.stringify({ version, at, heads: ordered })}`)
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    // Whatever is wrong with the file, the caller says that it is no checkpoint.
    return undefined
  }
}

function invalid(message: string): AppError {
  return new AppError("invalid", "CheckpointInvalid", message)
}
