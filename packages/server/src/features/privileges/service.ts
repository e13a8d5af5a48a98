import type { PermissionRule, PrivilegeType } from "@coffer/contract"
import type { Session } from "../../actor.ts"
import type { Reader } from "../../db/database.ts"
import { AppError } from "../../errors.ts"
import { isoTime } from "../../http/index.ts"
import {
  answerRead,
  endEpoch,
  type ProjectWrite,
  type ReadDeps,
  type ReadScope,
  writeInProject,
} from "../../use-case/index.ts"
import {
  type Action,
  authorize,
  compilePolicy,
  liftedDenies,
  requireMayHandOut,
} from "../authorization/index.ts"
import {
  findMembership,
  lastingRules,
  type MemberKind,
  type TemporaryAccess,
  temporaryAccessOf,
} from "../memberships/index.ts"
import { type ProjectRef, projectForRead } from "../project-access/index.ts"
import { insertPrivilege, listPrivileges, type Privilege, removePrivilege, updatePrivilege } from "./store.ts"

export type { Privilege } from "./store.ts"
export type PrivilegesDeps = ReadDeps

type Member = { readonly kind: MemberKind; readonly memberId: string }

/**
 * Gives one member rules beyond its roles, within the giver's own.
 * @throws AppError "not-found" when it is not a member itself, "invalid" when the slug is taken or a pattern is refused
 */
export async function createPrivilege(
  deps: PrivilegesDeps,
  session: Session,
  input: Member & {
    readonly projectId: string
    readonly slug: string | undefined
    readonly permissions: readonly PermissionRule[]
    readonly type: PrivilegeType
  },
): Promise<Privilege> {
  return await writeInProject(
    deps,
    session,
    { id: input.projectId, endsOwnEpoch: input.memberId === session.actor.id },
    async (write) => {
      const { kind, memberId, projectId, permissions } = input
      requireGranter(write, input)
      compilePolicy(permissions)
      requireMayHandOut(write.actor, [permissions], { projectId, now: write.now })
      const membership = await findMembership(write.db, { projectId, memberId, kind })
      if (membership === undefined) throw notMember(input)
      const id = deps.random.uuid()
      const privilege: Privilege = {
        id,
        projectId,
        membershipId: membership.id,
        kind,
        memberId,
        slug: input.slug ?? `privilege-${id.slice(0, 8)}`,
        permissions,
        temporary: temporaryOf(input.type),
        version: 1,
        createdAt: write.now,
        updatedAt: write.now,
      }
      await requireFreeSlug(write.db, privilege)
      await insertPrivilege(write.db, privilege)
      await conclude(deps, write, privilege, "create-project-privilege")
      return privilege
    },
  )
}

/** Changes a privilege; nothing beyond the caller's own rights may be added, nor set free by dropping a deny. */
export async function changePrivilege(
  deps: PrivilegesDeps,
  session: Session,
  input: {
    readonly kind: MemberKind
    readonly id: string
    readonly slug: string | undefined
    readonly permissions: readonly PermissionRule[] | undefined
    readonly type: PrivilegeType | undefined
  },
): Promise<Privilege> {
  const { projectId } = await getKnown(deps.database.reader, input)
  return await writeInProject(deps, session, { id: projectId, endsOwnEpoch: true }, async (write) => {
    const old = await getKnown(write.db, input)
    requireGranter(write, old)
    const changed: Privilege = {
      ...old,
      slug: input.slug ?? old.slug,
      permissions: input.permissions ?? old.permissions,
      temporary: input.type === undefined ? old.temporary : temporaryOf(input.type),
      version: old.version + 1,
      updatedAt: write.now,
    }
    compilePolicy(changed.permissions)
    const lasting = lastingRules(changed.permissions, changed.temporary)
    const lifted = liftedDenies(old.permissions, lasting)
    requireMayHandOut(write.actor, [changed.permissions, lifted], { projectId, now: write.now })
    if (changed.slug !== old.slug) await requireFreeSlug(write.db, changed)
    await updatePrivilege(write.db, changed)
    await conclude(deps, write, changed, "update-project-privilege")
    return changed
  })
}

export async function deletePrivilege(
  deps: PrivilegesDeps,
  session: Session,
  input: { readonly kind: MemberKind; readonly id: string },
): Promise<Privilege> {
  const { projectId } = await getKnown(deps.database.reader, input)
  return await writeInProject(deps, session, { id: projectId, endsOwnEpoch: true }, async (write) => {
    const privilege = await getKnown(write.db, input)
    requireGranter(write, privilege)
    const lifted = liftedDenies(privilege.permissions, [])
    requireMayHandOut(write.actor, [lifted], { projectId, now: write.now })
    await removePrivilege(write.db, privilege)
    await conclude(deps, write, privilege, "delete-project-privilege")
    return privilege
  })
}

/** @throws AppError "not-found" when there is no such privilege */
export async function getPrivilege(
  deps: PrivilegesDeps,
  session: Session,
  input: { readonly kind: MemberKind; readonly id: string },
): Promise<Privilege> {
  return await answerRead(deps, session, async (scope) => {
    const known = await getKnown(scope.reader, input)
    await requireReader(scope, { kind: "id", id: known.projectId }, known)
    return shown(scope, known)
  })
}

/** @throws AppError "not-found" when the member has no privilege of this slug */
export async function getPrivilegeBySlug(
  deps: PrivilegesDeps,
  session: Session,
  input: Member & { readonly project: ProjectRef; readonly slug: string },
): Promise<Privilege> {
  return await answerRead(deps, session, async (scope) => {
    const projectId = await requireReader(scope, input.project, input)
    const { kind, memberId, slug } = input
    const [privilege] = await listPrivileges(scope.reader, { kind, memberId, slug, projectId })
    if (privilege === undefined) throw notFound(`slug '${input.slug}'`)
    return shown(scope, privilege)
  })
}

/** The privileges of one member, by slug; also those that have ended. */
export async function listPrivilegesOfMember(
  deps: PrivilegesDeps,
  session: Session,
  input: Member & { readonly projectId: string },
): Promise<readonly Privilege[]> {
  return await answerRead(deps, session, async (scope) => {
    const projectId = await requireReader(scope, { kind: "id", id: input.projectId }, input)
    const { kind, memberId } = input
    const privileges = await listPrivileges(scope.reader, { kind, memberId, projectId })
    scope.audit("get-project-privileges", projectId, {
      actorType: kind,
      actorId: memberId,
      numberOfPrivileges: privileges.length,
    })
    return privileges
  })
}

function shown(scope: ReadScope, privilege: Privilege): Privilege {
  const { id: privilegeId, kind: actorType, memberId: actorId, slug } = privilege
  scope.audit("get-project-privilege", privilege.projectId, { privilegeId, actorType, actorId, slug })
  return privilege
}

function requireGranter(write: ProjectWrite, member: Member): void {
  ask(write, "edit", member, write.projectId)
  ask(write, "grant-privileges", member, write.projectId)
}

async function requireReader(scope: ReadScope, project: ProjectRef, member: Member): Promise<string> {
  const { id } = await projectForRead(scope, project)
  ask({ actor: scope.session.actor, now: scope.now }, "read", member, id)
  return id
}

function ask(
  { actor, now }: Pick<ProjectWrite, "actor" | "now">,
  action: Action,
  member: Member,
  projectId: string,
): void {
  const isIdentity = member.kind === "identity"
  const resource = isIdentity ? { identityId: member.memberId } : {}
  authorize(actor, action, isIdentity ? "identity" : "member", { projectId, now, resource })
}

async function conclude(
  deps: PrivilegesDeps,
  write: ProjectWrite,
  privilege: Privilege,
  type: "create-project-privilege" | "update-project-privilege" | "delete-project-privilege",
): Promise<void> {
  await endEpoch(deps, write, [privilege.memberId])
  write.audit(type, {
    privilegeId: privilege.id,
    actorType: privilege.kind,
    actorId: privilege.memberId,
    slug: privilege.slug,
    permissions: JSON.stringify(privilege.permissions),
    ...(privilege.temporary === null ? {} : { expiresAt: isoTime(privilege.temporary.endsAt) }),
  })
  write.change({ kind: "membership" })
}

async function getKnown(
  db: Reader,
  of: { readonly kind: MemberKind; readonly id: string },
): Promise<Privilege> {
  const [privilege] = await listPrivileges(db, { kind: of.kind, id: of.id })
  if (privilege === undefined) throw notFound(`ID '${of.id}'`)
  return privilege
}

async function requireFreeSlug(db: Reader, { kind, memberId, projectId, slug }: Privilege): Promise<void> {
  const taken = await listPrivileges(db, { kind, memberId, projectId, slug })
  if (taken.length === 0) return
  throw new AppError("invalid", "BadRequest", `The member already has a privilege with the slug '${slug}'`)
}

function temporaryOf(type: PrivilegeType): TemporaryAccess | null {
  return type.isTemporary ? temporaryAccessOf(type) : null
}

function notMember({ kind, memberId }: Member): AppError {
  const who = kind === "identity" ? "Identity" : "User"
  return new AppError("not-found", "NotFound", `${who} with ID '${memberId}' is not a member of this project`)
}

function notFound(named: string): AppError {
  return new AppError("not-found", "NotFound", `Privilege with ${named} not found`)
}
