/** How long to wait before something that failed is tried again. Pure. */

const firstPauseMs = 5_000
const longestPauseMs = 6 * 60 * 60 * 1_000

/**
 * 5 seconds after the first failure, then 20, 80 ... up to six hours, each up to a fifth sooner, so that those that
 * failed together do not come back together.
 *
 * @param failures how many there were, at least one
 * @param jitter in [0, 1)
 */
export function pauseAfter(failures: number, jitter: number): number {
  const pauseMs = Math.min(longestPauseMs, firstPauseMs * 4 ** (failures - 1))
  return Math.round(pauseMs * (1 - jitter / 5))
}
