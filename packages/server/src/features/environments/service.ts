import type { Session } from "../../actor.ts"
import { type EnvironmentRecord, findEnvironment, type ProjectStructure } from "../../cache/index.ts"
import { AppError } from "../../errors.ts"
import {
  answerRead,
  type OrganizationWrite,
  type ProjectWrite,
  writeInProject,
} from "../../use-case/index.ts"
import { authorize } from "../authorization/index.ts"
import { createRootFolder, type FoldersDeps, removeAllFolders } from "../folders/index.ts"
import { projectForRead } from "../project-access/index.ts"
import { insertEnvironment, removeEnvironment, updateEnvironment } from "./store.ts"

export type EnvironmentsDeps = FoldersDeps
export type EnvironmentPlace = { readonly projectId: string; readonly environmentId: string }

/** Adds an environment with its root folder; without a position it comes last. */
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
    const last = Math.max(0, ...write.structure.environments.map((environment) => environment.position))
    const environment = await addEnvironment(deps, write, {
      name: input.name,
      slug: input.slug,
      position: input.position ?? last + 1,
    })
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
    authorize(write.actor, "edit", "environments", { projectId: input.projectId, now: write.now })
    const old = environmentById(write.structure, input.environmentId)
    if (input.slug !== undefined && input.slug !== old.slug) requireFreeSlug(write.structure, input.slug)
    const changed = {
      ...old,
      name: input.name ?? old.name,
      slug: input.slug ?? old.slug,
      position: input.position ?? old.position,
      updatedAt: write.now,
    }
    await updateEnvironment(write, changed)
    write.audit("update-environment", {
      envId: old.id,
      name: changed.name,
      slug: changed.slug,
      oldName: old.name,
      oldSlug: old.slug,
    })
    write.change({ kind: "environment", environmentId: old.id })
    return changed
  })
}

/** Deletes an environment with everything in it; the history keeps the secrets. */
export async function deleteEnvironment(
  deps: EnvironmentsDeps,
  session: Session,
  input: EnvironmentPlace,
): Promise<EnvironmentRecord> {
  return await writeInProject(deps, session, input.projectId, async (write) => {
    authorize(write.actor, "delete", "environments", { projectId: input.projectId, now: write.now })
    const environment = environmentById(write.structure, input.environmentId)
    await removeAllFolders(deps, write, environment)
    await removeEnvironment(write, environment)
    record(write, environment, "delete-environment")
    return environment
  })
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
