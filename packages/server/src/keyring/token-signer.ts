import { createHmac, createSecretKey, type KeyObject } from "node:crypto"
import { compactVerify, errors } from "jose"

/** Protected header of a JWT under HMAC with SHA-256 (RFC 7515, section 3.1; RFC 7518, section 3.2). */
const header = Buffer.from(JSON.stringify({ alg: "HS256", typ: "JWT" })).toString("base64url")

/** Signs and verifies access tokens: JWTs under HS256, and under nothing else. */
export class TokenSigner {
  readonly #key: KeyObject

  constructor(keyBytes: Uint8Array) {
    this.#key = createSecretKey(keyBytes)
  }

  /** The compact form. A login waits for it: done here at once, where a library would ask another thread. */
  sign(claims: Readonly<Record<string, unknown>>): string {
    const signed = `${header}.${Buffer.from(JSON.stringify(claims)).toString("base64url")}`
    return `${signed}.${createHmac("sha256", this.#key).update(signed).digest("base64url")}`
  }

  /** The claims when the signature is right; `undefined` otherwise. Expiry is not looked at. */
  async verify(token: string): Promise<Readonly<Record<string, unknown>> | undefined> {
    try {
      const { payload } = await compactVerify(token, this.#key, { algorithms: ["HS256"] })
      const claims: unknown = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(payload))
      return isClaims(claims) ? claims : undefined
    } catch (error) {
      // A token that is malformed, signed otherwise, or signed by another key: all the same to the caller.
      if (error instanceof errors.JOSEError || error instanceof SyntaxError || error instanceof TypeError) {
        return undefined
      }
      throw error
    }
  }
}

function isClaims(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value)
}
