/** What a token says about itself, unverified: for greeting, and to know a person from a machine. */
import { accessTokenClaims, userTokenClaims } from "@coffer/contract"
import type { SecretText } from "./secret-text.ts"

export type TokenClaims =
  | { readonly kind: "person"; readonly name: string; readonly organizationId: string }
  | { readonly kind: "machine"; readonly name: string; readonly id: string }
  /** No token of ours; its server may know it. */
  | { readonly kind: "unknown" }

export function readTokenClaims(token: SecretText): TokenClaims {
  const payload = token.reveal().split(".")[1] ?? ""
  try {
    const claims: unknown = JSON.parse(Buffer.from(payload, "base64url").toString("utf8"))
    const machine = accessTokenClaims.pick({ identityId: true, identityName: true }).safeParse(claims)
    if (machine.success) {
      return { kind: "machine", name: machine.data.identityName, id: machine.data.identityId }
    }
    const person = userTokenClaims.safeParse(claims)
    if (!person.success) return { kind: "unknown" }
    return { kind: "person", name: person.data.email, organizationId: person.data.organizationId }
  } catch {
    return { kind: "unknown" } // no JWT
  }
}
