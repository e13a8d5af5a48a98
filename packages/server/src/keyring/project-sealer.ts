import { open, type RandomBytes, type SealingKey, seal } from "@coffer/envelope"
import { AppError } from "../errors.ts"
import type { ProjectSealer, SealedFieldAddress } from "./keyring.ts"

const LABEL = "coffer/field/1"

/** Seals under the newest data key of a project, and opens under all of them. */
export class DataKeySealer implements ProjectSealer {
  readonly #projectId: string
  readonly #active: SealingKey
  readonly #keys: ReadonlyMap<string, Uint8Array>
  readonly #randomBytes: RandomBytes

  /** @param keys every data key of the project, the active one first */
  constructor(projectId: string, keys: readonly [SealingKey, ...SealingKey[]], randomBytes: RandomBytes) {
    this.#projectId = projectId
    this.#active = keys[0]
    this.#keys = new Map(keys.map((key) => [nameOf(key.idBytes), key.keyBytes]))
    this.#randomBytes = randomBytes
  }

  seal(address: SealedFieldAddress, plaintext: string): Uint8Array {
    // A lone surrogate has no UTF-8 form: it would come back as another character.
    if (!plaintext.isWellFormed()) {
      throw new AppError("invalid", "MalformedText", `The ${address.field} is not well-formed Unicode text`)
    }
    return seal(this.#active, this.#placeOf(address), Buffer.from(plaintext, "utf8"), this.#randomBytes)
  }

  open(address: SealedFieldAddress, sealed: Uint8Array): string {
    try {
      const plaintextBytes = open(
        (idBytes) => this.#keys.get(nameOf(idBytes)),
        this.#placeOf(address),
        sealed,
      )
      return Buffer.from(plaintextBytes.buffer, plaintextBytes.byteOffset, plaintextBytes.length).toString(
        "utf8",
      )
    } catch (cause) {
      throw new AppError("unavailable", "SealedValueUnreadable", "A sealed value can't be opened", { cause })
    }
  }

  #placeOf({ orgId, projectId, recordId, version, field }: SealedFieldAddress): readonly string[] {
    if (projectId !== this.#projectId) throw new Error("a sealer serves one project")
    return [LABEL, orgId, projectId, recordId, String(version), field]
  }
}

function nameOf(idBytes: Uint8Array): string {
  return Buffer.from(idBytes.buffer, idBytes.byteOffset, idBytes.length).toString("latin1")
}
