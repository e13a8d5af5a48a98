/** Whom an OpenID provider's word lets in. Pure. */
import type { CodeProblem, WaitingCommand } from "../command-logins/index.ts"

export type SignOn = {
  readonly orgId: string
  readonly issuer: string
  readonly clientId: string
  readonly clientSecretSealed: Uint8Array
  readonly allowedEmailDomains: readonly string[]
  readonly defaultRole: string | null
  readonly isActive: boolean
  readonly createdAt: number
  readonly updatedAt: number
}

/** What a provider said of a person. */
export type Claims = {
  readonly subject: string
  /** Canonical; `undefined` when it said none, or none that is one. */
  readonly email: string | undefined
  /** True only when it said so. */
  readonly isEmailVerified: boolean
  readonly firstName: string
  readonly lastName: string
}

export type Refusal =
  | "email-missing"
  | "email-not-verified"
  | "email-domain-not-allowed"
  | "not-invited"
  | "not-active"
  | "belongs-elsewhere"
  | CodeProblem

/** Thrown inside a write to undo it. */
export class Refused extends Error {
  override readonly name = "Refused"
  readonly reason: Refusal

  constructor(reason: Refusal) {
    super(reason)
    this.reason = reason
  }
}

/** Judges the address of somebody who comes for the first time; `undefined`: it will do. */
export function judgeAddress(
  settings: Pick<SignOn, "allowedEmailDomains">,
  claims: Claims,
): Refusal | undefined {
  if (claims.email === undefined) return "email-missing"
  if (!claims.isEmailVerified) return "email-not-verified"
  const domain = claims.email.slice(claims.email.lastIndexOf("@") + 1)
  const { allowedEmailDomains: allowed } = settings
  return allowed.length === 0 || allowed.includes(domain) ? undefined : "email-domain-not-allowed"
}

/** What a login needs between its beginning and its end; only the browser that began it has it. */
export type Flow = {
  readonly orgId: string
  readonly state: string
  readonly nonce: string
  readonly verifier: string
  readonly expiresAt: number
  /** Whom the login is for; absent: the browser itself. */
  readonly command?: WaitingCommand
}

export const flowLifetimeMs = 10 * 60 * 1_000
