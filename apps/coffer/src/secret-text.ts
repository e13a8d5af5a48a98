/** A token, a client secret or a password that cannot be printed by accident. */
import { inspect } from "node:util"

const PLACEHOLDER = "[secret]"

export class SecretText {
  readonly #text: string

  constructor(text: string) {
    this.#text = text
  }

  /** The text itself; every call is worth a look in review. */
  reveal(): string {
    return this.#text
  }

  toString(): string {
    return PLACEHOLDER
  }

  toJSON(): string {
    return PLACEHOLDER
  }

  [inspect.custom](): string {
    return PLACEHOLDER
  }
}
