/** Does a secret match? Pure; names and pairs are judged without opening the value. */
import type { SecretRecord, TagRecord } from "../../cache/index.ts"
import { matchesPathGlob } from "../../path-glob.ts"

export type KeyCriterion = {
  readonly contains?: string | undefined
  readonly prefix?: string | undefined
  /** `*` for any text, `?` for one character. */
  readonly glob?: string | undefined
}

/** What is looked for; everything that is named must hold. */
export type Criteria = {
  readonly key: KeyCriterion | undefined
  /** Slugs; any of them. */
  readonly tags: readonly string[]
  /** All of these pairs; without a value, any value. */
  readonly metadata: readonly { readonly key: string; readonly value?: string | undefined }[]
  readonly valueContains: string | undefined
}

/** True when the name of a secret matches; capitals do not matter. */
export function matchesKey(criterion: KeyCriterion | undefined, key: string): boolean {
  if (criterion === undefined) return true
  const name = key.toLowerCase()
  const { contains, prefix, glob } = criterion
  if (contains !== undefined && !name.includes(contains.toLowerCase())) return false
  if (prefix !== undefined && !name.startsWith(prefix.toLowerCase())) return false
  return glob === undefined || matchesPathGlob(`/${glob.toLowerCase()}`, `/${name}`)
}

export function matchesTags(
  slugs: readonly string[],
  secret: SecretRecord,
  tags: ReadonlyMap<string, TagRecord>,
): boolean {
  return slugs.length === 0 || secret.tagIds.some((id) => slugs.includes(tags.get(id)?.slug ?? ""))
}

/** Encrypted pairs match by their key alone. */
export function matchesMetadata(wanted: Criteria["metadata"], secret: SecretRecord): boolean {
  return wanted.every(({ key, value }) =>
    secret.metadata.some(
      (pair) => pair.key === key && (value === undefined || (!pair.isEncrypted && pair.value === value)),
    ),
  )
}
