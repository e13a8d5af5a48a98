import {
  createRoleBody,
  oneRoleAnswer,
  type RoleObject,
  type RoleSummary,
  roleListAnswer,
  updateRoleBody,
} from "@coffer/contract"
import type { FastifyInstance } from "fastify"
import { endpoint, type HttpPorts, isoTime, type Routes } from "../../http/index.ts"
import type { Role } from "./domain.ts"
import { changeRole, createRole, deleteRole, getRole, listRolesOfProject, type RolesDeps } from "./service.ts"

const path = "/v1/projects/:projectId/roles"

type Params = Readonly<Record<string, string>>
const projectOf = (params: Params) => params["projectId"] ?? ""
const idOf = (params: Params) => params["roleId"] ?? ""

/** Roles of a project (contract 4.4). */
export function roleRoutes(deps: RolesDeps, ports: HttpPorts): Routes {
  return (app) => {
    readRoutes(app, deps, ports)
    writeRoutes(app, deps, ports)
  }
}

function readRoutes(app: FastifyInstance, deps: RolesDeps, ports: HttpPorts): void {
  app.get(
    path,
    endpoint(
      ports,
      { summary: "Roles of a project, built-in and custom", answer: roleListAnswer },
      async ({ session, params }) => ({
        roles: (await listRolesOfProject(deps, session, projectOf(params))).map(presentSummary),
      }),
    ),
  )
  app.get(
    `${path}/slug/:roleSlug`,
    endpoint(
      ports,
      { summary: "One role with its rules, by slug", answer: oneRoleAnswer },
      async ({ session, params }) => {
        const slug = params["roleSlug"] ?? ""
        return { role: presentRole(await getRole(deps, session, projectOf(params), { slug })) }
      },
    ),
  )
  app.get(
    `${path}/:roleId`,
    endpoint(
      ports,
      { summary: "One role with its rules", answer: oneRoleAnswer },
      async ({ session, params }) => ({
        role: presentRole(await getRole(deps, session, projectOf(params), { id: idOf(params) })),
      }),
    ),
  )
}

function writeRoutes(app: FastifyInstance, deps: RolesDeps, ports: HttpPorts): void {
  app.post(
    path,
    endpoint(
      ports,
      { summary: "Make a custom role", body: createRoleBody, answer: oneRoleAnswer },
      async ({ session, params, body }) => {
        const { slug, name, permissions } = body
        const wanted = { slug, name, permissions, description: body.description ?? null }
        const role = await createRole(deps, session, { ...wanted, projectId: projectOf(params) })
        return { role: presentRole(role) }
      },
    ),
  )
  app.patch(
    `${path}/:roleId`,
    endpoint(
      ports,
      {
        summary: "Change a custom role for all who hold it",
        body: updateRoleBody,
        answer: oneRoleAnswer,
      },
      async ({ session, params, body }) => {
        const { slug, name, description, permissions } = body
        const change = { slug, name, description, permissions }
        const where = { projectId: projectOf(params), roleId: idOf(params) }
        return { role: presentRole(await changeRole(deps, session, { ...where, ...change })) }
      },
    ),
  )
  app.delete(
    `${path}/:roleId`,
    endpoint(
      ports,
      { summary: "Delete a custom role that nobody holds", answer: oneRoleAnswer },
      async ({ session, params }) => {
        const where = { projectId: projectOf(params), roleId: idOf(params) }
        return { role: presentRole(await deleteRole(deps, session, where)) }
      },
    ),
  )
}

function presentSummary(role: Role): RoleSummary {
  return {
    id: role.id,
    name: role.name,
    slug: role.slug,
    description: role.description,
    projectId: role.projectId,
    version: role.version,
    createdAt: isoTime(role.createdAt),
    updatedAt: isoTime(role.updatedAt),
  }
}

function presentRole(role: Role): RoleObject {
  return { ...presentSummary(role), permissions: role.permissions.map((rule) => ({ ...rule })) }
}
