/** A WebAuthn credential of a person. */
export type Passkey = {
  /** The credential id, base64url. */
  readonly id: string
  readonly userId: string
  readonly name: string
  /** COSE key. */
  readonly publicKeyBytes: Uint8Array
  /** Of signatures; 0 for devices that do not count. */
  readonly counter: number
  readonly transports: readonly string[]
  readonly createdAt: number
  readonly lastUsedAt: number | null
}

export const maxPasskeys = 20
