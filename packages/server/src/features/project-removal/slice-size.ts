/** How many rows one write removes. Pure. */

const targetMs = 15
const fewest = 10
const most = 2_000

/**
 * Follows how long the rows took that were removed before: large values and slow disks make small slices. Grows slowly
 * and shrinks at once, so that others wait as little as can be foreseen.
 */
export class SliceSize {
  rows = 100

  /** @param tookMs how long the slice took that was just removed */
  note(tookMs: number): void {
    const factor = Math.min(1.5, targetMs / Math.max(tookMs, 1))
    this.rows = Math.round(Math.min(most, Math.max(fewest, this.rows * factor)))
  }
}
