import type { Session } from "../../actor.ts"
import { AppError } from "../../errors.ts"
import {
  atDesk,
  auditWrite,
  authorizeSecret,
  type Desk,
  openRecord,
  ownerOf,
  refOf,
  spotFor,
  type WritePlace,
} from "./desk.ts"
import { type OpenedSecret, secretNotFound } from "./domain.ts"
import type { SecretsDeps } from "./read-secrets.ts"
import { findAt, updateAt } from "./write-secrets.ts"

/**
 * Puts tags on a secret, or takes them off, by their slugs. Where nothing changes no version is written.
 * @throws AppError "not-found" when the secret or one of the tags is missing
 */
export async function retagSecret(
  deps: SecretsDeps,
  session: Session,
  place: WritePlace,
  input: {
    readonly key: string
    readonly type: "shared" | "personal"
    readonly how: "add" | "remove"
    readonly tagSlugs: readonly string[]
  },
): Promise<OpenedSecret> {
  return await atDesk(deps, session, place.project, ["edit"], async (desk) => {
    const { key, type } = input
    const spot = spotFor(desk, "edit", place, [key])
    const known = await findAt(desk, spot, ownerOf(desk.write.actor, type), [key])
    const record = known.get(key)
    authorizeSecret(desk, "edit", refOf(spot), record ?? { key, tagIds: [] })
    if (record === undefined) throw secretNotFound(key)
    const wanted = idsOf(desk, input.tagSlugs)
    const others = record.tagIds.filter((id) => !wanted.includes(id))
    const tagIds = input.how === "add" ? [...others, ...wanted] : others
    if (isSameSet(tagIds, record.tagIds)) {
      auditWrite(desk, "update", place, [openRecord(desk, spot, record)])
      return openRecord(desk, spot, record)
    }
    const batch = { mode: "failOnNotFound", secrets: [{ key, type, tagIds }] } as const
    const [written] = await updateAt(desk, spot, batch)
    if (written === undefined) throw secretNotFound(key)
    auditWrite(desk, "update", place, [written])
    return written
  })
}

function idsOf(desk: Desk, slugs: readonly string[]): readonly string[] {
  const bySlug = new Map([...desk.write.structure.tags.values()].map((tag) => [tag.slug, tag.id]))
  const unknown = slugs.filter((slug) => !bySlug.has(slug))
  if (unknown.length > 0) {
    throw new AppError("not-found", "NotFound", `Tags with slugs '${unknown.join("', '")}' not found`)
  }
  return [...new Set(slugs.flatMap((slug) => bySlug.get(slug) ?? []))]
}

function isSameSet(left: readonly string[], right: readonly string[]): boolean {
  return left.length === right.length && left.every((id) => right.includes(id))
}
