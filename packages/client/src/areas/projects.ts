/** Projects and their environments. */
import {
  adminAccessAnswer,
  type CreateEnvironmentBody,
  type CreateProjectBody,
  type EnvironmentObject,
  environmentAnswer,
  organizationProjectsAnswer,
  type ProjectAnswer,
  projectAnswer,
  projectListAnswer,
  type UpdateEnvironmentBody,
  type UpdateProjectBody,
  wrappedProjectAnswer,
} from "@coffer/contract"
import type { Transport } from "../transport.ts"

/** The part of a project that every server of the contract sends; older ones lack the last three. */
const project = projectAnswer
  .pick({
    id: true,
    name: true,
    slug: true,
    orgId: true,
    description: true,
    environments: true,
    createdAt: true,
    hasDeleteProtection: true,
    pitVersionLimit: true,
  })
  .partial({ createdAt: true, hasDeleteProtection: true, pitVersionLimit: true })
const wrappedProject = wrappedProjectAnswer.extend({ project })
const projectList = projectListAnswer.extend({ projects: project.array() })

export type Project = Pick<
  ProjectAnswer,
  "id" | "name" | "slug" | "orgId" | "description" | "environments"
> & {
  readonly createdAt?: string | undefined
  readonly hasDeleteProtection?: boolean | undefined
  readonly pitVersionLimit?: number | undefined
}

export function projectsArea(transport: Transport) {
  const all = "/api/v1/organization-admin/projects"
  const one = (projectId: string) => `/api/v1/projects/${encodeURIComponent(projectId)}`
  return {
    /** Those the caller is a member of. */
    list: async (): Promise<readonly Project[]> => {
      const answer = await transport.call({ method: "GET", path: "/api/v1/projects", schema: projectList })
      return answer.projects
    },

    /** Every project of the organization, for its administrators, by name. */
    ofOrganization: async () => {
      const found = []
      const limit = 1_000
      for (let offset = 0; ; offset += limit) {
        const query = { offset, limit }
        const call = { method: "GET", path: all, query, schema: organizationProjectsAnswer } as const
        const { projects } = await transport.call(call)
        found.push(...projects)
        if (projects.length < limit) return found
      }
    },

    /** Makes an administrator of the organization an admin of a project. */
    enter: async (projectId: string): Promise<void> => {
      const path = `${all}/${encodeURIComponent(projectId)}/grant-admin-access`
      await transport.call({ method: "POST", path, schema: adminAccessAnswer })
    },

    get: async (projectId: string): Promise<Project> => {
      const path = `/api/v1/projects/${encodeURIComponent(projectId)}`
      return (await transport.call({ method: "GET", path, schema: wrappedProject })).project
    },

    /** @throws ApiError "not-found" whose message names the slug that was probably meant */
    getBySlug: (slug: string): Promise<Project> =>
      transport.call({
        method: "GET",
        path: `/api/v1/projects/slug/${encodeURIComponent(slug)}`,
        schema: project,
      }),

    /** @throws ApiError "conflict" when the slug is taken */
    create: async (body: CreateProjectBody): Promise<Project> => {
      const answer = await transport.call({
        method: "POST",
        path: "/api/v1/projects",
        body,
        schema: wrappedProject,
      })
      return answer.project
    },

    /** What is left out stays as it is. @throws ApiError "invalid" when a new slug is taken */
    update: async (projectId: string, body: UpdateProjectBody): Promise<Project> =>
      (await transport.call({ method: "PATCH", path: one(projectId), body, schema: wrappedProject })).project,

    /** @throws ApiError "invalid" while the project is protected */
    delete: async (projectId: string): Promise<Project> =>
      (await transport.call({ method: "DELETE", path: one(projectId), schema: wrappedProject })).project,
  }
}

export function environmentsArea(transport: Transport) {
  const all = (projectId: string) => `/api/v1/projects/${encodeURIComponent(projectId)}/environments`
  const one = (projectId: string, id: string) => `${all(projectId)}/${encodeURIComponent(id)}`
  return {
    create: async (projectId: string, body: CreateEnvironmentBody): Promise<EnvironmentObject> => {
      const path = all(projectId)
      return (await transport.call({ method: "POST", path, body, schema: environmentAnswer })).environment
    },

    /** What is left out stays as it is; the others make room for a new position. */
    update: async (
      projectId: string,
      id: string,
      body: UpdateEnvironmentBody,
    ): Promise<EnvironmentObject> => {
      const path = one(projectId, id)
      return (await transport.call({ method: "PATCH", path, body, schema: environmentAnswer })).environment
    },

    /** With everything in it; the trash of the project keeps it. */
    delete: async (projectId: string, id: string): Promise<EnvironmentObject> => {
      const path = one(projectId, id)
      return (await transport.call({ method: "DELETE", path, schema: environmentAnswer })).environment
    },
  }
}
