import { type FolderPlace, isApiError } from "@coffer/client"
import { CommandError } from "./command-error.ts"

/**
 * The environment may be a default that nobody wrote down; a key is looked for in the wrong place more often than not.
 *
 * @param progress what was done before this failed
 * @throws CommandError in the place of what the server said, with what it did not say; otherwise the error itself
 */
export function sayWhere({ environment, secretPath }: FolderPlace, error: unknown, progress = ""): never {
  if (!isApiError(error) || error.kind === "rate-limited" || error.kind === "unexpected") throw error
  const isMissing = error.kind === "not-found"
  if (!isMissing && progress === "") throw error
  const where = isMissing ? ` (looked in --env ${environment} --path ${secretPath})` : ""
  throw new CommandError(error.kind, `${error.message}${where}${progress}`, { cause: error })
}
