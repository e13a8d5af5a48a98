import { adminAccessAnswer, organizationProjectsAnswer, organizationProjectsQuery } from "@coffer/contract"
import type { FastifyInstance } from "fastify"
import { endpoint, type HttpPorts, isoTime } from "../../http/index.ts"
import { enterProject, listProjectsOfOrganization } from "./enter-projects.ts"
import type { MembershipsDeps } from "./service.ts"

const path = "/v1/organization-admin/projects"

/** What administrators of an organization may do with projects that they do not belong to. */
export function enterRoutes(app: FastifyInstance, deps: MembershipsDeps, ports: HttpPorts): void {
  app.get(
    path,
    endpoint(
      ports,
      {
        summary: "List every project of the organization",
        query: organizationProjectsQuery,
        answer: organizationProjectsAnswer,
      },
      async ({ session, query }) => {
        const { projects, totalCount } = await listProjectsOfOrganization(deps, session, {
          offset: query.offset ?? 0,
          limit: query.limit ?? 1_000,
          nameContains: query.search,
        })
        return {
          projects: projects.map((project) => ({ ...project, createdAt: isoTime(project.createdAt) })),
          count: totalCount,
        }
      },
    ),
  )
  app.post(
    `${path}/:projectId/grant-admin-access`,
    endpoint(
      ports,
      { summary: "Become an admin of a project of the organization", answer: adminAccessAnswer },
      async ({ session, params }) => {
        const { kind, membership } = await enterProject(deps, session, params["projectId"] ?? "")
        return {
          membership: {
            id: membership.id,
            projectId: membership.projectId,
            userId: kind === "user" ? membership.memberId : null,
            identityId: kind === "identity" ? membership.memberId : null,
            createdAt: isoTime(membership.createdAt),
            updatedAt: isoTime(membership.updatedAt),
          },
        }
      },
    ),
  )
}
