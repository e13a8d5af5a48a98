/** How often somebody may try to prove who they are. Pure. */

export type AttemptRule = {
  /** Attempts inside the window that are answered; further ones are not. */
  readonly limit: number
  readonly windowMs: number
  readonly lockMs: number
}

export type AttemptCount = {
  readonly attempts: number
  readonly windowStartedAt: number
  readonly lockedUntil: number | null
}

/**
 * Counts an attempt before it is answered, so that many at once cannot outrun the count.
 *
 * @param count what was counted so far; `attempts` 0 when nothing was
 * @returns whether the attempt may be answered, and the count after it; while locked, attempts count no further
 */
export function countAttempt(
  count: AttemptCount,
  rule: AttemptRule,
  now: number,
): { readonly isAllowed: boolean; readonly count: AttemptCount } {
  if (count.lockedUntil !== null && now < count.lockedUntil) return { isAllowed: false, count }
  const isNewWindow = count.lockedUntil !== null || now >= count.windowStartedAt + rule.windowMs
  const attempts = isNewWindow ? 1 : count.attempts + 1
  const windowStartedAt = isNewWindow ? now : count.windowStartedAt
  const lockedUntil = attempts >= rule.limit ? now + rule.lockMs : null
  return { isAllowed: true, count: { attempts, windowStartedAt, lockedUntil } }
}
