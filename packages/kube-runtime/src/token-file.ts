import { readFile } from "node:fs/promises"
import type { Clock } from "./clock.ts"
import type { ReadToken } from "./cluster-config.ts"
import { KubeconfigError } from "./errors.ts"

const REREAD_AFTER_MS = 60_000

/**
 * Reads a bearer token from a file that somebody else rotates. The content is kept for a minute (kubelets renew a
 * token long before it expires); a failed re-read keeps the last token, as the file may be in the middle of a swap.
 */
export function tokenFromFile(path: string, clock: Clock): ReadToken {
  let token: string | undefined
  let readAtMs = 0
  return async (options = {}) => {
    const isRecent = token !== undefined && clock.monotonicMs() - readAtMs < REREAD_AFTER_MS
    if (token !== undefined && isRecent && !options.fresh) return token
    try {
      const content = (await readFile(path, "utf8")).trim()
      if (content === "") throw new KubeconfigError(`token file ${path} is empty`)
      token = content
      readAtMs = clock.monotonicMs()
    } catch (cause) {
      if (token === undefined) throw new KubeconfigError(`cannot read token file ${path}`, { cause })
    }
    return token
  }
}
