/** The order of environments: positions 1, 2, 3, ... without gaps. Pure. */

type Placed = { readonly id: string; readonly position: number }

/** Gives every environment its dense position, in the order they have. */
export function closeRanks<T extends Placed>(environments: readonly T[]): readonly T[] {
  return numbered(environments.toSorted((left, right) => left.position - right.position))
}

/**
 * Puts an environment, which may be among the others, at a position; the others keep their order around it. A position
 * beyond the last one is the last one.
 */
export function placeAt<T extends Placed>(others: readonly T[], one: T, position: number): readonly T[] {
  const rest = closeRanks(others.filter(({ id }) => id !== one.id))
  const index = Math.max(position, 1) - 1
  return numbered([...rest.slice(0, index), one, ...rest.slice(index)])
}

/** Those whose position differs from before; those that were not there before are left out. */
export function movedOnes<T extends Placed>(before: readonly T[], after: readonly T[]): readonly T[] {
  const positions = new Map(before.map(({ id, position }) => [id, position]))
  return after.filter(({ id, position }) => positions.has(id) && positions.get(id) !== position)
}

function numbered<T extends Placed>(inOrder: readonly T[]): readonly T[] {
  return inOrder.map((one, index) => ({ ...one, position: index + 1 }))
}
