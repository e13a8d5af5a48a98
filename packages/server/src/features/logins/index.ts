/**
 * People log in with e-mail and password, choose an organization, and change their password.
 *
 *   routes.ts -> password-login.ts: attempt counted -> account looked up -> argon2id, whoever asks -> one write: attempt
 *     forgiven, session opened, audit event -> tokens signed
 *   a refusal is one text and one code whatever the cause, costs one argon2id, and is in the audit log with its reason
 */
export { loginEvent, refuseLogin } from "./login-events.ts"
export { secondFactorDue } from "./organizations.ts"
export type { LoginDeps } from "./password-login.ts"
export { provePassword } from "./prove-password.ts"
export { loginRoutes } from "./routes.ts"
