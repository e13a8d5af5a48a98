import { type ActorCache, actorAt, type ProjectCache, type ProjectSnapshot } from "../../cache/index.ts"
import type { Clock } from "../../clock.ts"
import type { Database } from "../../db/database.ts"
import { gateFor, type Resource } from "../authorization/index.ts"
import { type Outbox, oneLine } from "../mail/index.ts"
import { listMemberIds } from "../memberships/index.ts"
import { type RemindedSecret, reminderMailOf } from "./domain.ts"
import { type DueReminder, listUnmailed, takeReminder } from "./store.ts"

export type ReminderMailDeps = {
  readonly database: Database
  readonly clock: Clock
  readonly projects: ProjectCache
  readonly actors: ActorCache
  readonly outbox: Outbox
  readonly siteUrl: string | undefined
}

type Placed = { readonly secret: RemindedSecret; readonly resource: Resource }
type Reader = { readonly email: string; readonly secrets: readonly RemindedSecret[] }

const remindersPerPage = 500

/**
 * Puts a mail into the outbox for every person who may know of a secret whose reminder is due. Reminders and mails
 * commit together, so that two servers, or a crash, remind nobody twice of one due date.
 */
export async function mailDueReminders(deps: ReminderMailDeps): Promise<void> {
  const { siteUrl } = deps
  if (!deps.outbox.isOpen || siteUrl === undefined) return
  let isMore = true
  while (isMore) {
    const due = await listUnmailed(deps.database.reader, deps.clock.now(), remindersPerPage)
    let taken = 0
    for (const [projectId, reminders] of Map.groupBy(due, (reminder) => reminder.projectId)) {
      taken += await mailProject(deps, { siteUrl, projectId, reminders })
    }
    isMore = taken > 0 && due.length === remindersPerPage
  }
}

/** @returns how many reminders are mailed now, whether or not somebody may know of them */
async function mailProject(
  deps: ReminderMailDeps,
  of: { readonly siteUrl: string; readonly projectId: string; readonly reminders: readonly DueReminder[] },
): Promise<number> {
  const snapshot = await deps.projects.get(of.projectId)
  if (snapshot === undefined) return 0
  const { orgId, name } = snapshot.structure.project
  const readers = await readersOf(deps, snapshot, await placeAll(snapshot, of.reminders))
  return await deps.database.write(async (write) => {
    const taken = new Set<string>()
    for (const reminder of of.reminders) {
      if (await takeReminder(write.db, reminder)) taken.add(reminder.secretId)
    }
    for (const { email, secrets } of readers) {
      const told = secrets.filter(({ secretId }) => taken.has(secretId))
      if (told.length === 0) continue
      const content = reminderMailOf({
        projectName: oneLine(name, 100),
        siteUrl: of.siteUrl,
        secrets: told.map((secret) => ({ ...secret, key: oneLine(secret.key), path: oneLine(secret.path) })),
      })
      await deps.outbox.add(write, { orgId, kind: "reminder", to: email, ...content })
    }
    return taken.size
  })
}

/** The secrets where they are now; one that moved or went meanwhile is left out. */
async function placeAll(
  snapshot: ProjectSnapshot,
  reminders: readonly DueReminder[],
): Promise<readonly Placed[]> {
  const placed: Placed[] = []
  for (const { secretId, folderId, key, dueAt } of reminders) {
    const { folders, environments, tags } = snapshot.structure
    const folder = folders.get(folderId)
    const environment = environments.find((one) => one.id === folder?.environmentId)
    if (folder === undefined || environment === undefined) continue
    const record = (await snapshot.secretsOf(folderId)).byKey.get(key)
    if (record?.id !== secretId) continue
    const { slug } = environment
    const { path } = folder
    const secretTags = record.tagIds.flatMap((id) => tags.get(id)?.slug ?? [])
    placed.push({
      secret: { secretId, environment: slug, path, key, dueAt },
      resource: { environment: slug, secretPath: path, secretName: key, secretTags },
    })
  }
  return placed
}

/** The people of the project, each with those of the secrets that it may know of. */
async function readersOf(
  deps: ReminderMailDeps,
  snapshot: ProjectSnapshot,
  placed: readonly Placed[],
): Promise<readonly Reader[]> {
  const { orgId } = snapshot.structure.project
  const at = { projectId: snapshot.id, now: deps.clock.now() }
  const readers: Reader[] = []
  for (const id of await listMemberIds(deps.database.reader, snapshot.id)) {
    const record = await deps.actors.reload(id)
    const actor = record === undefined ? undefined : actorAt(record, orgId)
    if (actor?.kind !== "user" || !actor.memberships.has(snapshot.id)) continue
    const mayKnow = gateFor(actor, "describeSecret", "secrets", at)
    const secrets = placed.filter(({ resource }) => mayKnow(resource) !== undefined)
    if (secrets.length > 0) readers.push({ email: actor.name, secrets: secrets.map(({ secret }) => secret) })
  }
  return readers
}
