/** An auth method that trusts a token which somebody else issued. */
import type { JWTPayload } from "jose"
import type { MethodKind } from "../auth-methods/index.ts"
import type { KeySets } from "./key-sets.ts"

export type ExternalKind = "kubernetes-auth" | "jwt-auth" | "oidc-auth"

/** What a method may use to judge a token. */
export type ProofContext = {
  /** Milliseconds. */
  readonly now: number
  readonly keySets: KeySets
  /** Whether providers at addresses that are not public may be asked. */
  readonly allowPrivateAddresses: boolean
  /** Opens a field that was sealed when the method was configured. */
  unseal(field: string, sealed: string): string
}

/** Who the token says it is, for the audit log. */
export type Proof = { readonly subject: string }

export type ExternalMethod<Wanted, Settings extends object> = MethodKind<Wanted, Settings> & {
  readonly kind: ExternalKind
  /** @throws LoginRefusal when the token does not prove that its bearer is the identity */
  prove(settings: Settings, jwt: string, context: ProofContext): Promise<Proof>
}

/** The text at a dotted path of claims; `undefined` when there is none. A literal name with dots wins over a path. */
export function claimAt(claims: JWTPayload, path: string): unknown {
  if (Object.hasOwn(claims, path)) return claims[path]
  let current: unknown = claims
  for (const part of path.split(".")) {
    if (typeof current !== "object" || current === null || !Object.hasOwn(current, part)) return undefined
    current = (current as Record<string, unknown>)[part]
  }
  return current
}
