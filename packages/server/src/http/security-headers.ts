/** Answers are data for programs: kept by no cache, guessed as no other type, framed by no page, fetched from by none. */
const always = {
  "cache-control": "no-store",
  "x-content-type-options": "nosniff",
  "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
  "x-frame-options": "DENY",
  "referrer-policy": "no-referrer",
} as const

const oneYearSeconds = 31_536_000

/** The headers of every answer; a page that needs scripts of its own sets a policy of its own. */
export function securityHeaders({
  isHttpsOnly,
}: {
  readonly isHttpsOnly: boolean
}): Readonly<Record<string, string>> {
  if (!isHttpsOnly) return always
  return { ...always, "strict-transport-security": `max-age=${oneYearSeconds}` }
}
