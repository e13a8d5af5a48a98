import type { RandomBytes } from "@coffer/envelope"
import { uuidBytes } from "../uuid.ts"
import { FieldSealer } from "./field-sealer.ts"
import type { RecordFieldAddress, RecordSealer } from "./keyring.ts"
import type { KeyringKeys } from "./keyring-keys.ts"

const LABEL = "coffer/record-field/1"

/** Seals fields of records outside of projects under the keyring's own key for them. */
export class KeyringRecordSealer implements RecordSealer {
  readonly #fields: FieldSealer

  constructor(keys: KeyringKeys, randomBytes: RandomBytes) {
    const { id, keyBytes } = keys.active["record-sealing"]
    const older = [...keys.recordSealing].filter(([keyId]) => keyId !== id)
    this.#fields = new FieldSealer(
      [
        { idBytes: uuidBytes(id), keyBytes },
        ...older.map(([keyId, bytes]) => ({ idBytes: uuidBytes(keyId), keyBytes: bytes })),
      ],
      randomBytes,
    )
  }

  seal(address: RecordFieldAddress, plaintext: string): Uint8Array {
    return this.#fields.seal(placeOf(address), address.field, plaintext)
  }

  open(address: RecordFieldAddress, sealed: Uint8Array): string {
    return this.#fields.open(placeOf(address), sealed)
  }
}

function placeOf({ orgId, recordId, field }: RecordFieldAddress): readonly string[] {
  return [LABEL, orgId, recordId, field]
}
