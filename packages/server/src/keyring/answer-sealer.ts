import { createCipheriv, createDecipheriv, createSecretKey, type KeyObject } from "node:crypto"
import { inspect } from "node:util"
import type { Random } from "../random.ts"

const ALGORITHM = "aes-256-gcm"
const NONCE_SIZE = 12
const TAG_SIZE = 16

/** An answer as it is kept in memory; only the sealer that made it opens it. */
export type SealedAnswer = {
  readonly nonce: Uint8Array
  readonly ciphertext: Uint8Array
  readonly tag: Uint8Array
}

/**
 * Seals answers that wait in memory to be given again, so that no value lies there in the clear. The key is made for this
 * process and dies with it; what it sealed is never stored.
 */
export class AnswerSealer {
  readonly #key: KeyObject
  #sealed = 0

  constructor(random: Random) {
    this.#key = createSecretKey(random.bytes(32))
  }

  /** @param name what the answer is for; under another name it does not open */
  seal(name: string, answer: string): SealedAnswer {
    // The key is used here only, so a counter never repeats a nonce (NIST SP 800-38D, 8.2.1).
    const nonce = Buffer.alloc(NONCE_SIZE)
    this.#sealed += 1
    nonce.writeUIntBE(this.#sealed, NONCE_SIZE - 6, 6)
    const cipher = createCipheriv(ALGORITHM, this.#key, nonce, { authTagLength: TAG_SIZE })
    cipher.setAAD(Buffer.from(name, "utf8"))
    const ciphertext = cipher.update(answer, "utf8")
    cipher.final()
    return { nonce, ciphertext, tag: cipher.getAuthTag() }
  }

  /** @throws Error when it was sealed under another name, or by another sealer */
  open(name: string, { nonce, ciphertext, tag }: SealedAnswer): string {
    const decipher = createDecipheriv(ALGORITHM, this.#key, nonce, { authTagLength: TAG_SIZE })
    decipher.setAAD(Buffer.from(name, "utf8")).setAuthTag(tag)
    const answer = decipher.update(ciphertext)
    // GCM: authenticates, and has nothing left to say.
    decipher.final()
    return answer.toString("utf8")
  }

  [inspect.custom](): string {
    return "[answer sealer]"
  }
}
