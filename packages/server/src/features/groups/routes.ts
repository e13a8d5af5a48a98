import {
  changedGroupUserAnswer,
  createGroupBody,
  groupListAnswer,
  groupObject,
  groupUsersAnswer,
  groupUsersQuery,
  listGroupsQuery,
  updateGroupBody,
} from "@coffer/contract"
import type { FastifyInstance } from "fastify"
import { endpoint, type HttpPorts, type Routes } from "../../http/index.ts"
import type { ReadDeps } from "../../use-case/index.ts"
import {
  addUserToGroup,
  changeGroup,
  createGroup,
  deleteGroup,
  getGroup,
  listGroupsOfOrganization,
  listUsersOfGroup,
  removeUserFromGroup,
} from "./groups.ts"
import { presentChangedUser, presentGroup, presentUser } from "./presenters.ts"
import { projectGroupRoutes } from "./project-routes.ts"

const all = "/v1/groups"
const one = `${all}/:groupId`

/** Groups of the organization, their members, and groups in projects. */
export function groupRoutes(deps: ReadDeps, ports: HttpPorts): Routes {
  return (app) => {
    readingRoutes(app, deps, ports)
    changingRoutes(app, deps, ports)
    memberRoutes(app, deps, ports)
    projectGroupRoutes(app, deps, ports)
  }
}

function readingRoutes(app: FastifyInstance, deps: ReadDeps, ports: HttpPorts): void {
  app.get(
    all,
    endpoint(
      ports,
      { summary: "List the groups of the organization", query: listGroupsQuery, answer: groupListAnswer },
      async ({ session, query }) => {
        const page = { offset: query.offset ?? 0, limit: query.limit ?? 1_000 }
        return (await listGroupsOfOrganization(deps, session, page)).map(presentGroup)
      },
    ),
  )
  app.get(
    one,
    endpoint(ports, { summary: "One group", answer: groupObject }, async ({ session, params }) =>
      presentGroup(await getGroup(deps, session, params["groupId"] ?? "")),
    ),
  )
}

function changingRoutes(app: FastifyInstance, deps: ReadDeps, ports: HttpPorts): void {
  app.post(
    all,
    endpoint(
      ports,
      { summary: "Create a group", body: createGroupBody, answer: groupObject },
      async ({ session, body }) => {
        const slug = body.slug === "" ? undefined : body.slug
        return presentGroup(await createGroup(deps, session, { name: body.name, slug }))
      },
    ),
  )
  app.patch(
    one,
    endpoint(
      ports,
      { summary: "Change the name or the slug of a group", body: updateGroupBody, answer: groupObject },
      async ({ session, params, body }) => {
        const change = { group: params["groupId"] ?? "", name: body.name, slug: body.slug }
        return presentGroup(await changeGroup(deps, session, change))
      },
    ),
  )
  app.delete(
    one,
    endpoint(ports, { summary: "Delete a group", answer: groupObject }, async ({ session, params }) =>
      presentGroup(await deleteGroup(deps, session, params["groupId"] ?? "")),
    ),
  )
}

function memberRoutes(app: FastifyInstance, deps: ReadDeps, ports: HttpPorts): void {
  app.get(
    `${one}/users`,
    endpoint(
      ports,
      {
        summary: "People of the organization, and whether they are in the group",
        query: groupUsersQuery,
        answer: groupUsersAnswer,
      },
      async ({ session, params, query }) => {
        const { users, totalCount } = await listUsersOfGroup(deps, session, {
          group: params["groupId"] ?? "",
          offset: query.offset ?? 0,
          limit: query.limit ?? 10,
          search: query.search,
          email: query.username,
          membership: query.filter,
        })
        return { users: users.map(presentUser), totalCount }
      },
    ),
  )
  const user = `${one}/users/:username`
  const membership = (params: Readonly<Record<string, string>>) => ({
    group: params["groupId"] ?? "",
    email: (params["username"] ?? "").trim().toLowerCase(),
  })
  app.post(
    user,
    endpoint(
      ports,
      { summary: "Add a person to a group", answer: changedGroupUserAnswer },
      async ({ session, params }) =>
        presentChangedUser(await addUserToGroup(deps, session, membership(params))),
    ),
  )
  app.delete(
    user,
    endpoint(
      ports,
      { summary: "Take a person out of a group", answer: changedGroupUserAnswer },
      async ({ session, params }) =>
        presentChangedUser(await removeUserFromGroup(deps, session, membership(params))),
    ),
  )
}
