/**
 * Access tokens of machine identities: HS256 JWTs with one row per family (`jti`). The token itself is stored nowhere.
 *
 *   login (another slice) -> draftToken in its transaction -> signDraft after the commit
 *   request -> TokenAuthenticator.authenticate -> Session
 *   renew -> same family, new JWT · revoke -> the family and the identity's epoch end
 */
export { TokenAuthenticator } from "./authenticate.ts"
export { tokenRoutes } from "./routes.ts"
export { draftToken, signDraft, type TokenDraft, type TokensDeps } from "./service.ts"
export {
  findToken,
  listTokensOfMethod,
  removeDeadTokens,
  renameToken,
  revokeTokens,
  type TokenFamily,
} from "./store.ts"
