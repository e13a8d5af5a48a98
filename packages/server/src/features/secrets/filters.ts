/** The filters of secret lists: tags and unencrypted metadata (contract 1.3). Pure. */
import type { SecretRecord, TagRecord } from "../../cache/index.ts"
import { AppError } from "../../errors.ts"

export type SecretFilter = {
  /** Keep secrets that have any of these tags; empty keeps all. */
  readonly tagSlugs: readonly string[]
  /** Keep secrets that have all of these pairs; empty keeps all. */
  readonly metadata: readonly { readonly key: string; readonly value: string }[]
}

const maxPairs = 10

/**
 * Reads `a,b` and `key=a,value=b|key=c,value=d`.
 * @throws AppError "invalid" when the metadata filter has another form or more than ten pairs
 */
export function parseFilter(tagSlugs: string | undefined, metadata: string | undefined): SecretFilter {
  const slugs = (tagSlugs ?? "").split(",").map((slug) => slug.trim())
  return { tagSlugs: slugs.filter((slug) => slug !== ""), metadata: parsePairs(metadata) }
}

function parsePairs(text: string | undefined): SecretFilter["metadata"] {
  if (text === undefined) return []
  const pairs = text.split("|").map((pair) => {
    const match = /^\s*key=([^,]+),\s*value=(.*?)\s*$/.exec(pair)
    if (match === null) {
      throw new AppError(
        "invalid",
        "BadRequest",
        "metadataFilter must look like 'key=a,value=b|key=c,value=d'",
      )
    }
    return { key: (match[1] ?? "").trim(), value: match[2] ?? "" }
  })
  if (pairs.length > maxPairs) {
    throw new AppError("invalid", "BadRequest", `metadataFilter takes at most ${maxPairs} pairs`)
  }
  return pairs
}

export function filterSecrets(
  secrets: readonly SecretRecord[],
  filter: SecretFilter,
  tags: ReadonlyMap<string, TagRecord>,
): readonly SecretRecord[] {
  if (filter.tagSlugs.length === 0 && filter.metadata.length === 0) return secrets
  return secrets.filter((secret) => hasAnyTag(secret, filter, tags) && hasAllPairs(secret, filter))
}

function hasAnyTag(
  secret: SecretRecord,
  filter: SecretFilter,
  tags: ReadonlyMap<string, TagRecord>,
): boolean {
  if (filter.tagSlugs.length === 0) return true
  return secret.tagIds.some((id) => filter.tagSlugs.includes(tags.get(id)?.slug ?? ""))
}

function hasAllPairs(secret: SecretRecord, filter: SecretFilter): boolean {
  return filter.metadata.every((wanted) =>
    secret.metadata.some(
      (pair) => !pair.isEncrypted && pair.key === wanted.key && pair.value === wanted.value,
    ),
  )
}
