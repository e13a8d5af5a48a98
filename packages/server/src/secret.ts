import { inspect } from "node:util"

/**
 * Text that must not be seen: printing, serialising or inspecting it shows `[secret]`. The text comes out by
 * {@link reveal} alone, which is easy to find in a review.
 */
export class Secret {
  readonly #text: string

  constructor(text: string) {
    this.#text = text
  }

  reveal(): string {
    return this.#text
  }

  toString(): string {
    return "[secret]"
  }

  toJSON(): string {
    return "[secret]"
  }

  [inspect.custom](): string {
    return "[secret]"
  }
}
