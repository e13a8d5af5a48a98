/** How many rows one write removes. Pure. */

const targetMs = 15
const fewest = 10
const most = 2_000

/** How much of what a slice costs by itself is still believed after the next one. */
const stillBelieved = 0.98

/**
 * Follows how long the rows took that were removed before: large values and slow disks make small slices. Grows slowly
 * and shrinks at once, so that others wait as little as can be foreseen. What the fewest rows take, a slice takes by
 * itself, on a busy machine or a database that is far away: that comes on top of what the rows may take, since smaller
 * slices would only be more of them.
 */
export class SliceSize {
  rows = 100
  #ownMs = 0

  /** @param tookMs how long the slice took that was just removed */
  note(tookMs: number): void {
    this.#ownMs = this.rows <= fewest ? tookMs : this.#ownMs * stillBelieved
    const factor = Math.min(1.5, (targetMs + this.#ownMs) / Math.max(tookMs, 1))
    this.rows = Math.round(Math.min(most, Math.max(fewest, this.rows * factor)))
  }
}
