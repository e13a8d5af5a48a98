/** How an archive is refused: one code, and a message that says what to do. */
import { ArchiveError } from "@coffer/project-archive"
import { isUniqueViolation } from "../../db/index.ts"
import { AppError, type ErrorKind } from "../../errors.ts"

export function archiveRefused(message: string, kind: ErrorKind = "invalid", cause?: unknown): AppError {
  return new AppError(kind, "ArchiveRefused", message, cause === undefined ? {} : { cause })
}

/** What a client is told of anything that can go wrong with an archive. */
export function asRefusal(error: unknown): unknown {
  if (error instanceof ArchiveError) return archiveRefused(`${error.message}; nothing was imported`)
  if (isUniqueViolation(error)) {
    return archiveRefused(
      "The archive names something twice, or holds ids that other projects of this server use; import it as a copy (asCopy=true, --as-copy) to give everything new ids. Nothing was imported",
      "conflict",
      error,
    )
  }
  return error
}
