import { open, type RandomBytes, type SealingKey, seal } from "@coffer/envelope"
import { AppError } from "../errors.ts"

/** Seals text under the newest of some keys, and opens under all of them. */
export class FieldSealer {
  readonly #active: SealingKey
  readonly #keys: ReadonlyMap<string, Uint8Array>
  readonly #randomBytes: RandomBytes

  /** @param keys the active one first */
  constructor(keys: readonly [SealingKey, ...SealingKey[]], randomBytes: RandomBytes) {
    this.#active = keys[0]
    this.#keys = new Map(keys.map((key) => [nameOf(key.idBytes), key.keyBytes]))
    this.#randomBytes = randomBytes
  }

  /**
   * @param place every part of it is bound into the ciphertext
   * @param field names the field in the error
   * @throws AppError "invalid" for text that is not well-formed
   */
  seal(place: readonly string[], field: string, plaintext: string): Uint8Array {
    // A lone surrogate has no UTF-8 form: it would come back as another character.
    if (!plaintext.isWellFormed()) {
      throw new AppError("invalid", "MalformedText", `The ${field} is not well-formed Unicode text`)
    }
    return seal(this.#active, place, Buffer.from(plaintext, "utf8"), this.#randomBytes)
  }

  /** @throws AppError "unavailable" without any detail when the ciphertext does not open at this place */
  open(place: readonly string[], sealed: Uint8Array): string {
    try {
      const bytes = open((idBytes) => this.#keys.get(nameOf(idBytes)), place, sealed)
      return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString("utf8")
    } catch (cause) {
      throw new AppError("unavailable", "SealedValueUnreadable", "A sealed value can't be opened", { cause })
    }
  }
}

function nameOf(idBytes: Uint8Array): string {
  return Buffer.from(idBytes.buffer, idBytes.byteOffset, idBytes.length).toString("latin1")
}
