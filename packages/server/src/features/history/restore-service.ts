/** Point-in-time restore: a preview that changes nothing, and the restore itself in one transaction. */
import type { Session } from "../../actor.ts"
import type { EnvironmentRecord, ProjectStructure } from "../../cache/index.ts"
import type { Reader } from "../../db/database.ts"
import { AppError } from "../../errors.ts"
import { answerRead, otherOrganization, projectNotFound, writeInProject } from "../../use-case/index.ts"
import { authorize, gateFor } from "../authorization/index.ts"
import { projectForRead, requireEnvironment } from "../project-access/index.ts"
import type { SecretsDeps } from "../secrets/index.ts"
import { carryOut, sealDraft } from "./carry-out.ts"
import { type Draft, type DraftDeps, makeDraft, type Times } from "./draft.ts"
import { type Outline, outlineOf } from "./outline.ts"
import { currentRevision, findRevisionAt } from "./past-store.ts"
import { authorizeDraft } from "./rights.ts"
import { wantedAt } from "./scope.ts"
import type { Wanted } from "./state.ts"

export type HistoryDeps = SecretsDeps

/** A revision of the project, or a moment in milliseconds. */
export type Moment =
  | { readonly kind: "revision"; readonly revision: number }
  | { readonly kind: "time"; readonly time: number }

export type RestorePlace = {
  readonly projectId: string
  readonly environment: string
  readonly path: string
  /** Also what is below the folder. */
  readonly recursive: boolean
  readonly to: Moment
}

export type Restoration = Outline & {
  /** What was, or would be, restored. */
  readonly toRevision: number
  /** Of the project as the restoration was made: a restore names it, so that it does what was previewed. */
  readonly revision: number
  /** What stands in the way, each with what to do about it. */
  readonly conflicts: readonly string[]
  readonly notes: readonly string[]
  /** Secrets that stay as they are because what they were is no longer known. */
  readonly lostKeys: readonly string[]
}

/**
 * What a restore would do now.
 *
 * @throws AppError "not-found" when there is, or was, no such folder; "invalid" for a moment before everything
 */
export async function previewRestore(
  deps: HistoryDeps,
  session: Session,
  input: RestorePlace,
): Promise<Restoration> {
  return await answerRead(deps, session, async (scope) => {
    const { projectId } = input
    const { structure } = await projectForRead(scope, { kind: "id", id: projectId })
    const { actor } = scope.session
    const grant = authorize(actor, "read", "secret-rollback", { projectId, now: scope.now })
    const environment = requireEnvironment(structure, input.environment)
    const revision = await revisionOf(scope.reader, projectId, input.to)
    const draftDeps = { ...(await draftDepsFor(deps, structure)), grant }
    const draft = await makeDraft(draftDeps, scope.reader, { projectId, revision }, (times) =>
      wantedIn(times, environment, input, revision),
    )
    scope.audit("preview-restore", projectId, {
      environment: environment.slug,
      secretPath: input.path,
      isRecursive: input.recursive,
      toRevision: revision,
    })
    const mayKnow = gateFor(actor, "describeSecret", "secrets", { projectId, now: scope.now })
    const outline = outlineOf(draft, structure.tags, (one) => mayKnow(one) !== undefined)
    return restorationOf(draft, revision, outline, mayKnow({}) !== undefined)
  })
}

/**
 * Makes a folder, or an environment, what it was. Everything gets new versions: a restore can be restored.
 *
 * @param input `expectedRevision` is the one the preview named
 * @throws AppError "conflict" when the project changed since the preview, or when something stands in the way
 */
export async function restore(
  deps: HistoryDeps,
  session: Session,
  input: RestorePlace & { readonly expectedRevision: number },
): Promise<Restoration> {
  const { projectId } = input
  return await bringBack(deps, session, projectId, {
    draft: async (structure, draftDeps, reader) => {
      const environment = requireEnvironment(structure, input.environment)
      const revision = await revisionOf(reader, projectId, input.to)
      const draft = await makeDraft(draftDeps, reader, { projectId, revision }, (times) =>
        wantedIn(times, environment, input, revision),
      )
      if (draft.revision !== input.expectedRevision) throw outdated()
      const about = {
        environment: environment.slug,
        secretPath: input.path,
        isRecursive: input.recursive,
        toRevision: revision,
      }
      return { draft, toRevision: revision, audit: { type: "restore", about } }
    },
    attempts: 1,
  })
}

type Drafted = {
  readonly draft: Draft
  readonly toRevision: number
  readonly audit:
    | { readonly type: "restore"; readonly about: Readonly<Record<string, string | number | boolean>> }
    | {
        readonly type: "restore-from-trash"
        readonly about: Readonly<Record<string, string | number | boolean>>
      }
}

/** The project moved between draft and write. */
class StaleDraftError extends Error {
  override readonly name = "StaleDraftError"
}

/**
 * Makes a draft and writes it, all or nothing, if nothing happened to the project between.
 *
 * @param how `attempts` is how often a draft may be made anew when the project changed meanwhile
 * @throws AppError "conflict", "forbidden" for the first step that the actor may not take
 */
export async function bringBack(
  deps: HistoryDeps,
  session: Session,
  projectId: string,
  how: {
    draft(structure: ProjectStructure, deps: DraftDeps, reader: Reader): Promise<Drafted>
    readonly attempts: number
  },
): Promise<Restoration> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await bringBackOnce(deps, session, projectId, how.draft)
    } catch (error) {
      if (!(error instanceof StaleDraftError)) throw error
      if (attempt >= how.attempts) throw outdated()
    }
  }
}

async function bringBackOnce(
  deps: HistoryDeps,
  session: Session,
  projectId: string,
  makeOne: (structure: ProjectStructure, deps: DraftDeps, reader: Reader) => Promise<Drafted>,
): Promise<Restoration> {
  const structure = (await deps.projects.catchUp(projectId))?.structure
  if (structure === undefined) throw projectNotFound(projectId)
  const { actor } = session
  if (structure.project.orgId !== actor.orgId) throw otherOrganization()
  const now = deps.clock.now()
  const grant = authorize(actor, "create", "secret-rollback", { projectId, now })
  const draftDeps = { ...(await draftDepsFor(deps, structure)), grant }
  const { draft, toRevision, audit } = await makeOne(structure, draftDeps, deps.database.reader)
  authorizeDraft({ actor, now, tags: structure.tags }, draft)
  requireNoConflict(draft)
  const by = { actorType: actor.kind, actorId: actor.id, now }
  const rewrite = await sealDraft(draftDeps, deps.database.reader, draft, by)
  return await writeInProject(deps, session, projectId, async (write) => {
    if (write.revision !== draft.revision + 1) throw new StaleDraftError()
    authorize(write.actor, "create", "secret-rollback", { projectId, now: write.now })
    authorizeDraft({ actor: write.actor, now: write.now, tags: write.structure.tags }, draft)
    await carryOut(write, draft, rewrite)
    const numbers = {
      revision: write.revision,
      numberOfSecrets: draft.secrets.length,
      numberOfFolders: draft.plan.folders.length,
      numberOfImports: draft.plan.imports.length,
    }
    write.audit(audit.type, { ...audit.about, ...numbers })
    const outline = outlineOf(draft, structure.tags, () => true)
    const mayKnow = gateFor(write.actor, "describeSecret", "secrets", { projectId, now: write.now })
    const restoration = restorationOf(draft, toRevision, outline, mayKnow({}) !== undefined)
    return { ...restoration, revision: write.revision }
  })
}

async function draftDepsFor(
  deps: HistoryDeps,
  structure: ProjectStructure,
): Promise<Omit<DraftDeps, "grant">> {
  const { id, orgId } = structure.project
  const sealer = await deps.keyring.forProject(id)
  return { keyring: deps.keyring, opener: { sealer, orgId }, tags: structure.tags }
}

/** @param knowsAll whether the caller may know of every secret; else no sentence names one */
function restorationOf(draft: Draft, toRevision: number, outline: Outline, knowsAll: boolean): Restoration {
  const { conflicts, notes } = draft.plan
  return {
    ...outline,
    toRevision,
    revision: draft.revision,
    conflicts: knowsAll || conflicts.length === 0 ? conflicts : [unnamedConflict],
    notes,
    lostKeys: knowsAll ? draft.lost : [],
  }
}

const unnamedConflict = "Something stands in the way: ask someone who may know of all secrets for a preview"

function wantedIn(
  times: Times,
  environment: EnvironmentRecord,
  input: RestorePlace,
  revision: number,
): Wanted {
  if (!times.past.environments.has(environment.id)) {
    throw new AppError(
      "not-found",
      "NotFound",
      `Environment '${environment.slug}' did not exist at revision ${revision}; choose a later moment`,
    )
  }
  const scope = { environmentId: environment.id, path: input.path, recursive: input.recursive }
  const wanted = wantedAt(times.now, times.past, scope, times.unknown)
  if (wanted !== undefined) return wanted
  throw new AppError(
    "not-found",
    "NotFound",
    `Folder '${input.path}' of environment '${environment.slug}' did not exist at revision ${revision}`,
  )
}

async function revisionOf(reader: Reader, projectId: string, to: Moment): Promise<number> {
  if (to.kind === "revision") {
    const current = await currentRevision(reader, projectId)
    if (to.revision <= current) return to.revision
    throw new AppError(
      "invalid",
      "BadRequest",
      `There is no revision ${to.revision} yet; the newest is ${current}`,
    )
  }
  const revision = await findRevisionAt(reader, projectId, to.time)
  if (revision !== undefined) return revision
  throw new AppError("invalid", "BadRequest", "The project holds nothing that old; choose a later moment")
}

function requireNoConflict({ plan }: Draft): void {
  const [first] = plan.conflicts
  if (first === undefined) return
  throw new AppError("conflict", "RestoreConflict", first, { details: plan.conflicts })
}

function outdated(): AppError {
  return new AppError(
    "conflict",
    "RestoreOutdated",
    "The project changed since the preview: ask for a new preview and restore with its revision",
  )
}
