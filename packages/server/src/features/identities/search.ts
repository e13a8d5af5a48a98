/** Which identities a search means. Pure. */
import type { Identity } from "./store.ts"

type TextFilter =
  | string
  | {
      readonly $contains?: string | undefined
      readonly $eq?: string | undefined
      readonly $in?: readonly string[] | undefined
    }

export type IdentitySearch = {
  readonly name?: TextFilter | undefined
  readonly role?: TextFilter | undefined
}

export function matcherOf(search: IdentitySearch): (identity: Identity) => boolean {
  return (identity) => matches(identity.name, search.name) && matches(identity.role, search.role)
}

export function compareBy(
  field: "name" | "role",
  direction: "asc" | "desc",
): (left: Identity, right: Identity) => number {
  const sign = direction === "asc" ? 1 : -1
  return (left, right) => {
    if (left[field] !== right[field]) return left[field] < right[field] ? -sign : sign
    return left.id < right.id ? -1 : 1
  }
}

function matches(value: string, filter: TextFilter | undefined): boolean {
  if (filter === undefined) return true
  if (typeof filter === "string") return value === filter
  const { $contains, $eq, $in } = filter
  if ($eq !== undefined && value !== $eq) return false
  if ($in !== undefined && !$in.includes(value)) return false
  return $contains === undefined || value.toLowerCase().includes($contains.toLowerCase())
}
