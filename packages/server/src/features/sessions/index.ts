/**
 * Sessions of people. A login (another feature) opens one inside its own write; the tokens are signed after the commit.
 *
 *   draftSession in the login's write -> signSession -> withRefreshCookie
 *   POST /v1/auth/token with the cookie -> refreshSession: the refresh token is used up, a copy of it ends the session
 *   logout, revoke -> endSessions: every token of the session is dead at once, on every server
 *
 * Access tokens are judged by `tokens` at every request; they are stored nowhere.
 */
export { type CookieDeps, refreshCookie, refreshTokenOf, withRefreshCookie } from "./cookie.ts"
export { mayMakeTokens, type SecondFactor, type Session } from "./domain.ts"
export { presentSession } from "./presenter.ts"
export { sessionRoutes } from "./routes.ts"
export { draftSession, endSessions, type SessionsDeps, type SessionTokens, signSession } from "./service.ts"
export { listSessions, lockSession, markSecondFactor, removeDeadSessions } from "./store.ts"
export { readRefreshToken } from "./tokens.ts"
