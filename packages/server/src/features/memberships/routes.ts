import {
  createIdentityMembershipBody,
  identityMembershipCreatedAnswer,
  identityMembershipDetailsAnswer,
  identityMembershipListAnswer,
  identityMembershipRolesAnswer,
  listMembershipsQuery,
  updateMembershipBody,
} from "@coffer/contract"
import type { FastifyInstance } from "fastify"
import { endpoint, type HttpPorts, type Routes } from "../../http/index.ts"
import { enterRoutes } from "./enter-routes.ts"
import { peopleRoutes } from "./people-routes.ts"
import { presentDetails, presentMembership, presentRole } from "./presenters.ts"
import {
  addIdentity,
  getIdentityMembership,
  listIdentitiesOfProject,
  type MembershipsDeps,
  removeIdentity,
  updateIdentityRoles,
} from "./service.ts"

/** Both families of contract 2.12 and their alias; they differ in the default page size only. */
const families = [
  { path: "/v1/projects/:projectId/memberships/identities", pageSize: 20 },
  { path: "/v2/workspace/:projectId/identity-memberships", pageSize: 100 },
  { path: "/v1/projects/:projectId/identity-memberships", pageSize: 100 },
]

export function membershipRoutes(deps: MembershipsDeps, ports: HttpPorts): Routes {
  return (app) => {
    for (const family of families) identityRoutes(app, deps, ports, family)
    peopleRoutes(app, deps, ports)
    enterRoutes(app, deps, ports)
  }
}

function memberOf(params: Readonly<Record<string, string>>) {
  return { projectId: params["projectId"] ?? "", identityId: params["identityId"] ?? "" }
}

function identityRoutes(
  app: FastifyInstance,
  deps: MembershipsDeps,
  ports: HttpPorts,
  family: { readonly path: string; readonly pageSize: number },
): void {
  const one = `${family.path}/:identityId`
  app.get(
    family.path,
    endpoint(
      ports,
      {
        summary: "List the identities of a project",
        query: listMembershipsQuery,
        answer: identityMembershipListAnswer,
      },
      async ({ session, params, query }) => {
        const list = await listIdentitiesOfProject(deps, session, {
          projectId: params["projectId"] ?? "",
          offset: query.offset ?? 0,
          limit: query.limit ?? family.pageSize,
          nameContains: query.search ?? query.identityName,
          isDescending: query.orderDirection === "desc",
        })
        return { identityMemberships: list.memberships.map(presentDetails), totalCount: list.totalCount }
      },
    ),
  )
  app.get(
    one,
    endpoint(
      ports,
      { summary: "One identity of a project, with its roles", answer: identityMembershipDetailsAnswer },
      async ({ session, params }) => ({
        identityMembership: presentDetails(await getIdentityMembership(deps, session, memberOf(params))),
      }),
    ),
  )
  app.post(
    one,
    endpoint(
      ports,
      {
        summary: "Add an identity to a project",
        body: createIdentityMembershipBody,
        answer: identityMembershipCreatedAnswer,
      },
      async ({ session, params, body }) => ({
        identityMembership: presentMembership(
          await addIdentity(deps, session, { ...memberOf(params), ...body }),
        ),
      }),
    ),
  )
  app.patch(
    one,
    endpoint(
      ports,
      {
        summary: "Replace the roles of an identity in a project",
        body: updateMembershipBody,
        answer: identityMembershipRolesAnswer,
      },
      async ({ session, params, body }) => {
        const changed = await updateIdentityRoles(deps, session, { ...memberOf(params), roles: body.roles })
        return { roles: changed.roles.map((role) => presentRole(changed.membership.id, role)) }
      },
    ),
  )
  app.delete(
    one,
    endpoint(
      ports,
      { summary: "Remove an identity from a project", answer: identityMembershipCreatedAnswer },
      async ({ session, params }) => ({
        identityMembership: presentMembership(await removeIdentity(deps, session, memberOf(params))),
      }),
    ),
  )
}
