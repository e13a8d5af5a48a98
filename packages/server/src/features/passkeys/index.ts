/**
 * Passkeys (WebAuthn): a login without a password, and a second factor beside one. The person is always verified by the
 * device, so a passkey alone counts as both factors.
 *
 *   options -> a challenge, in a token that only this server can sign: nothing is kept for callers who never come back
 *   the answer -> token and challenge compared, origin and site compared, signature verified, user verified
 *     -> one write: challenge used up, counter moved forward, then what it was for
 *
 * Commands have both done by pages of this server (pages.ts, page-files.ts, page-routes.ts): a login gives them a code
 * (command.ts); for an addition the page only makes the passkey, and the command adds it with its own token.
 *
 * The library is loaded with the first passkey. What a challenge was made for, it works for and nothing else.
 */
export { passkeyRoutes } from "./routes.ts"

export { pruneChallenges, removePasskeys } from "./store.ts"
