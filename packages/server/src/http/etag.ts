import { hash } from "node:crypto"

/** A strong validator made from whatever determines the answer; never from the answer of a route that shows values. */
export function etagOf(...parts: readonly string[]): string {
  return `"${hash("sha256", parts.join("\n"), "base64url").slice(0, 27)}"`
}

/** True when the client's `If-None-Match` names this validator. */
export function matchesEtag(ifNoneMatch: string | undefined, etag: string): boolean {
  if (ifNoneMatch === undefined) return false
  if (ifNoneMatch === etag) return true
  return ifNoneMatch.split(",").some((one) => {
    const validator = one.trim()
    return validator === "*" || validator === etag || validator === `W/${etag}`
  })
}
