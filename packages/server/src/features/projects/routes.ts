import {
  createProjectBody,
  listProjectsQuery,
  updateProjectBody,
  updateWorkspaceBody,
} from "@coffer/contract"
import type { FastifyInstance } from "fastify"
import { endpoint, type HttpPorts, type Routes } from "../../http/index.ts"
import { presentProject, presentProjectWithRoles } from "./presenter.ts"
import {
  changeProject,
  createProject,
  deleteProject,
  getProject,
  listProjects,
  type ProjectChange,
  type ProjectsDeps,
} from "./service.ts"

/** Projects in all their wrappings: bare by slug, `project` or `workspace` by id (contract 1.9, gotcha 5). */
export function projectRoutes(deps: ProjectsDeps, ports: HttpPorts): Routes {
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
      endpoint(ports, { body: createProjectBody }, async ({ session, body }) => {
        const created = await createProject(deps, session, {
          name: body.projectName,
          description: body.projectDescription ?? null,
          slug: body.slug,
          withDefaultEnvironments: body.shouldCreateDefaultEnvs,
          hasDeleteProtection: body.hasDeleteProtection,
        })
        return { project: presentProject(created) }
      }),
    )
  }
}

function readRoutes(app: FastifyInstance, deps: ProjectsDeps, ports: HttpPorts): void {
  app.get(
    "/v1/projects",
    endpoint(ports, { query: listProjectsQuery }, async ({ session, query }) => {
      const views = await listProjects(deps, session)
      return { projects: views.map(query.includeRoles ? presentProjectWithRoles : presentProject) }
    }),
  )
  app.get(
    "/v1/workspace",
    endpoint(ports, {}, async ({ session }) => ({
      workspaces: (await listProjects(deps, session)).map(presentProject),
    })),
  )
  app.get(
    "/v1/projects/:projectId",
    endpoint(ports, {}, async ({ session, params }) => ({
      project: presentProject(await getProject(deps, session, byId(params))),
    })),
  )
  app.get(
    "/v1/workspace/:projectId",
    endpoint(ports, {}, async ({ session, params }) => ({
      workspace: presentProject(await getProject(deps, session, byId(params))),
    })),
  )
  for (const path of ["/v1/projects/slug/:slug", "/v1/workspace/slug/:slug", "/v2/workspace/:slug"]) {
    app.get(
      path,
      endpoint(ports, {}, async ({ session, params }) =>
        presentProject(await getProject(deps, session, bySlug(params))),
      ),
    )
  }
}

function changeRoutes(app: FastifyInstance, deps: ProjectsDeps, ports: HttpPorts): void {
  app.patch(
    "/v1/projects/:projectId",
    endpoint(ports, { body: updateProjectBody }, async ({ session, params, body }) => {
      const { pitVersionLimit, ...rest } = body
      const change: ProjectChange = { ...rest, versionLimit: pitVersionLimit }
      return { project: presentProject(await changeProject(deps, session, byId(params), change)) }
    }),
  )
  app.patch(
    "/v2/workspace/:slug",
    endpoint(ports, { body: updateWorkspaceBody }, async ({ session, params, body }) =>
      presentProject(await changeProject(deps, session, bySlug(params), body)),
    ),
  )
  app.delete(
    "/v1/projects/:projectId",
    endpoint(ports, {}, async ({ session, params }) => ({
      project: presentProject(await deleteProject(deps, session, byId(params))),
    })),
  )
  app.delete(
    "/v2/workspace/:slug",
    endpoint(ports, {}, async ({ session, params }) =>
      presentProject(await deleteProject(deps, session, bySlug(params))),
    ),
  )
}
