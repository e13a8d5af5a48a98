import { argon2, timingSafeEqual } from "node:crypto"
import { promisify } from "node:util"
import { AppError } from "../../errors.ts"
import type { Random } from "../../random.ts"
import {
  currentParameters,
  formatPasswordHash,
  type PasswordHash,
  parsePasswordHash,
} from "./password-hash.ts"

const derive = promisify(argon2)
const saltLength = 16
/** Less than the threads that Node has for such work, which files and name look-ups need too. */
const maxAtOnce = 3
const maxWaiting = 100

/**
 * Hashes and compares passwords. Slow on purpose: never inside a transaction. Only a few are worked on at once and a
 * bounded number waits, so that a flood of logins takes neither the memory nor the threads of the server.
 */
export class Passwords {
  readonly #random: Random
  readonly #waiting: (() => void)[] = []
  #running = 0
  #derivations = 0

  constructor(random: Random) {
    this.#random = random
  }

  /** How often argon2 ran: what an observer of time could count. */
  get derivations(): number {
    return this.#derivations
  }

  /** @throws AppError "unavailable" when too many wait already */
  async hash(password: string): Promise<string> {
    const saltBytes = this.#random.bytes(saltLength)
    const parameters = currentParameters
    const tagBytes = await this.#derive(password, { parameters, saltBytes })
    return formatPasswordHash({ parameters, saltBytes, tagBytes })
  }

  /**
   * Whether the password is the one that was hashed. Without a hash (no such user, or one without a password) it does
   * the same work and says no.
   *
   * @throws AppError "unavailable" when too many wait already
   */
  async isRight(password: string, storedHash: string | undefined): Promise<boolean> {
    const stored = storedHash === undefined ? undefined : parsePasswordHash(storedHash)
    const compared = stored ?? nobodysHash
    const tagBytes = await this.#derive(password, compared)
    return timingSafeEqual(tagBytes, compared.tagBytes) && stored !== undefined
  }

  async #derive(password: string, by: Pick<PasswordHash, "parameters" | "saltBytes">): Promise<Uint8Array> {
    await this.#enter()
    try {
      this.#derivations += 1
      // The same text typed on another system may come in another Unicode form.
      const message = password.normalize("NFKC")
      return await derive("argon2id", { ...by.parameters, message, nonce: by.saltBytes })
    } finally {
      this.#leave()
    }
  }

  async #enter(): Promise<void> {
    if (this.#running < maxAtOnce) {
      this.#running += 1
      return
    }
    if (this.#waiting.length >= maxWaiting) {
      const message = "Too many passwords are being checked at once; try again in a moment"
      throw new AppError("unavailable", "ServiceUnavailable", message, { retryAfterSeconds: 2 })
    }
    await new Promise<void>((resolve) => {
      this.#waiting.push(resolve)
    })
  }

  /** Hands the place to whoever waits longest. */
  #leave(): void {
    const next = this.#waiting.shift()
    if (next === undefined) this.#running -= 1
    else next()
  }
}

const nobodysHash: PasswordHash = {
  parameters: currentParameters,
  saltBytes: new Uint8Array(saltLength),
  tagBytes: new Uint8Array(currentParameters.tagLength),
}
