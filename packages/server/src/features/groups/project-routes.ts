import {
  addProjectGroupBody,
  groupUsersAnswer,
  groupUsersQuery,
  listGroupsQuery,
  projectGroupAnswer,
  projectGroupDetailsAnswer,
  projectGroupListAnswer,
  projectGroupRolesAnswer,
  updateProjectGroupBody,
} from "@coffer/contract"
import type { FastifyInstance } from "fastify"
import { endpoint, type HttpPorts } from "../../http/index.ts"
import type { ReadDeps } from "../../use-case/index.ts"
import { presentRole } from "../memberships/index.ts"
import { presentDetails, presentMembership, presentUser } from "./presenters.ts"
import {
  addProjectGroup,
  changeProjectGroup,
  getProjectGroup,
  listGroupsOfProject,
  listUsersOfProjectGroup,
  removeGroupFromProject,
} from "./project-groups.ts"

/** Groups in projects, under the path of today and the older one. */
export function projectGroupRoutes(app: FastifyInstance, deps: ReadDeps, ports: HttpPorts): void {
  for (const path of ["/v1/projects/:projectId/groups", "/v2/workspace/:projectId/groups"]) {
    readingRoutes(app, deps, ports, path)
    changingRoutes(app, deps, ports, `${path}/:groupId`)
  }
}

function placeOf(params: Readonly<Record<string, string>>) {
  return { projectId: params["projectId"] ?? "", group: params["groupId"] ?? "" }
}

function readingRoutes(app: FastifyInstance, deps: ReadDeps, ports: HttpPorts, path: string): void {
  app.get(
    path,
    endpoint(
      ports,
      {
        summary: "List the groups of a project with their roles",
        query: listGroupsQuery,
        answer: projectGroupListAnswer,
      },
      async ({ session, params, query }) => {
        const page = { offset: query.offset ?? 0, limit: query.limit ?? 1_000 }
        const { projectId } = placeOf(params)
        const { groups, totalCount } = await listGroupsOfProject(deps, session, { projectId, ...page })
        return { groupMemberships: groups.map(presentDetails), totalCount }
      },
    ),
  )
  app.get(
    `${path}/:groupId`,
    endpoint(
      ports,
      { summary: "One group of a project, with its roles", answer: projectGroupDetailsAnswer },
      async ({ session, params }) => ({
        groupMembership: presentDetails(await getProjectGroup(deps, session, placeOf(params))),
      }),
    ),
  )
  app.get(
    `${path}/:groupId/users`,
    endpoint(
      ports,
      {
        summary: "Who has rights in a project through a group",
        query: groupUsersQuery,
        answer: groupUsersAnswer,
      },
      async ({ session, params, query }) => {
        const { users, totalCount } = await listUsersOfProjectGroup(deps, session, {
          ...placeOf(params),
          offset: query.offset ?? 0,
          limit: query.limit ?? 10,
          search: query.search,
          email: query.username,
          membership: undefined,
        })
        return { users: users.map(presentUser), totalCount }
      },
    ),
  )
}

function changingRoutes(app: FastifyInstance, deps: ReadDeps, ports: HttpPorts, path: string): void {
  app.post(
    path,
    endpoint(
      ports,
      { summary: "Add a group to a project", body: addProjectGroupBody, answer: projectGroupAnswer },
      async ({ session, params, body }) => ({
        groupMembership: presentMembership(
          await addProjectGroup(deps, session, { ...placeOf(params), ...body }),
        ),
      }),
    ),
  )
  app.patch(
    path,
    endpoint(
      ports,
      {
        summary: "Replace the roles of a group in a project",
        body: updateProjectGroupBody,
        answer: projectGroupRolesAnswer,
      },
      async ({ session, params, body }) => {
        const changed = await changeProjectGroup(deps, session, { ...placeOf(params), roles: body.roles })
        return { roles: changed.roles.map((role) => presentRole(changed.membership.id, role)) }
      },
    ),
  )
  app.delete(
    path,
    endpoint(
      ports,
      { summary: "Remove a group from a project", answer: projectGroupAnswer },
      async ({ session, params }) => ({
        groupMembership: presentMembership(await removeGroupFromProject(deps, session, placeOf(params))),
      }),
    ),
  )
}
