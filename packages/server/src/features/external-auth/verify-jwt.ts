import {
  importSPKI,
  type JWTPayload,
  type JWTVerifyGetKey,
  type JWTVerifyOptions,
  errors as jose,
  jwtVerify,
} from "jose"
import { OutboundError } from "../../outbound/index.ts"
import { reasonOf } from "./key-sets.ts"
import { providerAway, unauthorized } from "./login-refusal.ts"

/** Only signatures by a private key: with a shared secret, whoever can verify could also sign. */
const algorithms = [
  ...["RS256", "RS384", "RS512", "PS256", "PS384", "PS512"],
  ...["ES256", "ES384", "ES512", "EdDSA", "Ed25519"],
]
const maxCandidates = 10
const clockToleranceSeconds = 5

/**
 * The claims of a token that one of the keys signed and whose time has come and not passed.
 * @throws LoginRefusal "unauthenticated" otherwise; "unavailable" when the keys can't be fetched
 */
export async function verifyWithKeySet(keys: JWTVerifyGetKey, jwt: string, now: number): Promise<JWTPayload> {
  const options = optionsAt(now)
  try {
    return (await jwtVerify(jwt, keys, options)).payload
  } catch (error) {
    if (!(error instanceof jose.JWKSMultipleMatchingKeys)) throw refusalOf(error)
    let tried = 0
    // Without a key id every key may be the one.
    for await (const key of error) {
      if (++tried > maxCandidates) break
      try {
        return (await jwtVerify(jwt, key, options)).payload
      } catch (inner) {
        if (!(inner instanceof jose.JWSSignatureVerificationFailed)) throw refusalOf(inner)
      }
    }
    throw refusalOf(error)
  }
}

/**
 * As {@link verifyWithKeySet}, with keys in PEM (SubjectPublicKeyInfo).
 * @throws LoginRefusal when none of them signed the token
 */
export async function verifyWithPublicKeys(
  pems: readonly string[],
  jwt: string,
  now: number,
): Promise<JWTPayload> {
  const { alg } = headerOf(jwt)
  let refusal: unknown
  for (const pem of pems) {
    try {
      return (await jwtVerify(jwt, await importSPKI(pem, alg), optionsAt(now))).payload
    } catch (error) {
      // That the time has passed says more than that another key did not sign it.
      if (refusal === undefined || error instanceof jose.JWTExpired) refusal = error
    }
  }
  throw refusalOf(refusal)
}

function headerOf(jwt: string): { readonly alg: string } {
  const [head = ""] = jwt.split(".", 1)
  try {
    const header: unknown = JSON.parse(Buffer.from(head, "base64url").toString("utf8"))
    if (typeof header === "object" && header !== null && "alg" in header && typeof header.alg === "string") {
      if (algorithms.includes(header.alg)) return { alg: header.alg }
    }
  } catch {
    // Not JSON: the refusal below says all that matters.
  }
  throw malformed()
}

function optionsAt(now: number): JWTVerifyOptions {
  return {
    algorithms,
    currentDate: new Date(now),
    clockTolerance: clockToleranceSeconds,
    requiredClaims: ["exp"],
  }
}

function refusalOf(error: unknown): Error {
  if (error instanceof jose.JWTExpired)
    return unauthorized("token-expired", "Access denied: the token has expired")
  if (error instanceof jose.JWTClaimValidationFailed) {
    return unauthorized(
      "claim-invalid",
      `Access denied: the claim '${error.claim}' is missing or not valid now`,
    )
  }
  if (isOfKeySet(error) || isOutbound(error)) {
    return providerAway(`The keys of the issuer could not be fetched: ${reasonOf(error)}`, error)
  }
  if (error instanceof jose.JWTInvalid || error instanceof jose.JWSInvalid) return malformed()
  return unauthorized("invalid-signature", "Access denied: the token is not signed by a key that is trusted")
}

/** What the issuer answered is no set of keys: the token may be good all the same. */
function isOfKeySet(error: unknown): boolean {
  if (error instanceof jose.JWKSTimeout || error instanceof jose.JWKSInvalid) return true
  return error instanceof jose.JOSEError && error.code === jose.JOSEError.code
}

function isOutbound(error: unknown): boolean {
  return error instanceof OutboundError || (error instanceof Error && error.cause instanceof OutboundError)
}

function malformed(): Error {
  return unauthorized("token-malformed", "Access denied: the token is not a signed JWT")
}
