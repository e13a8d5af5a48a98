import {
  addMembersAnswer,
  addMembersBody,
  listMembersQuery,
  memberAnswer,
  memberListAnswer,
  memberRemovedAnswer,
  memberRolesAnswer,
  updateMembershipBody,
} from "@coffer/contract"
import type { FastifyInstance } from "fastify"
import { endpoint, type HttpPorts } from "../../http/index.ts"
import { addUsers, getPerson, listPeople, removePerson, updateRolesOfPerson } from "./people-service.ts"
import { presentMember, presentMemberDetails, presentRole } from "./presenters.ts"
import type { MembershipsDeps } from "./service.ts"

const path = "/v1/projects/:projectId/memberships"
const one = `${path}/:membershipId`

function projectIdOf(params: Readonly<Record<string, string>>): string {
  return params["projectId"] ?? ""
}

function personOf(params: Readonly<Record<string, string>>) {
  return { projectId: projectIdOf(params), membershipId: params["membershipId"] ?? "" }
}

/** People of a project: added by e-mail address (contract 1.12), and otherwise named by their membership. */
export function peopleRoutes(app: FastifyInstance, deps: MembershipsDeps, ports: HttpPorts): void {
  for (const family of ["/v2/workspace/:projectId/memberships", path]) {
    app.post(
      family,
      endpoint(
        ports,
        { summary: "Add people to a project", body: addMembersBody, answer: addMembersAnswer },
        async ({ session, params, body }) => {
          const projectId = projectIdOf(params)
          const emails = [...body.emails, ...body.usernames]
          const memberships = await addUsers(deps, session, { projectId, emails, roles: body.roleSlugs })
          return { memberships: memberships.map(presentMember) }
        },
      ),
    )
  }
  app.get(
    path,
    endpoint(
      ports,
      { summary: "List the people of a project", query: listMembersQuery, answer: memberListAnswer },
      async ({ session, params, query }) => {
        const page = { offset: query.offset ?? 0, limit: query.limit ?? 1_000 }
        const list = await listPeople(deps, session, { projectId: projectIdOf(params), ...page })
        return { memberships: list.memberships.map(presentMemberDetails), totalCount: list.totalCount }
      },
    ),
  )
  app.get(
    one,
    endpoint(
      ports,
      { summary: "One person of a project, with their roles", answer: memberAnswer },
      async ({ session, params }) => ({
        membership: presentMemberDetails(await getPerson(deps, session, personOf(params))),
      }),
    ),
  )
  app.patch(
    one,
    endpoint(
      ports,
      {
        summary: "Replace the roles of a person in a project",
        body: updateMembershipBody,
        answer: memberRolesAnswer,
      },
      async ({ session, params, body }) => {
        const { membership, roles } = await updateRolesOfPerson(deps, session, {
          ...personOf(params),
          roles: body.roles,
        })
        return { roles: roles.map((role) => presentRole(membership.id, role)) }
      },
    ),
  )
  app.delete(
    one,
    endpoint(
      ports,
      { summary: "Take a person out of a project", answer: memberRemovedAnswer },
      async ({ session, params }) => ({
        membership: presentMember(await removePerson(deps, session, personOf(params))),
      }),
    ),
  )
}
