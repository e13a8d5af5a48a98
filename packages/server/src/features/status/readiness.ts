import type { ErrorCode } from "@coffer/contract"
import type { Clock } from "../../clock.ts"
import type { Database } from "../../db/database.ts"
import { AppError } from "../../errors.ts"

/** An answer counts this long, so that whoever asks without pause reaches the database once a second. */
const KEEP_MS = 1_000
/** A database that takes longer than this to say that it is there serves nobody. */
const PATIENCE_MS = 2_000

export type ReadinessDeps = { readonly clock: Clock; readonly database: Pick<Database, "assertWritable"> }

/** Whether requests could be served now. None is without its audit event, so the question is whether one can be written. */
export class Readiness {
  readonly #deps: ReadinessDeps
  #asked: Promise<void> | undefined
  #isPending = false
  #askedAt = 0

  constructor(deps: ReadinessDeps) {
    this.#deps = deps
  }

  /** @throws AppError "unavailable" when the database cannot be used, or does not answer in time */
  async check(): Promise<void> {
    const now = this.#deps.clock.now()
    const isOld = now - this.#askedAt >= KEEP_MS
    if (this.#asked === undefined || (isOld && !this.#isPending)) {
      this.#askedAt = now
      this.#asked = this.#ask()
    }
    const asked = this.#asked
    await inTime(asked)
  }

  async #ask(): Promise<void> {
    this.#isPending = true
    try {
      await this.#deps.database.assertWritable()
    } catch (cause) {
      throw notReady(cause)
    } finally {
      this.#isPending = false
    }
  }
}

async function inTime(asked: Promise<void>): Promise<void> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(notReady()), PATIENCE_MS)
  })
  try {
    await Promise.race([asked, late])
  } finally {
    clearTimeout(timer)
  }
}

/** Anybody may ask, so it says no more than this; the log says why. */
function notReady(cause?: unknown): AppError {
  return new AppError(
    "unavailable",
    "NotReady" satisfies ErrorCode,
    "The server is not ready: its database can't be used",
    {
      cause,
      retryAfterSeconds: 1,
    },
  )
}
