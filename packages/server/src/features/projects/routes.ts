import {
  createProjectBody,
  listProjectsQuery,
  projectAnswer,
  projectListAnswer,
  updateProjectBody,
  updateWorkspaceBody,
  workspaceListAnswer,
  wrappedProjectAnswer,
  wrappedWorkspaceAnswer,
} from "@coffer/contract"
import type { FastifyInstance } from "fastify"
import { endpoint, type HttpPorts, type Routes } from "../../http/index.ts"
import { presentProject, presentProjectWithRoles } from "./presenter.ts"
import {
  changeProject,
  createProject,
  type DeletionDeps,
  deleteProject,
  getProject,
  listProjects,
  type ProjectChange,
  type ProjectsDeps,
} from "./service.ts"

/** Projects in all their wrappings: bare by slug, `project` or `workspace` by id (contract 1.9, gotcha 5). */
export function projectRoutes(deps: DeletionDeps, ports: HttpPorts): Routes {
  return (app) => {
    createRoutes(app, deps, ports)
    readRoutes(app, deps, ports)
    changeRoutes(app, deps, ports)
  }
}

type Params = Readonly<Record<string, string>>
const byId = (params: Params) => ({ kind: "id", id: params["projectId"] ?? "" }) as const
const bySlug = (params: Params) => ({ kind: "slug", slug: (params["slug"] ?? "").trim() }) as const

function createRoutes(app: FastifyInstance, deps: ProjectsDeps, ports: HttpPorts): void {
  for (const path of ["/v1/projects", "/v2/workspace"]) {
    app.post(
      path,
      endpoint(
        ports,
        { summary: "Create a project", body: createProjectBody, answer: wrappedProjectAnswer },
        async ({ session, body }) => {
          const created = await createProject(deps, session, {
            name: body.projectName,
            description: body.projectDescription ?? null,
            slug: body.slug,
            withDefaultEnvironments: body.shouldCreateDefaultEnvs,
            hasDeleteProtection: body.hasDeleteProtection,
          })
          return { project: presentProject(created) }
        },
      ),
    )
  }
}

function readRoutes(app: FastifyInstance, deps: ProjectsDeps, ports: HttpPorts): void {
  app.get(
    "/v1/projects",
    endpoint(
      ports,
      {
        summary: "List the projects the caller belongs to",
        query: listProjectsQuery,
        answer: projectListAnswer,
      },
      async ({ session, query }) => {
        const isOurs = query.type === undefined || ["secret-manager", "all"].includes(query.type)
        const views = (await listProjects(deps, session)).filter(() => isOurs)
        return { projects: views.map(query.includeRoles ? presentProjectWithRoles : presentProject) }
      },
    ),
  )
  app.get(
    "/v1/workspace",
    endpoint(
      ports,
      { summary: "List the projects the caller belongs to", answer: workspaceListAnswer },
      async ({ session }) => ({
        workspaces: (await listProjects(deps, session)).map(presentProject),
      }),
    ),
  )
  app.get(
    "/v1/projects/:projectId",
    endpoint(
      ports,
      { summary: "One project", answer: wrappedProjectAnswer },
      async ({ session, params }) => ({
        project: presentProject(await getProject(deps, session, byId(params))),
      }),
    ),
  )
  app.get(
    "/v1/workspace/:projectId",
    endpoint(
      ports,
      { summary: "One project", answer: wrappedWorkspaceAnswer },
      async ({ session, params }) => ({
        workspace: presentProject(await getProject(deps, session, byId(params))),
      }),
    ),
  )
  for (const path of ["/v1/projects/slug/:slug", "/v1/workspace/slug/:slug", "/v2/workspace/:slug"]) {
    app.get(
      path,
      endpoint(
        ports,
        { summary: "One project, by its slug", answer: projectAnswer },
        async ({ session, params }) => presentProject(await getProject(deps, session, bySlug(params))),
      ),
    )
  }
}

function changeRoutes(app: FastifyInstance, deps: DeletionDeps, ports: HttpPorts): void {
  app.patch(
    "/v1/projects/:projectId",
    endpoint(
      ports,
      { summary: "Change a project", body: updateProjectBody, answer: wrappedProjectAnswer },
      async ({ session, params, body }) => {
        const { pitVersionLimit, ...rest } = body
        const change: ProjectChange = { ...rest, versionLimit: pitVersionLimit }
        return { project: presentProject(await changeProject(deps, session, byId(params), change)) }
      },
    ),
  )
  app.patch(
    "/v2/workspace/:slug",
    endpoint(
      ports,
      { summary: "Change a project, by its slug", body: updateWorkspaceBody, answer: projectAnswer },
      async ({ session, params, body }) =>
        presentProject(await changeProject(deps, session, bySlug(params), body)),
    ),
  )
  app.delete(
    "/v1/projects/:projectId",
    endpoint(
      ports,
      { summary: "Delete a project", answer: wrappedProjectAnswer },
      async ({ session, params }) => ({
        project: presentProject(await deleteProject(deps, session, byId(params))),
      }),
    ),
  )
  app.delete(
    "/v2/workspace/:slug",
    endpoint(
      ports,
      { summary: "Delete a project, by its slug", answer: projectAnswer },
      async ({ session, params }) => presentProject(await deleteProject(deps, session, bySlug(params))),
    ),
  )
}
