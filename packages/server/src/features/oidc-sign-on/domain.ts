/** Whom an OpenID provider's word lets in. Pure. */
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
  | CodeRefusal

/** Why a command's code is not exchanged. */
export type CodeRefusal = "code-late" | "code-used" | "wrong-verifier"

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

/** A command that waits for the end of a login at a port of its own machine. */
export type WaitingCommand = {
  readonly port: number
  readonly state: string
  /** SHA-256 of what only the command knows, in hex. */
  readonly challenge: string
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
/** From the page that a person confirms until the command has exchanged its code. */
export const codeLifetimeMs = 2 * 60 * 1_000

/** What terminal and page both show, so that nobody confirms the login of a command that is not theirs. */
export function checkOf({ challenge }: Pick<WaitingCommand, "challenge">): string {
  return `${challenge.slice(0, 4)}-${challenge.slice(4, 8)}`
}

/** Where the page leads: always this machine of the browser, at a port that the command chose. */
export function commandUrl(
  { port, state }: WaitingCommand,
  end: { readonly code: string } | { readonly error: "refused" },
): string {
  return `http://127.0.0.1:${port}/?${new URLSearchParams({ ...end, state })}`
}
