import type { PermissionRule } from "@coffer/contract"
import type { Session } from "../../actor.ts"
import { counted } from "../../counted.ts"
import type { Reader } from "../../db/database.ts"
import { AppError } from "../../errors.ts"
import {
  answerRead,
  endEpoch,
  type ProjectWrite,
  type ReadDeps,
  writeInProject,
} from "../../use-case/index.ts"
import { authorize, compilePolicy, liftedDenies, requireMayHandOut } from "../authorization/index.ts"
import { projectForRead } from "../project-access/index.ts"
import { builtInRoles, type Role } from "./domain.ts"
import { findRole, insertRole, listHolders, listRoles, removeRole, renameRole, updateRole } from "./store.ts"

export type RolesDeps = ReadDeps

/** A role of a project, named by id or slug. */
export type RoleRef = { readonly id: string } | { readonly slug: string }

/**
 * Makes a role of rules that its maker holds itself.
 * @throws AppError "invalid" when the slug is taken or a pattern is refused, "forbidden" beyond the maker's own rights
 */
export async function createRole(
  deps: RolesDeps,
  session: Session,
  input: Pick<Role, "projectId" | "slug" | "name" | "description" | "permissions">,
): Promise<Role> {
  return await writeInProject(deps, session, input.projectId, async (write) => {
    const at = { projectId: input.projectId, now: write.now }
    authorize(write.actor, "create", "role", at)
    compilePolicy(input.permissions)
    requireMayHandOut(write.actor, [input.permissions], at)
    await requireFreeSlug(write, input.slug)
    const role = {
      ...input,
      id: deps.random.uuid(),
      version: 1,
      createdAt: write.now,
      updatedAt: write.now,
    }
    await insertRole(write.db, role)
    write.audit("create-project-role", about(role))
    return role
  })
}

/**
 * Changes a role for all who hold it, at once. Rules beyond the caller's own may be neither added nor set free by
 * dropping a deny.
 */
export async function changeRole(
  deps: RolesDeps,
  session: Session,
  input: {
    readonly projectId: string
    readonly roleId: string
    readonly slug?: string | undefined
    readonly name?: string | undefined
    readonly description?: string | null | undefined
    readonly permissions?: readonly PermissionRule[] | undefined
  },
): Promise<Role> {
  return await writeInProject(deps, session, { id: input.projectId, endsOwnEpoch: true }, async (write) => {
    const at = { projectId: input.projectId, now: write.now }
    authorize(write.actor, "edit", "role", at)
    const old = await getCustomRole(write.db, input.projectId, input.roleId)
    const { permissions } = input
    if (permissions !== undefined) {
      compilePolicy(permissions)
      requireMayHandOut(write.actor, [permissions, liftedDenies(old.permissions, permissions)], at)
    }
    const slug = input.slug ?? old.slug
    if (slug !== old.slug) {
      await requireFreeSlug(write, slug)
      await renameRole(write.db, { projectId: input.projectId, slug: old.slug, newSlug: slug })
    }
    const role: Role = {
      ...old,
      slug,
      name: input.name ?? old.name,
      description: input.description === undefined ? old.description : input.description,
      permissions: permissions ?? old.permissions,
      version: permissions === undefined ? old.version : old.version + 1,
      updatedAt: write.now,
    }
    await updateRole(write.db, role)
    if (permissions !== undefined || slug !== old.slug) {
      await endEpoch(deps, write, (await listHolders(write.db, role)).actorIds)
    }
    write.audit("update-project-role", about(role))
    return role
  })
}

/** @throws AppError "invalid" while somebody holds the role: nobody loses or gains rights by a deletion */
export async function deleteRole(
  deps: RolesDeps,
  session: Session,
  input: { readonly projectId: string; readonly roleId: string },
): Promise<Role> {
  return await writeInProject(deps, session, input.projectId, async (write) => {
    authorize(write.actor, "delete", "role", { projectId: input.projectId, now: write.now })
    const role = await getCustomRole(write.db, input.projectId, input.roleId)
    const { memberships } = await listHolders(write.db, role)
    if (memberships > 0) {
      throw new AppError(
        "invalid",
        "BadRequest",
        `Role '${role.slug}' is held by ${counted(memberships, "member")} of the project: give them another role first`,
      )
    }
    await removeRole(write.db, role)
    write.audit("delete-project-role", about(role))
    return role
  })
}

/** @throws AppError "not-found" when the project has no such role */
export async function getRole(
  deps: RolesDeps,
  session: Session,
  projectId: string,
  ref: RoleRef,
): Promise<Role> {
  return await answerRead(deps, session, async (scope) => {
    const { structure } = await projectForRead(scope, { kind: "id", id: projectId })
    authorize(scope.session.actor, "read", "role", { projectId, now: scope.now })
    const builtIn = builtInRoles(structure.project).find((role) =>
      "id" in ref ? role.id === ref.id : role.slug === ref.slug,
    )
    const role = builtIn ?? (await findRole(scope.reader, projectId, ref))
    if (role === undefined) throw roleNotFound(ref)
    scope.audit("get-project-role", projectId, { roleId: role.id, slug: role.slug, name: role.name })
    return role
  })
}

/** The built-in roles and then the project's own, by slug. */
export async function listRolesOfProject(
  deps: RolesDeps,
  session: Session,
  projectId: string,
): Promise<readonly Role[]> {
  return await answerRead(deps, session, async (scope) => {
    const { structure } = await projectForRead(scope, { kind: "id", id: projectId })
    authorize(scope.session.actor, "read", "role", { projectId, now: scope.now })
    const roles = [...builtInRoles(structure.project), ...(await listRoles(scope.reader, projectId))]
    scope.audit("get-project-roles", projectId, { numberOfRoles: roles.length })
    return roles
  })
}

async function getCustomRole(db: Reader, projectId: string, roleId: string): Promise<Role> {
  const role = await findRole(db, projectId, { id: roleId })
  if (role !== undefined) return role
  if (builtInRoles({ id: projectId, createdAt: 0 }).some((one) => one.id === roleId)) {
    throw new AppError("invalid", "BadRequest", "A built-in role cannot be changed or deleted")
  }
  throw roleNotFound({ id: roleId })
}

async function requireFreeSlug(write: ProjectWrite, slug: string): Promise<void> {
  if ((await findRole(write.db, write.projectId, { slug })) === undefined) return
  throw new AppError("invalid", "BadRequest", `A role with the slug '${slug}' already exists in this project`)
}

function about(role: Role) {
  return { roleId: role.id, slug: role.slug, name: role.name, permissions: JSON.stringify(role.permissions) }
}

function roleNotFound(ref: RoleRef): AppError {
  const named = "id" in ref ? `ID '${ref.id}'` : `slug '${ref.slug}'`
  return new AppError("not-found", "NotFound", `Role with ${named} not found`)
}
