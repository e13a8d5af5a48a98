/**
 * An event as it stands in the log. The body is JSON with a fixed order of keys, kept exactly as it was hashed:
 *
 * ```
 * leaf = SHA-256( 0x00 || log id, 16 bytes || sequence number, u64 big-endian || body, UTF-8 )
 * ```
 *
 * The other columns are derived from the body, for queries; `verify.ts` checks that they still agree.
 */

import { AppError } from "../errors.ts"
import type { AuditActor, AuditEvent } from "./audit-event.ts"
import { sha256 } from "./merkle.ts"

/** The largest body of one event, in characters: a thousand secrets fit in, and whoever reads the log reads many at once. */
const MAX_BODY_LENGTH = 256 * 1024

const BODY_VERSION = 1
const LEAF_PREFIX_SIZE = 1 + 16 + 8

/** A row of the log, before its leaf has a place in the tree. */
export type AuditRecord = {
  readonly seq: number
  readonly id: string
  readonly at: number
  readonly type: string
  readonly orgId: string
  readonly projectId: string | null
  readonly actorType: string
  readonly actorId: string | null
  readonly body: string
  readonly leafHash: Uint8Array
}

/** The columns that repeat what the body says. */
export type DerivedColumns = Omit<AuditRecord, "body" | "leafHash">

/** An event that is written out already, waiting for its place in a log. */
export type PendingAuditEvent = Omit<DerivedColumns, "seq"> & {
  /** The body from the event's id on; what precedes it depends on the place. */
  readonly bodyTail: string
}

/**
 * Writes an event out, once, before it joins a batch: an event that can't be written fails alone.
 *
 * @throws AppError "invalid" when the event is larger than the log takes: what it tells of must then not happen
 */
export function pendingEventOf(event: AuditEvent): PendingAuditEvent {
  const bodyTail = bodyTailOf(event)
  if (bodyTail.length > MAX_BODY_LENGTH) throw tooLarge(event.type)
  return {
    id: event.id,
    at: event.at,
    type: event.type,
    orgId: event.orgId,
    projectId: event.projectId,
    actorType: event.actor.type,
    actorId: actorIdOf(event.actor),
    bodyTail,
  }
}

function tooLarge(type: string): AppError {
  const why = `The audit event '${type}' of this request would be larger than ${MAX_BODY_LENGTH} characters`
  return new AppError("invalid", "BadRequest", `${why}; ask for less at once`)
}

/** Gives a pending event its place. */
export function recordOf(
  log: { readonly id: string; readonly idBytes: Uint8Array },
  seq: number,
  event: PendingAuditEvent,
): AuditRecord {
  const body = `{"v":${BODY_VERSION},"log":"${log.id}","seq":${seq},${event.bodyTail}`
  return {
    seq,
    id: event.id,
    at: event.at,
    type: event.type,
    orgId: event.orgId,
    projectId: event.projectId,
    actorType: event.actorType,
    actorId: event.actorId,
    body,
    leafHash: leafHash(log.idBytes, seq, body),
  }
}

export function leafHash(logIdBytes: Uint8Array, seq: number, body: string): Uint8Array {
  const bytes = Buffer.allocUnsafe(LEAF_PREFIX_SIZE + Buffer.byteLength(body, "utf8"))
  bytes[0] = 0
  bytes.set(logIdBytes, 1)
  bytes.writeUInt32BE(Math.floor(seq / 2 ** 32), 17)
  bytes.writeUInt32BE(seq % 2 ** 32, 21)
  bytes.write(body, LEAF_PREFIX_SIZE, "utf8")
  return sha256(bytes)
}

/** What the columns beside a body must hold; `undefined` when the body is not one that this log writes. */
export function derivedColumnsOf(logId: string, body: string): DerivedColumns | undefined {
  const parsed = parseBody(body)
  if (parsed === undefined || parsed.log !== logId) return undefined
  return {
    seq: parsed.seq,
    id: parsed.id,
    at: parsed.at,
    type: parsed.type,
    orgId: parsed.orgId,
    projectId: parsed.projectId,
    actorType: parsed.actor.type,
    actorId: actorIdOf(parsed.actor),
  }
}

type Body = AuditEvent & { readonly v: number; readonly log: string; readonly seq: number }

function bodyTailOf({ id, at, type, orgId, projectId, actor, source, metadata }: AuditEvent): string {
  const { ipAddress, userAgent, userAgentType, requestId } = source
  const json = JSON.stringify({
    id,
    at,
    type,
    orgId,
    projectId,
    actor:
      "id" in actor
        ? { type: actor.type, id: actor.id, name: actor.name, authMethod: actor.authMethod }
        : { type: actor.type },
    source: { ipAddress, userAgent, userAgentType, requestId },
    metadata,
  } satisfies { [key in keyof AuditEvent]: unknown })
  return json.slice(1)
}

function parseBody(body: string): Body | undefined {
  try {
    const parsed: unknown = JSON.parse(body)
    return isBody(parsed) ? parsed : undefined
  } catch {
    // Not JSON: not a body of ours, and the caller says so.
    return undefined
  }
}

function isBody(value: unknown): value is Body {
  if (typeof value !== "object" || value === null || !("actor" in value)) return false
  return "v" in value && value.v === BODY_VERSION && typeof value.actor === "object" && value.actor !== null
}

function actorIdOf(actor: AuditActor): string | null {
  return "id" in actor ? actor.id : null
}
