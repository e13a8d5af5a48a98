/**
 * Universal auth: a client id and client secrets of 256 random bits, stored as HMAC-SHA-256.
 *
 *   routes.ts -> login.ts: client id -> source address -> lockout -> compare in constant time -> domain.ts judges
 *     -> one write: use counted, failures cleared, token row, audit event -> JWT signed
 *   a refusal: counters and audit event are durable before the answer; an unknown client id costs the same work
 *   lockout.ts: what is written of one client id is written one after the other, and judged again by then
 *
 * Failures are counted per client id and source, with a tenfold cap per client id.
 */
export { universalAuthRoutes } from "./routes.ts"
