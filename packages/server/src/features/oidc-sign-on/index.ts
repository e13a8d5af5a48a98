/**
 * Single sign-on of people with the OpenID provider of their organization: authorization code flow with PKCE.
 *
 *   settings.ts   what an administrator sets, the client secret sealed
 *   flow.ts       login: state, nonce and verifier go sealed into a cookie of the browser that begins, and to the
 *                 provider -> callback: only in that browser, once, soon
 *   provider.ts   what is said to the provider, through `outbound/`
 *   command-token.ts  a command's login: the browser's page leads to the command with a code, the command exchanges it
 *   admission.ts  who the provider's subject is: linked before, or found by a verified address, or let in
 *
 * A provider speaks for the people of its own organization only: an account that belongs to another organization as well
 * is never entered by it.
 */
export { Providers } from "./provider.ts"
export { oidcRoutes } from "./routes.ts"
export { removeLink } from "./store.ts"
