import { createHash, generateKeyPairSync, type KeyObject, randomBytes, sign } from "node:crypto"
import { isoCBOR } from "@simplewebauthn/server/helpers"

type Options = {
  readonly challenge: string
  readonly rp?: { readonly id?: string }
  readonly rpId?: string
  readonly user?: { readonly id: string }
}

/** What a test may have the device or the browser do wrong. */
type Mischief = {
  readonly origin?: string
  readonly rpId?: string
  readonly challenge?: string
  readonly isUserVerified?: boolean
  readonly counter?: number
  readonly userHandle?: string
}

const sha256 = (data: string | Uint8Array) => createHash("sha256").update(data).digest()
const base64url = (data: Uint8Array | string) => Buffer.from(data).toString("base64url")

/** An authenticator in software: one ES256 key, user verification, a counter (WebAuthn level 3, sections 6 and 7). */
export class Authenticator {
  readonly id = base64url(randomBytes(16))
  readonly #key: KeyObject
  readonly #publicKey: KeyObject
  readonly #origin: string
  #counter = 0
  #userHandle = ""

  constructor(origin: string) {
    const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" })
    this.#key = privateKey
    this.#publicKey = publicKey
    this.#origin = origin
  }

  create(options: Options, mischief: Mischief = {}) {
    this.#userHandle = options.user?.id ?? ""
    const clientDataJSON = this.#clientData("webauthn.create", options, mischief)
    const id = Buffer.from(this.id, "base64url")
    const length = Buffer.alloc(2)
    length.writeUInt16BE(id.length)
    const credential = Buffer.concat([Buffer.alloc(16), length, id, this.#coseKey()])
    const head = this.#authenticatorData(options.rp?.id ?? "", { flags: 0x40, ...mischief })
    const authData = Uint8Array.from(Buffer.concat([head, credential]))
    const attestation = new Map<string, string | Map<string, string> | Uint8Array>([
      ["fmt", "none"],
      ["attStmt", new Map<string, string>()],
      ["authData", authData],
    ])
    const attestationObject = base64url(isoCBOR.encode(attestation))
    return this.#credential({ clientDataJSON, attestationObject, transports: ["internal"] })
  }

  get(options: Options, mischief: Mischief = {}) {
    this.#counter += 1
    const clientDataJSON = this.#clientData("webauthn.get", options, mischief)
    const authenticatorData = this.#authenticatorData(options.rpId ?? "", { flags: 0, ...mischief })
    const signed = Buffer.concat([authenticatorData, sha256(Buffer.from(clientDataJSON, "base64url"))])
    return this.#credential({
      clientDataJSON,
      authenticatorData: base64url(authenticatorData),
      signature: base64url(sign("sha256", signed, this.#key)),
      userHandle: mischief.userHandle ?? this.#userHandle,
    })
  }

  #credential(response: Readonly<Record<string, unknown>>) {
    return { id: this.id, rawId: this.id, type: "public-key", response, clientExtensionResults: {} }
  }

  #clientData(type: string, options: Options, mischief: Mischief): string {
    const challenge = mischief.challenge ?? options.challenge
    return base64url(
      JSON.stringify({ type, challenge, origin: mischief.origin ?? this.#origin, crossOrigin: false }),
    )
  }

  #authenticatorData(rpId: string, of: Mischief & { readonly flags: number }): Buffer {
    const [present, verified] = [0x01, of.isUserVerified === false ? 0 : 0x04]
    const counter = Buffer.alloc(4)
    counter.writeUInt32BE(of.counter ?? this.#counter)
    return Buffer.concat([sha256(of.rpId ?? rpId), Buffer.from([present | verified | of.flags]), counter])
  }

  #coseKey(): Uint8Array {
    const { x = "", y = "" } = this.#publicKey.export({ format: "jwk" })
    return isoCBOR.encode(
      new Map<number, number | Uint8Array>([
        [1, 2],
        [3, -7],
        [-1, 1],
        [-2, Uint8Array.from(Buffer.from(x, "base64url"))],
        [-3, Uint8Array.from(Buffer.from(y, "base64url"))],
      ]),
    )
  }
}
