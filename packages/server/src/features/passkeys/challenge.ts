import { AppError } from "../../errors.ts"
import type { Keyring } from "../../keyring/keyring.ts"

/** What the answer to a challenge may be used for. */
export type Purpose = "register" | "login" | "second-factor"

export type Challenge = {
  /** base64url. */
  readonly text: string
  readonly purpose: Purpose
  /** "" for a login: who answers is not known yet. */
  readonly userId: string
  /** Milliseconds. */
  readonly expiresAt: number
}

const lifetimeMs = 5 * 60_000
const maxTokenLength = 2_048

/** A challenge that expires by itself, and the token in which the client brings it back. */
export async function signChallenge(
  keyring: Keyring,
  of: { readonly challengeBytes: Uint8Array; readonly purpose: Purpose; readonly userId: string },
  now: number,
): Promise<string> {
  return keyring.signToken({
    authTokenType: "passkeyChallenge",
    challenge: Buffer.from(of.challengeBytes).toString("base64url"),
    purpose: of.purpose,
    userId: of.userId,
    exp: Math.floor((now + lifetimeMs) / 1_000),
  })
}

/**
 * @param expected `userId` is left out only where the challenge gives no right by itself
 * @throws AppError "forbidden" unless this server made it, for this purpose and person, a short while ago
 */
export async function readChallenge(
  keyring: Keyring,
  token: string,
  expected: { readonly purpose: Purpose; readonly userId?: string; readonly now: number },
): Promise<Challenge> {
  const claims = token.length > maxTokenLength ? undefined : await keyring.verifyToken(token)
  const { challenge: text, purpose, userId, exp } = claims ?? {}
  const isOurs = claims?.["authTokenType"] === "passkeyChallenge"
  const isMeant = purpose === expected.purpose && userId === (expected.userId ?? userId)
  if (!isOurs || !isMeant || typeof text !== "string" || typeof exp !== "number") throw passkeyRefused()
  if (typeof userId !== "string") throw passkeyRefused()
  const expiresAt = exp * 1_000
  if (expected.now >= expiresAt) throw passkeyRefused()
  return { text, purpose: expected.purpose, userId, expiresAt }
}

/** One text, whatever did not fit. */
export function passkeyRefused(cause?: unknown): AppError {
  return new AppError(
    "forbidden",
    "ForbiddenError",
    "The passkey was not accepted: it is unknown here, the answer was used already, or it came too late; begin again",
    { cause },
  )
}
