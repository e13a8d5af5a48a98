import type { Session } from "../../actor.ts"
import { AppError } from "../../errors.ts"
import { answerRead } from "../../use-case/index.ts"
import { authorize, gateFor } from "../authorization/index.ts"
import {
  bringBack,
  type Entries,
  findSettings,
  type HistoryDeps,
  loadEntries,
  makeDraft,
  newest,
  type Restoration,
  type Times,
  type Wanted,
} from "../history/index.ts"
import { projectForRead } from "../project-access/index.ts"
import { listTrashed, type Trashed, type TrashKind } from "./listing.ts"
import { listKeptValues } from "./store.ts"
import { environmentBack, folderBack, secretBack } from "./wanted.ts"

export type TrashFilter = {
  readonly environment: string | undefined
  readonly kind: TrashKind | undefined
  /** Also what went with a folder or an environment. */
  readonly all: boolean
  readonly offset: number
  readonly limit: number
}

/** What was deleted and can come back, newest first, as far as the caller may know of it. */
export async function listTrash(
  deps: HistoryDeps,
  session: Session,
  projectId: string,
  filter: TrashFilter,
): Promise<{
  readonly items: readonly Trashed[]
  readonly totalCount: number
  readonly trashDays: number | null
}> {
  return await answerRead(deps, session, async (scope) => {
    await projectForRead(scope, { kind: "id", id: projectId })
    const { actor } = scope.session
    const at = { projectId, now: scope.now }
    authorize(actor, "read", "secret-rollback", at)
    const heads = await loadEntries(scope.reader, projectId, newest)
    const all = listTrashed(heads, await listKeptValues(scope.reader, projectId))
    const maySeeSecret = gateFor(actor, "describeSecret", "secrets", at)
    const maySeeFolder = gateFor(actor, "read", "secret-folders", at)
    const visible = all.filter(({ kind, environment, path: secretPath, name }) => {
      if (kind === "environment") return true
      if (kind === "folder") return maySeeFolder({ environment, secretPath }) !== undefined
      return maySeeSecret({ environment, secretPath, secretName: name }) !== undefined
    })
    const found = visible.filter(
      (one) =>
        (filter.environment === undefined || one.environment === filter.environment) &&
        (filter.kind === undefined || one.kind === filter.kind) &&
        (filter.all || one.partOf === null),
    )
    const items = found.slice(filter.offset, filter.offset + filter.limit)
    scope.audit("get-trash", projectId, { numberOfItems: items.length })
    const { trashDays } = await findSettings(scope.reader, projectId)
    return { items, totalCount: found.length, trashDays }
  })
}

const attempts = 5

/**
 * Brings one thing back under its id: a secret with its history, a folder or an environment with everything that went
 * with it. What is missing above it comes back empty.
 *
 * @throws AppError "not-found" when it is not in the trash, "conflict" when its name is taken now
 */
export async function restoreFromTrash(
  deps: HistoryDeps,
  session: Session,
  input: { readonly projectId: string; readonly kind: TrashKind; readonly id: string },
): Promise<Restoration> {
  const { projectId, kind, id } = input
  return await bringBack(deps, session, projectId, {
    attempts,
    draft: async (_structure, draftDeps, reader) => {
      const heads = await loadEntries(reader, projectId, newest)
      const gone = entriesOf(heads, kind).get(id)
      if (gone?.op !== "delete") throw notInTrash(kind, id)
      const revision = gone.revision - 1
      const draft = await makeDraft(draftDeps, reader, { projectId, revision }, (times) => {
        const wanted = backs[kind](times, id)
        if (wanted === undefined) throw notInTrash(kind, id)
        return wanted
      })
      const item = listTrashed(heads, new Set([id])).find((one) => one.id === id)
      const { name = "", environment = "", path: secretPath = "/" } = item ?? {}
      const about = { kind, id, name, environment, secretPath }
      return { draft, toRevision: revision, audit: { type: "restore-from-trash", about } }
    },
  })
}

const backs: Readonly<Record<TrashKind, (times: Times, id: string) => Wanted | undefined>> = {
  secret: secretBack,
  folder: folderBack,
  environment: environmentBack,
}

function entriesOf(heads: Entries, kind: TrashKind): Entries[keyof Entries] {
  if (kind === "secret") return heads.secrets
  return kind === "folder" ? heads.folders : heads.environments
}

function notInTrash(kind: TrashKind, id: string): AppError {
  return new AppError("not-found", "NotFound", `There is no ${kind} with ID '${id}' in the trash`)
}
