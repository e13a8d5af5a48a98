/** What an auth method has to say for itself; storing, routes, tokens and events are the same for all. */
import type { JWTPayload } from "jose"
import type { RecordFieldAddress } from "../../keyring/index.ts"
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

export type ExternalMethod<Wanted, Settings> = {
  readonly kind: ExternalKind
  /** As messages name it. */
  readonly title: string
  /**
   * The settings to keep: what is wanted, over what there was.
   * @param seal seals a field of this method's record
   * @throws AppError "invalid" naming the field that is missing or wrong
   */
  settingsOf(
    wanted: Wanted,
    old: Settings | undefined,
    seal: (field: string, text: string) => string,
  ): Settings
  /** @throws LoginRefusal when the token does not prove that its bearer is the identity */
  prove(settings: Settings, jwt: string, context: ProofContext): Promise<Proof>
}

/** Where a sealed field of a method lives. */
export function sealedFieldOf(
  of: { readonly orgId: string; readonly identityId: string },
  kind: ExternalKind,
): (field: string) => RecordFieldAddress {
  return (field) => ({ orgId: of.orgId, recordId: of.identityId, field: `${kind}:${field}` })
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
