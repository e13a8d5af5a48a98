import type { RandomBytes, SealingKey } from "@coffer/envelope"
import { FieldSealer } from "./field-sealer.ts"
import type { ProjectSealer, SealedFieldAddress } from "./keyring.ts"

const LABEL = "coffer/field/1"

/** Seals under the newest data key of a project, and opens under all of them. */
export class DataKeySealer implements ProjectSealer {
  readonly #projectId: string
  readonly #fields: FieldSealer

  /** @param keys every data key of the project, the active one first */
  constructor(projectId: string, keys: readonly [SealingKey, ...SealingKey[]], randomBytes: RandomBytes) {
    this.#projectId = projectId
    this.#fields = new FieldSealer(keys, randomBytes)
  }

  seal(address: SealedFieldAddress, plaintext: string): Uint8Array {
    return this.#fields.seal(this.#placeOf(address), address.field, plaintext)
  }

  open(address: SealedFieldAddress, sealed: Uint8Array): string {
    return this.#fields.open(this.#placeOf(address), sealed)
  }

  #placeOf({ orgId, projectId, recordId, version, field }: SealedFieldAddress): readonly string[] {
    if (projectId !== this.#projectId) throw new Error("a sealer serves one project")
    return [LABEL, orgId, projectId, recordId, String(version), field]
  }
}
