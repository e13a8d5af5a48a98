import { defaultEnvironments } from "@coffer/contract"
import type { Session } from "../../actor.ts"
import type { EnvironmentRecord, ProjectRecord } from "../../cache/index.ts"
import type { Writer } from "../../db/database.ts"
import { unlessTaken } from "../../db/index.ts"
import { AppError } from "../../errors.ts"
import {
  answerRead,
  endEpoch,
  type OrganizationWrite,
  writeInOrganization,
  writeInProject,
} from "../../use-case/index.ts"
import { authorize, authorizeInOrganization } from "../authorization/index.ts"
import { addEnvironment, type EnvironmentsDeps } from "../environments/index.ts"
import { grantMembership, listMemberIds } from "../memberships/index.ts"
import { type ProjectRef, projectForRead, projectIdForWrite } from "../project-access/index.ts"
import { hideProject, type Removal } from "../project-removal/index.ts"
import { generateSlug } from "./domain.ts"
import { insertProject, isSlugTaken, listProjectIds, rememberSlug, updateProject } from "./store.ts"

export type ProjectsDeps = EnvironmentsDeps

/** With whoever removes what a project held. */
export type DeletionDeps = ProjectsDeps & { readonly removal: Removal }

/** A project as its members see it. */
export type ProjectView = {
  readonly project: ProjectRecord
  readonly environments: readonly EnvironmentRecord[]
  /** The caller's roles in it. */
  readonly roles: readonly string[]
}

const slugAttempts = 8

/**
 * Creates a project; whoever creates it becomes its admin.
 * @throws AppError "invalid" when the slug is taken in the organization
 */
export async function createProject(
  deps: ProjectsDeps,
  session: Session,
  input: {
    readonly name: string
    readonly description: string | null
    readonly slug: string | undefined
    readonly withDefaultEnvironments: boolean
    readonly hasDeleteProtection: boolean
  },
): Promise<ProjectView> {
  const creating = writeInOrganization(
    deps,
    session,
    async (write) => {
      authorizeInOrganization(write.actor, "create-projects")
      const { orgId } = write.actor
      const project: ProjectRecord = {
        id: deps.random.uuid(),
        orgId,
        name: input.name,
        slug: await freeSlug(deps, write.db, { orgId, name: input.name, wanted: input.slug }),
        description: input.description,
        revision: 1,
        structureRevision: 0,
        autoCapitalization: false,
        hasDeleteProtection: input.hasDeleteProtection,
        versionLimit: null,
        auditRetentionDays: null,
        createdAt: write.now,
        updatedAt: write.now,
      }
      await insertProject(write.db, project)
      await deps.keyring.createProjectKey(write.db, project.id)
      const environments = input.withDefaultEnvironments ? await addDefaults(deps, write, project) : []
      const admin = { role: "admin", temporary: null }
      await grantMembership(deps, write, {
        kind: write.actor.kind,
        memberId: write.actor.id,
        projectId: project.id,
        roles: [admin],
      })
      write.audit("create-project", aboutProject(project), project.id)
      return { project, environments, roles: ["admin"] }
    },
    { endsOwnEpoch: true },
  )
  const { slug } = input
  return await (slug === undefined ? creating : unlessTaken(creating, () => slugTaken(slug)))
}

/** A project by id or slug, for its members. */
export async function getProject(
  deps: ProjectsDeps,
  session: Session,
  ref: ProjectRef,
): Promise<ProjectView> {
  return await answerRead(deps, session, async (scope) => {
    const snapshot = await projectForRead(scope, ref)
    scope.audit("get-project", snapshot.id, aboutProject(snapshot.structure.project))
    return viewOf(scope.session, snapshot.structure)
  })
}

/** The projects the caller belongs to, whatever its role in them. */
export async function listProjects(deps: ProjectsDeps, session: Session): Promise<readonly ProjectView[]> {
  return await answerRead(deps, session, async (scope) => {
    const { actor } = scope.session
    const ids = await listProjectIds(scope.reader, {
      orgId: actor.orgId,
      ids: [...actor.memberships.keys()],
    })
    const views: ProjectView[] = []
    for (const id of ids) {
      const snapshot = await scope.projectById(id)
      if (snapshot !== undefined) views.push(viewOf(scope.session, snapshot.structure))
    }
    scope.audit("get-projects", null, { numberOfProjects: views.length })
    return views
  })
}

export type ProjectChange = {
  readonly name?: string | undefined
  readonly description?: string | null | undefined
  readonly autoCapitalization?: boolean | undefined
  readonly hasDeleteProtection?: boolean | undefined
  readonly slug?: string | undefined
  readonly versionLimit?: number | undefined
}

/** @throws AppError "invalid" when the new slug is taken in the organization */
export async function changeProject(
  deps: ProjectsDeps,
  session: Session,
  ref: ProjectRef,
  change: ProjectChange,
): Promise<ProjectView> {
  const projectId = await projectIdForWrite(deps, session, ref)
  const changing = writeInProject(deps, session, projectId, async (write) => {
    authorize(write.actor, "edit", "project", { projectId, now: write.now })
    const old = write.structure.project
    if (change.slug !== undefined && change.slug !== old.slug) {
      if (await isSlugTaken(write.db, old.orgId, change.slug)) throw slugTaken(change.slug)
      await rememberSlug(write.db, { orgId: old.orgId, projectId, slug: old.slug, now: write.now })
    }
    const project: ProjectRecord = {
      ...old,
      name: change.name ?? old.name,
      slug: change.slug ?? old.slug,
      description: change.description === undefined ? old.description : change.description,
      autoCapitalization: change.autoCapitalization ?? old.autoCapitalization,
      hasDeleteProtection: change.hasDeleteProtection ?? old.hasDeleteProtection,
      versionLimit: change.versionLimit ?? old.versionLimit,
      updatedAt: write.now,
    }
    await updateProject(write.db, project)
    write.audit("update-project", aboutProject(project))
    write.change({ kind: "project" })
    return viewOf(session, { project, environments: write.structure.environments })
  })
  const { slug } = change
  return await (slug === undefined ? changing : unlessTaken(changing, () => slugTaken(slug)))
}

/**
 * Ends a project: with the answer nothing of it is there for anybody, and its slug is free. Its rows are removed afterwards.
 *
 * @throws AppError "invalid" while the project is protected
 */
export async function deleteProject(
  deps: DeletionDeps,
  session: Session,
  ref: ProjectRef,
): Promise<ProjectView> {
  const projectId = await projectIdForWrite(deps, session, ref)
  const options = { id: projectId, endsOwnEpoch: true }
  const deleting = writeInProject(deps, session, options, async (write) => {
    authorize(write.actor, "delete", "project", { projectId, now: write.now })
    const { project, environments } = write.structure
    if (project.hasDeleteProtection) {
      throw new AppError(
        "invalid",
        "BadRequest",
        `Project '${project.slug}' is protected against deletion; switch hasDeleteProtection off first`,
      )
    }
    const members = await listMemberIds(write.db, projectId)
    await hideProject(write.db, { projectId, revision: write.revision, now: write.now })
    await endEpoch(deps, write, members)
    write.afterCommit(() => {
      deps.keyring.forgetProject(projectId)
      deps.removal.wake()
    })
    write.audit("delete-project", aboutProject(project))
    write.change({ kind: "project" })
    return viewOf(session, { project, environments })
  })
  return await deleting.catch((error: unknown) => {
    // Whether it was committed nobody knows when the database went away meanwhile.
    if (error instanceof AppError && error.kind === "unavailable") deps.removal.wake()
    throw error
  })
}

async function addDefaults(
  deps: ProjectsDeps,
  write: OrganizationWrite,
  project: ProjectRecord,
): Promise<readonly EnvironmentRecord[]> {
  const environments: EnvironmentRecord[] = []
  const at = { ...write, projectId: project.id, revision: project.revision }
  for (const one of defaultEnvironments) environments.push(await addEnvironment(deps, at, one))
  return environments
}

async function freeSlug(
  deps: ProjectsDeps,
  db: Writer,
  of: { readonly orgId: string; readonly name: string; readonly wanted: string | undefined },
): Promise<string> {
  if (of.wanted !== undefined) {
    if (await isSlugTaken(db, of.orgId, of.wanted)) throw slugTaken(of.wanted)
    return of.wanted
  }
  for (let attempt = 1; attempt <= slugAttempts; attempt += 1) {
    const slug = generateSlug(of.name, deps.random.bytes(4))
    if (!(await isSlugTaken(db, of.orgId, slug))) return slug
  }
  throw new AppError("invalid", "BadRequest", "No free slug was found for this name; choose one with 'slug'")
}

function viewOf(
  session: Session,
  of: { readonly project: ProjectRecord; readonly environments: readonly EnvironmentRecord[] },
): ProjectView {
  const grants = session.actor.memberships.get(of.project.id) ?? []
  return { project: of.project, environments: of.environments, roles: grants.map((grant) => grant.role) }
}

function aboutProject(project: ProjectRecord) {
  return { id: project.id, name: project.name, slug: project.slug }
}

function slugTaken(slug: string): AppError {
  return new AppError(
    "invalid",
    "BadRequest",
    `A project with the slug "${slug}" already exists in your organization. Please choose another slug.`,
  )
}
