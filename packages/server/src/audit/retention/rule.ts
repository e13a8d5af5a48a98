/** The shorter of two retentions in days, where null is for ever. */
export function shorterRetention(left: number | null, right: number | null): number | null {
  if (left === null) return right
  return right === null ? left : Math.min(left, right)
}
