import { AppError } from "../../errors.ts"
import type { AuditPosition } from "./store.ts"

/** A position as text that means nothing to clients: base64url of `[at, logId, seq]`. */
export function writeCursor({ at, logId, seq }: AuditPosition): string {
  return Buffer.from(JSON.stringify([at, logId, seq])).toString("base64url")
}

/**
 * The position that a cursor stands for. It grants nothing: what is shown from there on is decided as without it.
 *
 * @throws AppError "unprocessable" when it is none that {@link writeCursor} made
 */
export function readCursor(cursor: string): AuditPosition {
  const [at, logId, seq, ...rest] = parts(cursor)
  const isPosition = typeof logId === "string" && isCount(at) && isCount(seq) && rest.length === 0
  if (isPosition) return { at, logId, seq }
  throw new AppError("unprocessable", "ValidationFailure", "cursor must be a nextCursor of an earlier page")
}

function parts(cursor: string): readonly unknown[] {
  try {
    const parsed: unknown = JSON.parse(Buffer.from(cursor, "base64url").toString("utf8"))
    return Array.isArray(parsed) ? parsed : []
  } catch {
    // Not JSON: not a cursor of ours, and the caller says so.
    return []
  }
}

function isCount(value: unknown): value is number {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0
}
