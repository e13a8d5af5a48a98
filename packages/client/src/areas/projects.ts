/** Projects and their environments. */
import {
  type CreateEnvironmentBody,
  type CreateProjectBody,
  type EnvironmentObject,
  environmentAnswer,
  type ProjectAnswer,
  projectAnswer,
  projectListAnswer,
  wrappedProjectAnswer,
} from "@coffer/contract"
import type { Transport } from "../transport.ts"

/** The part of a project that every server of the contract sends. */
const project = projectAnswer.pick({
  id: true,
  name: true,
  slug: true,
  orgId: true,
  description: true,
  environments: true,
})
const wrappedProject = wrappedProjectAnswer.extend({ project })
const projectList = projectListAnswer.extend({ projects: project.array() })

export type Project = Pick<ProjectAnswer, "id" | "name" | "slug" | "orgId" | "description" | "environments">

export function projectsArea(transport: Transport) {
  return {
    /** Those the caller is a member of. */
    list: async (): Promise<readonly Project[]> => {
      const answer = await transport.call({ method: "GET", path: "/api/v1/projects", schema: projectList })
      return answer.projects
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
  }
}

export function environmentsArea(transport: Transport) {
  return {
    create: async (projectId: string, body: CreateEnvironmentBody): Promise<EnvironmentObject> => {
      const path = `/api/v1/projects/${encodeURIComponent(projectId)}/environments`
      return (await transport.call({ method: "POST", path, body, schema: environmentAnswer })).environment
    },
  }
}
