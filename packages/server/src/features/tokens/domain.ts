/** Lifetimes of access tokens (contract 2.2, 2.3). Pure. */

/** Limits of a token family, in seconds; 0 means none. */
export type TokenLimits = {
  readonly ttlSeconds: number
  readonly maxTtlSeconds: number
  /** Above 0 it is the lifetime, and renewals have no end. */
  readonly periodSeconds: number
}

/**
 * How long a JWT issued or renewed at `now` lives: the shortest of the configured lifetime, what is left of the
 * budget since the family began, and the instance's ceiling. 0 means for ever; `undefined` that the budget is spent.
 */
export function issuedLifetimeSeconds(
  limits: TokenLimits,
  at: { readonly createdAt: number; readonly now: number; readonly ceilingSeconds: number },
): number | undefined {
  const isPeriodic = limits.periodSeconds > 0
  const wanted = unlimited(isPeriodic ? limits.periodSeconds : limits.ttlSeconds)
  const ageSeconds = Math.floor((at.now - at.createdAt) / 1_000)
  const budget = isPeriodic ? Number.POSITIVE_INFINITY : unlimited(limits.maxTtlSeconds)
  const lifetime = Math.min(wanted, budget - ageSeconds, unlimited(at.ceilingSeconds))
  if (lifetime <= 0) return undefined
  return lifetime === Number.POSITIVE_INFINITY ? 0 : lifetime
}

function unlimited(seconds: number): number {
  return seconds === 0 ? Number.POSITIVE_INFINITY : seconds
}
