import type { SecretRecord } from "../../cache/index.ts"
import { authorizeSecret, type Desk, openRecord, refOf, type Spot } from "./desk.ts"
import type { SecretChange } from "./domain.ts"
import { revealContent } from "./sealing.ts"
import { findAt, insertNew, updateAt } from "./write-secrets.ts"

/** A shared secret that shall be at a place, new or not. */
export type WrittenSecret = SecretChange & { readonly key: string }

/** Everything a secret says, to write it elsewhere: the caller must be allowed to read it. */
export function revealForCopy(desk: Desk, from: Spot, record: SecretRecord): WrittenSecret {
  const at = refOf(from)
  const describe = authorizeSecret(desk, "describeSecret", at, record)
  const value = authorizeSecret(desk, "readValue", at, record)
  const content = revealContent({ describe, value }, desk.opener, record)
  const tagIds = content.tagIds.filter((id) => desk.write.structure.tags.has(id))
  return { ...content, tagIds, key: record.key }
}

/**
 * Whether a secret says what is about to be written. Whoever may not read it is told that it does not: nobody shall find
 * a value out by trying.
 */
export function holdsContent(desk: Desk, spot: Spot, record: SecretRecord, wanted: WrittenSecret): boolean {
  const held = openRecord(desk, spot, record)
  if (held.value === undefined || held.value !== wanted.value) return false
  return wanted.comment === undefined || wanted.comment === held.comment
}

type Placed = { readonly secretPath: string; readonly secretKey: string }

/**
 * Writes shared secrets to several places, whether they exist there or not.
 *
 * @throws AppError "forbidden" unless the caller may write every one of them
 * @param how.judge sees everything that is in the way before anything is written, and may throw
 */
export async function writeSecrets(
  desk: Desk,
  places: readonly { readonly spot: Spot; readonly secrets: readonly WrittenSecret[] }[],
  how: {
    readonly onConflict: "fail" | "skip" | "overwrite"
    readonly judge: (conflicts: readonly (Placed & { readonly environment: string })[]) => void
  },
): Promise<{
  readonly created: readonly Placed[]
  readonly overwritten: readonly Placed[]
  readonly skipped: readonly Placed[]
}> {
  const plans = []
  for (const { spot, secrets } of places) {
    const keys = secrets.map((secret) => secret.key)
    const taken = await findAt(desk, spot, null, keys)
    for (const { key, tagIds = [] } of secrets) {
      // Before anybody is told what is in the way: whoever may not write to a place learns no name of it.
      const old = how.onConflict === "overwrite" ? taken.get(key) : undefined
      authorizeSecret(desk, old === undefined ? "create" : "edit", refOf(spot), old ?? { key, tagIds })
    }
    const shared = secrets.map((secret) => ({ ...secret, type: "shared" as const }))
    plans.push({
      spot,
      fresh: shared.filter((secret) => !taken.has(secret.key)),
      old: shared.filter((secret) => taken.has(secret.key)),
    })
  }
  const inTheWay = plans.flatMap(({ spot, old }) =>
    old.map(({ key }) => ({ environment: spot.environment.slug, ...placed(spot, key) })),
  )
  how.judge(inTheWay)
  for (const { spot, fresh, old } of plans) {
    if (fresh.length > 0) await insertNew(desk, spot, fresh)
    if (how.onConflict === "overwrite" && old.length > 0) {
      await updateAt(desk, spot, { mode: "failOnNotFound", secrets: old })
    }
  }
  const olds = plans.flatMap(({ spot, old }) => old.map(({ key }) => placed(spot, key)))
  const isOverwriting = how.onConflict === "overwrite"
  return {
    created: plans.flatMap(({ spot, fresh }) => fresh.map(({ key }) => placed(spot, key))),
    overwritten: isOverwriting ? olds : [],
    skipped: isOverwriting ? [] : olds,
  }
}

/** As many as an event has room for; the versions of the rest say who wrote them. */
const mostInEvent = 1_000

/** What the event of {@link writeSecrets} says. */
export function writtenInEvent(of: {
  readonly created: readonly Placed[]
  readonly overwritten: readonly Placed[]
}) {
  return {
    created: of.created.slice(0, mostInEvent),
    numberOfCreated: of.created.length,
    overwritten: of.overwritten.slice(0, mostInEvent),
    numberOfOverwritten: of.overwritten.length,
  }
}

function placed(spot: Spot, key: string): Placed {
  return { secretPath: spot.folder.path, secretKey: key }
}
