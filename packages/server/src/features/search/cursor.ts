/** Where a page of a search ended, as text for the client. It holds names, never what was searched for. */
import { AppError } from "../../errors.ts"
import type { WalkPosition } from "../secrets/index.ts"

export function writeCursor({ environmentId, path, key }: WalkPosition): string {
  return Buffer.from(JSON.stringify([environmentId, path, key])).toString("base64url")
}

/** @throws AppError "invalid" for text that is no cursor */
export function readCursor(text: string): WalkPosition {
  const [environmentId, path, key] = partsOf(text)
  if (environmentId === undefined || path === undefined || key === undefined) throw notACursor()
  return { environmentId, path, key }
}

function partsOf(text: string): readonly string[] {
  try {
    const parts: unknown = JSON.parse(Buffer.from(text, "base64url").toString())
    const isList = Array.isArray(parts) && parts.length === 3
    return isList && parts.every((part) => typeof part === "string") ? parts : []
  } catch {
    // Not JSON: said below, without the text.
    return []
  }
}

function notACursor(): AppError {
  return new AppError("invalid", "BadRequest", "cursor must be the nextCursor of an earlier page")
}
