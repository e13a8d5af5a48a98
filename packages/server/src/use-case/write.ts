import type { AuditEventType } from "@coffer/contract"
import type { Actor, Session } from "../actor.ts"
import { leavesStructure, type ProjectStructure } from "../cache/index.ts"
import { chunksOf } from "../db/chunks.ts"
import type { Writer, WriteScope } from "../db/database.ts"
import { fixedStatement, isDirect } from "../db/fixed-statement.ts"
import type { ChangeTable } from "../db/schema.ts"
import { AppError } from "../errors.ts"
import { auditEvent, type MetadataOf } from "./audit.ts"
import type { ReadDeps } from "./read.ts"

/** One entry of the `change` table: what events, caches and restore learn of a revision. */
export type Change = {
  readonly kind:
    | "secret:create"
    | "secret:update"
    | "secret:delete"
    | "secret:import-mutation"
    | "folder"
    | "environment"
    | "project"
    | "membership"
    | "tag"
  readonly environmentId?: string
  readonly folderId?: string
  readonly path?: string
  readonly keys?: readonly string[]
}

/** What a use case that changes an organization's records works with. */
export type OrganizationWrite = {
  readonly db: Writer
  readonly actor: Actor
  readonly now: number
  audit<T extends AuditEventType>(type: T, metadata: MetadataOf<T>, projectId?: string): void
  afterCommit(effect: () => void): void
  /** Says how many rows a change of unlimited size is about to write, for which it may take longer than others. */
  expectRows(count: number): void
}

/** What a use case that changes one project works with; the project's row is locked. */
export type ProjectWrite = OrganizationWrite & {
  /** As it was before this write. */
  readonly structure: ProjectStructure
  readonly projectId: string
  /** Of this write. */
  readonly revision: number
  change(change: Change): void
}

/** The actor's rights moved between authentication and the write. */
class StaleActorError extends Error {
  override readonly name = "StaleActorError"
}

/** Of several writes that end their own actor's epoch one gets through each time, so that all do in the end. */
const maxAttempts = 64

/** A write whose `work` ends the epoch of its own actor, as who creates a project becomes its member. */
export type Ending = { readonly endsOwnEpoch: boolean }

/**
 * Runs a write of one project: its first statement advances the project's revision, which locks the row, so that the
 * order of revisions is the order of commits. Rights are those of the moment, not those of the request's beginning.
 *
 * @throws AppError "not-found" when there is no such project for anybody, "forbidden" when it belongs to another organization;
 * whatever `work` throws, with nothing changed
 */
export async function writeInProject<T>(
  deps: ReadDeps,
  session: Session,
  project: string | ({ readonly id: string } & Ending),
  work: (write: ProjectWrite) => Promise<T>,
): Promise<T> {
  const { id: projectId, endsOwnEpoch } =
    typeof project === "string" ? { id: project, endsOwnEpoch: false } : project
  return await withCurrentActor(deps, session, (current) =>
    deps.database.write(async (scope) => {
      const { revision, structureRevision } = await advanceRevision(deps, scope.db, projectId, {
        actor: current.actor,
        endsOwnEpoch,
      })
      const structure = await structureBefore(deps, scope.db, projectId, structureRevision)
      if (structure.project.orgId !== current.actor.orgId) throw otherOrganization()
      const changes: Change[] = []
      const result = await work({
        ...organizationWrite(deps, scope, current),
        audit: (type, metadata) => scope.audit(auditEvent(deps, current, type, { projectId, metadata })),
        structure,
        projectId,
        revision,
        change: (change) => changes.push(change),
      })
      await insertChanges(scope.db, { projectId, revision, at: deps.clock.now() }, changes)
      const leavesItsStructure = isContentOnly(changes)
      if (!leavesItsStructure) await noteStructureChange(scope.db, projectId, revision)
      scope.afterCommit(() => {
        deps.projects.markBehind(projectId)
        // After a write that changed the structure, another of its kind may follow: that one's reader loads it.
        deps.projects.prepare(projectId, leavesItsStructure ? structureRevision : undefined)
        deps.signal.changed("project", projectId)
      })
      return result
    }),
  )
}

/** Runs a write that touches no project's contents: identities, their credentials, new projects. */
export async function writeInOrganization<T>(
  deps: ReadDeps,
  session: Session,
  work: (write: OrganizationWrite) => Promise<T>,
  ending: Ending = { endsOwnEpoch: false },
): Promise<T> {
  return await withCurrentActor(deps, session, (current) =>
    deps.database.write(async (scope) => {
      await requireCurrent(scope.db, { ...ending, actor: current.actor })
      return await work(organizationWrite(deps, scope, current))
    }),
  )
}

/**
 * Ends the epoch of identities and users whose rights or credentials changed: no answer computed before counts any
 * more. Ids of both kinds may be mixed; unknown ids are ignored.
 */
export async function endEpoch(
  deps: Pick<ReadDeps, "actors" | "signal">,
  write: Pick<OrganizationWrite, "db" | "afterCommit">,
  actorIds: readonly string[],
): Promise<void> {
  if (actorIds.length === 0) return
  const ended = await advanceEpochs(write.db, "identity", actorIds)
  if (ended < actorIds.length) await advanceEpochs(write.db, "user_account", actorIds)
  write.afterCommit(() => {
    for (const id of actorIds) {
      deps.actors.forget(id)
      deps.signal.changed("actor", id)
    }
  })
}

async function advanceEpochs(
  db: Writer,
  table: "identity" | "user_account",
  ids: readonly string[],
): Promise<number> {
  let advanced = 0
  for (const chunk of chunksOf(ids)) {
    const result = await db
      .updateTable(table)
      .set((eb) => ({ epoch: eb("epoch", "+", 1) }))
      .where("id", "in", chunk)
      .executeTakeFirst()
    advanced += Number(result.numUpdatedRows)
  }
  return advanced
}

async function withCurrentActor<T>(
  deps: ReadDeps,
  session: Session,
  run: (session: Session) => Promise<T>,
): Promise<T> {
  let current = session
  for (let attempt = 1; attempt < maxAttempts; attempt += 1) {
    try {
      return await run(current)
    } catch (error) {
      if (!(error instanceof StaleActorError)) throw error
      await deps.actors.reload(session.actor.id)
      current = await current.refresh()
    }
  }
  throw new AppError("unavailable", "ServiceUnavailable", "Your rights are changing; try again", {
    retryAfterSeconds: 1,
  })
}

function organizationWrite(deps: ReadDeps, scope: WriteScope, session: Session): OrganizationWrite {
  return {
    db: scope.db,
    actor: session.actor,
    now: deps.clock.now(),
    audit: (type, metadata, projectId) =>
      scope.audit(auditEvent(deps, session, type, { projectId: projectId ?? null, metadata })),
    afterCommit: (effect) => scope.afterCommit(effect),
    expectRows: (count) => scope.expectRows(count),
  }
}

type Advance = { readonly step: number; readonly projectId: string }

const advance = fixedStatement((db, { step, projectId }: Advance) =>
  db
    .updateTable("project")
    .set((eb) => ({ revision: eb("revision", "+", step) }))
    .where("id", "=", projectId)
    .where("is_hidden", "=", 0)
    .returning(["revision", "structure_revision"]),
)

type ActorTable = "identity" | "user_account"

/**
 * Where several transactions run at a time, the row stays locked until this one has ended: whoever takes a right away waits,
 * so that nothing is committed with a right whose end was acknowledged. Who ends it locks others out from the start: two who
 * share it would wait for each other.
 */
const epochIn = (table: ActorTable, lock: "share" | "own") =>
  fixedStatement((db, { id }: { id: string }) =>
    db
      .selectFrom(table)
      .select("epoch")
      .where("id", "=", id)
      .$if(!isDirect(db), (query) => (lock === "own" ? query.forNoKeyUpdate() : query.forShare())),
  )
const sharedEpochOf = { identity: epochIn("identity", "share"), user: epochIn("user_account", "share") }
const ownEpochOf = { identity: epochIn("identity", "own"), user: epochIn("user_account", "own") }

/** Both in one: for a database in which nothing moves between a statement's begin and its end. */
const advanceAndSeeEpochIn = (table: ActorTable) =>
  fixedStatement((db, { step, projectId, id }: Advance & { id: string }) =>
    db
      .updateTable("project")
      .set((eb) => ({ revision: eb("revision", "+", step) }))
      .where("id", "=", projectId)
      .where("is_hidden", "=", 0)
      .returning((eb) => [
        "revision",
        "structure_revision",
        eb.selectFrom(table).select("epoch").where("id", "=", id).as("epoch"),
      ]),
  )
const advanceAndSeeEpoch = {
  identity: advanceAndSeeEpochIn("identity"),
  user: advanceAndSeeEpochIn("user_account"),
}

/**
 * The first step of a write: advances the revision of its project, and asks whether its actor's rights are still those
 * of `actor`. On PostgreSQL these are two statements: the update may wait for its row, and one statement would see the
 * epoch as it was before that.
 *
 * @throws StaleActorError when they are not
 */
async function advanceRevision(
  deps: ReadDeps,
  db: Writer,
  projectId: string,
  writer: Writing,
): Promise<{ readonly revision: number; readonly structureRevision: number }> {
  const { actor } = writer
  if (deps.database.kind === "sqlite") {
    const [row] = await advanceAndSeeEpoch[actor.kind](db, { step: 1, projectId, id: actor.id })
    if (row === undefined) throw projectNotFound(projectId)
    if (row.epoch !== actor.epoch) throw new StaleActorError()
    return { revision: row.revision, structureRevision: row.structure_revision }
  }
  const [row] = await advance(db, { step: 1, projectId })
  if (row === undefined) throw projectNotFound(projectId)
  await requireCurrent(db, writer)
  return { revision: row.revision, structureRevision: row.structure_revision }
}

/** A write that names no change may have changed anything. */
function isContentOnly(changes: readonly Change[]): boolean {
  return changes.length > 0 && changes.every(({ kind }) => leavesStructure(kind))
}

async function noteStructureChange(db: Writer, projectId: string, revision: number): Promise<void> {
  await db.updateTable("project").set({ structure_revision: revision }).where("id", "=", projectId).execute()
}

type Writing = Ending & { readonly actor: Actor }

async function requireCurrent(db: Writer, { actor, endsOwnEpoch }: Writing): Promise<void> {
  const epochOf = endsOwnEpoch ? ownEpochOf : sharedEpochOf
  const [row] = await epochOf[actor.kind](db, { id: actor.id })
  if (row?.epoch !== actor.epoch) throw new StaleActorError()
}

/** The structure in memory when it is still the one before this write, else what the database holds. */
async function structureBefore(
  deps: ReadDeps,
  db: Writer,
  projectId: string,
  structureRevision: number,
): Promise<ProjectStructure> {
  const known = deps.projects.peekStructure(projectId, structureRevision)
  const structure = known ?? (await deps.projects.loadStructure(db, projectId))
  if (structure === undefined) throw projectNotFound(projectId)
  return structure
}

const insertChange = fixedStatement((db, row: ChangeTable) => db.insertInto("change").values(row))

async function insertChanges(
  db: Writer,
  at: { readonly projectId: string; readonly revision: number; readonly at: number },
  changes: readonly Change[],
): Promise<void> {
  const rows = changes.map(
    (change, index): ChangeTable => ({
      project_id: at.projectId,
      revision: at.revision,
      ordinal: index,
      kind: change.kind,
      environment_id: change.environmentId ?? null,
      folder_id: change.folderId ?? null,
      path: change.path ?? null,
      keys: JSON.stringify(change.keys ?? []),
      at: at.at,
    }),
  )
  const [only] = rows
  if (only !== undefined && rows.length === 1) return void (await insertChange(db, only))
  for (const chunk of chunksOf(rows)) await db.insertInto("change").values(chunk).execute()
}

/** The 404 of a project id (contract 3.1). */
export function projectNotFound(projectId: string): AppError {
  return new AppError("not-found", "NotFound", `Project with ID '${projectId}' not found`)
}

/** The 403 of a project that exists elsewhere (contract 3.1). */
export function otherOrganization(): AppError {
  return new AppError(
    "forbidden",
    "ForbiddenError",
    "This project does not belong to your selected organization.",
  )
}
