/** Invitations and the mail that carries them. Pure. */
export type ProjectRole = { readonly projectId: string; readonly role: string }

export type Invitation = {
  readonly id: string
  readonly orgId: string
  /** Canonical. */
  readonly email: string
  readonly role: string
  readonly projects: readonly ProjectRole[]
  readonly invitedBy: string
  readonly createdAt: number
  readonly expiresAt: number
}

export const lifetimeMs = 7 * 24 * 60 * 60 * 1_000
/** For how long an invitation that nobody used is still shown. */
export const keptAfterMs = 30 * 24 * 60 * 60 * 1_000

/** The token stays behind the `#`: a browser sends it to no server, and no proxy logs it. */
export function linkOf(siteUrl: string, token: string): string {
  return `${siteUrl}/accept-invitation#token=${token}`
}

/**
 * @param of names in one line each
 */
export function mailOf(of: {
  readonly organization: string
  readonly inviter: string
  readonly siteUrl: string
  readonly token: string
  readonly expiresAt: number
}): { readonly subject: string; readonly text: string } {
  const { organization, inviter, siteUrl, token } = of
  const lines = [
    `${inviter} invites you to join ${organization}, which keeps its secrets with Coffer at ${siteUrl}.`,
    "",
    `Accept in a browser: ${linkOf(siteUrl, token)}`,
    "",
    "or with the command line:",
    `  coffer invitations accept '${linkOf(siteUrl, token)}'`,
    "",
    "or with curl:",
    `  curl -X POST ${siteUrl}/api/coffer/v1/invitations/accept -H 'content-type: application/json' \\`,
    `    -d '{"token": "${token}", "password": "<at least 10 characters>"}'`,
    "",
    `The invitation can be used once, until ${new Date(of.expiresAt).toISOString()}. Who did not expect it need do nothing.`,
    "",
  ]
  return { subject: `Invitation to ${organization} on Coffer`, text: lines.join("\n") }
}
