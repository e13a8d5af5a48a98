/**
 * Second factors that are typed: one-time passwords (TOTP) and recovery codes.
 *
 *   enrol -> confirm with a code: from then on every session needs a code, sent to POST /v2/auth/mfa/verify
 *   a code: attempt counted per person -> TOTP of this or a neighbouring step that is not burnt, or a recovery code that
 *     was not used -> burnt in the same write as what it was shown for
 *
 * Secrets are sealed, recovery codes kept as keyed hashes. That a factor is due is judged by `tokens` from what the
 * database says, at every request.
 */
export { secondFactorRoutes } from "./routes.ts"
export { ensureRecoveryCodes, removeUnneededRecoveryCodes, showFactor } from "./service.ts"
export { removeRecoveryCodes, removeTotp } from "./store.ts"
