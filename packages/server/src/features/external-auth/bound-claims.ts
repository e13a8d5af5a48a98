/** What a JWT has to say besides being signed (contract 2.8, 2.9). Pure. */
import type { JWTPayload } from "jose"
import { matchesPathGlob } from "../../path-glob.ts"
import { claimAt } from "./external-method.ts"
import { forbidden, unauthorized } from "./login-refusal.ts"

/** Empty text and empty records bind nothing. */
export type Bounds = {
  readonly boundIssuer: string
  /** Comma-separated; one of them has to be among the audiences. */
  readonly boundAudiences: string
  /** Name or dotted path of a claim -> comma-separated values or globs, one of which has to select it. */
  readonly boundClaims: Readonly<Record<string, string>>
  /** The subject, or a glob for it. */
  readonly boundSubject: string
}

const noBounds: Bounds = { boundIssuer: "", boundAudiences: "", boundClaims: {}, boundSubject: "" }

/** The bounds to keep: what is wanted, over what there was. */
export function boundsOf(wanted: Partial<Bounds>, old: Bounds = noBounds): Bounds {
  return {
    boundIssuer: wanted.boundIssuer ?? old.boundIssuer,
    boundAudiences: wanted.boundAudiences ?? old.boundAudiences,
    boundClaims: wanted.boundClaims ?? old.boundClaims,
    boundSubject: wanted.boundSubject ?? old.boundSubject,
  }
}

/** Nothing but bounds, of settings that have more. */
export function shownBounds({ boundIssuer, boundAudiences, boundClaims, boundSubject }: Bounds): Bounds {
  return { boundIssuer, boundAudiences, boundClaims, boundSubject }
}

/**
 * @param refuseIssuer how a wrong issuer is answered: a 403 of JWT auth, a 401 of OIDC auth
 * @throws LoginRefusal for the first bound that the claims break
 */
export function requireBounds(
  claims: JWTPayload,
  bounds: Bounds,
  refuseIssuer: typeof forbidden | typeof unauthorized,
): void {
  if (bounds.boundIssuer !== "" && claims.iss !== bounds.boundIssuer) {
    throw refuseIssuer("issuer-mismatch", "Access denied: issuer mismatch")
  }
  if (bounds.boundSubject !== "" && !matches(bounds.boundSubject, claims.sub)) {
    throw forbidden("subject-mismatch", "Access denied: subject not allowed")
  }
  if (bounds.boundAudiences !== "") {
    const audiences = listOf(bounds.boundAudiences)
    if (!valuesOf(claims.aud).some((audience) => audiences.includes(audience))) {
      throw unauthorized("audience-mismatch", "Access denied: audience not allowed")
    }
  }
  for (const [path, allowed] of Object.entries(bounds.boundClaims)) {
    const wanted = listOf(allowed)
    const isWanted = (value: string) => wanted.some((pattern) => matches(pattern, value))
    if (!valuesOf(claimAt(claims, path)).some(isWanted)) {
      throw unauthorized("claim-mismatch", `Access denied: claim '${path}' not allowed`)
    }
  }
}

/** True when the list is empty, or the value is one of its entries or selected by one. Commas alone are no empty list. */
export function isListed(list: string, value: string): boolean {
  return list === "" || listOf(list).some((entry) => matches(entry, value))
}

function matches(pattern: string, value: unknown): boolean {
  return typeof value === "string" && value !== "" && matchesPathGlob(pattern, value)
}

function listOf(text: string): readonly string[] {
  return text
    .split(",")
    .map((entry) => entry.trim())
    .filter((entry) => entry !== "")
}

/** The values of a claim that can be compared: texts, numbers and booleans, alone or in an array. */
function valuesOf(claim: unknown): readonly string[] {
  if (Array.isArray(claim)) return claim.flatMap((entry) => (Array.isArray(entry) ? [] : valuesOf(entry)))
  if (typeof claim === "string") return [claim]
  return typeof claim === "number" || typeof claim === "boolean" ? [String(claim)] : []
}
