/**
 * Auth methods that trust a token which somebody else issued: a Kubernetes API server (TokenReview), any issuer of
 * JWTs with a key set or static keys, an OpenID provider. No secret is shared beforehand. Tokens of ours are made by
 * `tokens/`; what all methods of identities have in common is in `auth-methods/`.
 */

export { KeySets } from "./key-sets.ts"
export { externalAuthRoutes } from "./routes.ts"
