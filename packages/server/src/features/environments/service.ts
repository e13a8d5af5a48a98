import type { Session } from "../../actor.ts"
import { type EnvironmentRecord, findEnvironment, type ProjectStructure } from "../../cache/index.ts"
import { AppError } from "../../errors.ts"
import {
  answerRead,
  type OrganizationWrite,
  type ProjectWrite,
  writeInProject,
} from "../../use-case/index.ts"
import { authorize, requireNoneUncovered } from "../authorization/index.ts"
import {
  type Asking,
  createRootFolder,
  type FoldersDeps,
  foldersOf,
  prepareRemoval,
  removeAllFolders,
} from "../folders/index.ts"
import { projectForRead } from "../project-access/index.ts"
import { closeRanks, movedOnes, placeAt } from "./domain.ts"
import { insertEnvironment, removeEnvironment, updateEnvironment } from "./store.ts"

export type EnvironmentsDeps = FoldersDeps
export type EnvironmentPlace = { readonly projectId: string; readonly environmentId: string }

/** Adds an environment with its root folder; those at and after its position make room. Without one it comes last. */
export async function createEnvironment(
  deps: EnvironmentsDeps,
  session: Session,
  input: {
    readonly projectId: string
    readonly name: string
    readonly slug: string
    readonly position: number | undefined
  },
): Promise<EnvironmentRecord> {
  return await writeInProject(deps, session, input.projectId, async (write) => {
    authorize(write.actor, "create", "environments", { projectId: input.projectId, now: write.now })
    requireFreeSlug(write.structure, input.slug)
    const { environments } = write.structure
    const last = environments.length + 1
    const position = Math.min(input.position ?? last, last)
    const { name, slug } = input
    const environment = await addEnvironment(deps, write, { name, slug, position })
    await applyOrder(write, placeAt(environments, environment, position))
    record(write, environment, "create-environment")
    return environment
  })
}

/** Inserts an environment into a project whose row this write owns; the caller has authorised it. */
export async function addEnvironment(
  deps: Pick<EnvironmentsDeps, "random">,
  write: Pick<OrganizationWrite, "db" | "actor" | "now"> & {
    readonly projectId: string
    readonly revision: number
  },
  of: { readonly name: string; readonly slug: string; readonly position: number },
): Promise<EnvironmentRecord> {
  const environment = { ...of, id: deps.random.uuid(), createdAt: write.now, updatedAt: write.now }
  await insertEnvironment(write, environment)
  await createRootFolder(deps, write, environment.id)
  return environment
}

/**
 * Renames an environment or moves it in the order; the others close ranks around it.
 * @throws AppError "forbidden" when rules of the caller's own hide secrets by the old slug
 */
export async function changeEnvironment(
  deps: EnvironmentsDeps,
  session: Session,
  input: EnvironmentPlace & {
    readonly name: string | undefined
    readonly slug: string | undefined
    readonly position: number | undefined
  },
): Promise<EnvironmentRecord> {
  return await writeInProject(deps, session, input.projectId, async (write) => {
    const at = { projectId: input.projectId, now: write.now }
    authorize(write.actor, "edit", "environments", at)
    const old = environmentById(write.structure, input.environmentId)
    const named = { ...old, name: input.name ?? old.name, slug: input.slug ?? old.slug }
    if (named.slug !== old.slug) {
      requireNoneUncovered(write.actor, at, { environment: old.slug }, { environment: named.slug })
      requireFreeSlug(write.structure, named.slug)
    }
    const { environments } = write.structure
    const order = input.position === undefined ? environments : placeAt(environments, old, input.position)
    const position = order.find(({ id }) => id === old.id)?.position ?? old.position
    const changed = { ...named, position, updatedAt: write.now }
    await updateEnvironment(write, changed)
    await applyOrder(
      write,
      order.filter(({ id }) => id !== old.id),
    )
    write.audit("update-environment", {
      envId: old.id,
      name: changed.name,
      slug: changed.slug,
      oldName: old.name,
      oldSlug: old.slug,
      position,
      oldPosition: old.position,
    })
    write.change({ kind: "environment", environmentId: old.id })
    return changed
  })
}

/**
 * Deletes an environment with everything in it; the history keeps the secrets.
 * @throws AppError "forbidden" unless the caller may delete every secret in it
 */
export async function deleteEnvironment(
  deps: EnvironmentsDeps,
  session: Session,
  input: EnvironmentPlace,
): Promise<EnvironmentRecord> {
  const { projectId } = input
  const prepared = await prepareRemoval(deps, session, projectId, (asking) =>
    foldersOf(asking.structure, environmentToDelete(asking, input)),
  )
  return await writeInProject(deps, session, projectId, async (write) => {
    const environment = environmentToDelete(write, input)
    await removeAllFolders(deps, write, environment, prepared)
    await removeEnvironment(write, environment)
    const others = write.structure.environments.filter(({ id }) => id !== environment.id)
    await applyOrder(write, closeRanks(others))
    record(write, environment, "delete-environment")
    return environment
  })
}

function environmentToDelete(asking: Asking, { environmentId }: EnvironmentPlace): EnvironmentRecord {
  const { actor, projectId, now, structure } = asking
  authorize(actor, "delete", "environments", { projectId, now })
  return environmentById(structure, environmentId)
}

export async function getEnvironment(
  deps: EnvironmentsDeps,
  session: Session,
  input: EnvironmentPlace,
): Promise<EnvironmentRecord> {
  return await answerRead(deps, session, async (scope) => {
    const { projectId } = input
    const { structure } = await projectForRead(scope, { kind: "id", id: projectId })
    authorize(scope.session.actor, "read", "environments", { projectId, now: scope.now })
    const environment = environmentById(structure, input.environmentId)
    const { id: envId, name, slug } = environment
    scope.audit("get-environment", projectId, { envId, name, slug })
    return environment
  })
}

/** The places, among those that are there, of environments that a restore is about to bring back; the others make room. */
export async function makeRoomFor(
  write: ProjectWrite,
  restored: readonly EnvironmentRecord[],
): Promise<readonly EnvironmentRecord[]> {
  let order: readonly EnvironmentRecord[] = write.structure.environments
  for (const one of restored) order = placeAt(order, one, one.position)
  await applyOrder(write, order)
  const ids = new Set(restored.map(({ id }) => id))
  return order.filter(({ id }) => ids.has(id))
}

/** Writes the new positions of those that were there before and moved. */
async function applyOrder(write: ProjectWrite, order: readonly EnvironmentRecord[]): Promise<void> {
  for (const moved of movedOnes(write.structure.environments, order)) {
    await updateEnvironment(write, { ...moved, updatedAt: write.now })
    write.change({ kind: "environment", environmentId: moved.id })
  }
}

function record(
  write: ProjectWrite,
  environment: EnvironmentRecord,
  type: "create-environment" | "delete-environment",
): void {
  write.audit(type, { envId: environment.id, name: environment.name, slug: environment.slug })
  write.change({ kind: "environment", environmentId: environment.id })
}

function requireFreeSlug(structure: ProjectStructure, slug: string): void {
  if (findEnvironment(structure, slug) === undefined) return
  throw new AppError(
    "invalid",
    "BadRequest",
    `Environment with slug '${slug}' already exists in this project`,
  )
}

function environmentById(structure: ProjectStructure, id: string): EnvironmentRecord {
  const environment = structure.environments.find((one) => one.id === id)
  if (environment !== undefined) return environment
  throw new AppError("not-found", "NotFound", `Environment with ID '${id}' not found`)
}
