import {
  createIdentityPrivilegeBody,
  createUserPrivilegeBody,
  identityPrivilegeBySlugQuery,
  identityPrivilegesQuery,
  onePrivilegeAnswer,
  type PrivilegeObject,
  privilegeListAnswer,
  updatePrivilegeBody,
  userPrivilegeBySlugQuery,
  userPrivilegesQuery,
} from "@coffer/contract"
import type { FastifyInstance } from "fastify"
import { endpoint, type HttpPorts, isoTime, type Routes } from "../../http/index.ts"
import type { MemberKind } from "../memberships/index.ts"
import { projectRef } from "../project-access/index.ts"
import {
  changePrivilege,
  createPrivilege,
  deletePrivilege,
  getPrivilege,
  getPrivilegeBySlug,
  listPrivilegesOfMember,
  type Privilege,
  type PrivilegesDeps,
} from "./service.ts"

const identityPath = "/v2/identity-project-additional-privilege"
const userPath = "/coffer/v1/user-project-additional-privilege"

/** Privileges of identities (contract 4.4), and the same for users, which the contract lacks. */
export function privilegeRoutes(deps: PrivilegesDeps, ports: HttpPorts): Routes {
  return (app) => {
    identityRoutes(app, deps, ports)
    userRoutes(app, deps, ports)
    for (const [path, kind] of [
      [identityPath, "identity"],
      [userPath, "user"],
    ] as const) {
      oneRoutes(app, deps, ports, { path, kind })
    }
  }
}

function identityRoutes(app: FastifyInstance, deps: PrivilegesDeps, ports: HttpPorts): void {
  const kind = "identity"
  app.post(
    identityPath,
    endpoint(
      ports,
      {
        summary: "Give an identity rules beyond its roles, for good or for a time",
        body: createIdentityPrivilegeBody,
        answer: onePrivilegeAnswer,
      },
      async ({ session, body }) => {
        const { identityId: memberId, projectId, slug, permissions, type } = body
        const wanted = { kind, memberId, projectId, slug, permissions, type } as const
        return { privilege: presentPrivilege(await createPrivilege(deps, session, wanted)) }
      },
    ),
  )
  app.get(
    identityPath,
    endpoint(
      ports,
      {
        summary: "Privileges of an identity in a project",
        query: identityPrivilegesQuery,
        answer: privilegeListAnswer,
      },
      async ({ session, query }) => {
        const of = { kind, memberId: query.identityId, projectId: query.projectId } as const
        const privileges = await listPrivilegesOfMember(deps, session, of)
        return { privileges: privileges.map(presentPrivilege) }
      },
    ),
  )
  app.get(
    `${identityPath}/slug/:slug`,
    endpoint(
      ports,
      {
        summary: "One privilege of an identity, by slug",
        query: identityPrivilegeBySlugQuery,
        answer: onePrivilegeAnswer,
      },
      async ({ session, params, query }) => {
        const project = projectRef(query.projectId, query.projectSlug)
        const of = { kind, memberId: query.identityId, project, slug: params["slug"] ?? "" } as const
        return { privilege: presentPrivilege(await getPrivilegeBySlug(deps, session, of)) }
      },
    ),
  )
}

function userRoutes(app: FastifyInstance, deps: PrivilegesDeps, ports: HttpPorts): void {
  const kind = "user"
  app.post(
    userPath,
    endpoint(
      ports,
      {
        summary: "Give a user rules beyond its roles, for good or for a time",
        body: createUserPrivilegeBody,
        answer: onePrivilegeAnswer,
      },
      async ({ session, body }) => {
        const { userId: memberId, projectId, slug, permissions, type } = body
        const wanted = { kind, memberId, projectId, slug, permissions, type } as const
        return { privilege: presentPrivilege(await createPrivilege(deps, session, wanted)) }
      },
    ),
  )
  app.get(
    userPath,
    endpoint(
      ports,
      {
        summary: "Privileges of a user in a project",
        query: userPrivilegesQuery,
        answer: privilegeListAnswer,
      },
      async ({ session, query }) => {
        const of = { kind, memberId: query.userId, projectId: query.projectId } as const
        const privileges = await listPrivilegesOfMember(deps, session, of)
        return { privileges: privileges.map(presentPrivilege) }
      },
    ),
  )
  app.get(
    `${userPath}/slug/:slug`,
    endpoint(
      ports,
      {
        summary: "One privilege of a user, by slug",
        query: userPrivilegeBySlugQuery,
        answer: onePrivilegeAnswer,
      },
      async ({ session, params, query }) => {
        const project = projectRef(query.projectId, query.projectSlug)
        const of = { kind, memberId: query.userId, project, slug: params["slug"] ?? "" } as const
        return { privilege: presentPrivilege(await getPrivilegeBySlug(deps, session, of)) }
      },
    ),
  )
}

function oneRoutes(
  app: FastifyInstance,
  deps: PrivilegesDeps,
  ports: HttpPorts,
  { path, kind }: { readonly path: string; readonly kind: MemberKind },
): void {
  const one = `${path}/:privilegeId`
  const ref = (params: Readonly<Record<string, string>>) => ({ kind, id: params["privilegeId"] ?? "" })
  app.get(
    one,
    endpoint(
      ports,
      { summary: `One privilege of a member of kind ${kind}`, answer: onePrivilegeAnswer },
      async ({ session, params }) => ({
        privilege: presentPrivilege(await getPrivilege(deps, session, ref(params))),
      }),
    ),
  )
  app.patch(
    one,
    endpoint(
      ports,
      {
        summary: `Change a privilege of a member of kind ${kind}`,
        body: updatePrivilegeBody,
        answer: onePrivilegeAnswer,
      },
      async ({ session, params, body }) => {
        const { slug, permissions, type } = body
        const change = { ...ref(params), slug, permissions, type }
        return { privilege: presentPrivilege(await changePrivilege(deps, session, change)) }
      },
    ),
  )
  app.delete(
    one,
    endpoint(
      ports,
      { summary: `Take a privilege from a member of kind ${kind}`, answer: onePrivilegeAnswer },
      async ({ session, params }) => ({
        privilege: presentPrivilege(await deletePrivilege(deps, session, ref(params))),
      }),
    ),
  )
}

function presentPrivilege(privilege: Privilege): PrivilegeObject {
  const { temporary } = privilege
  return {
    id: privilege.id,
    slug: privilege.slug,
    ...(privilege.kind === "identity" ? { identityId: privilege.memberId } : { userId: privilege.memberId }),
    projectId: privilege.projectId,
    projectMembershipId: privilege.membershipId,
    isTemporary: temporary !== null,
    temporaryMode: temporary?.mode ?? null,
    temporaryRange: temporary?.range ?? null,
    temporaryAccessStartTime: temporary === null ? null : isoTime(temporary.startsAt),
    temporaryAccessEndTime: temporary === null ? null : isoTime(temporary.endsAt),
    permissions: privilege.permissions.map((rule) => ({ ...rule })),
    createdAt: isoTime(privilege.createdAt),
    updatedAt: isoTime(privilege.updatedAt),
  }
}
