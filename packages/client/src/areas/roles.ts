/** Roles of a project, built-in and custom. */
import {
  type CreateRoleBody,
  oneRoleAnswer,
  type RoleObject,
  type RoleSummary,
  roleListAnswer,
  type UpdateRoleBody,
} from "@coffer/contract"
import type { Transport } from "../transport.ts"

export function rolesArea(transport: Transport) {
  const all = (projectId: string) => `/api/v1/projects/${encodeURIComponent(projectId)}/roles`
  const one = (projectId: string, id: string) => `${all(projectId)}/${encodeURIComponent(id)}`
  return {
    /** Without their rules. */
    list: async (projectId: string): Promise<readonly RoleSummary[]> =>
      (await transport.call({ method: "GET", path: all(projectId), schema: roleListAnswer })).roles,

    /** @throws ApiError "not-found" */
    getBySlug: async (projectId: string, slug: string): Promise<RoleObject> => {
      const path = `${all(projectId)}/slug/${encodeURIComponent(slug)}`
      return (await transport.call({ method: "GET", path, schema: oneRoleAnswer })).role
    },

    create: async (projectId: string, body: CreateRoleBody): Promise<RoleObject> =>
      (await transport.call({ method: "POST", path: all(projectId), body, schema: oneRoleAnswer })).role,

    /** Counts at once for all who hold the role. */
    update: async (projectId: string, id: string, body: UpdateRoleBody): Promise<RoleObject> => {
      const path = one(projectId, id)
      return (await transport.call({ method: "PATCH", path, body, schema: oneRoleAnswer })).role
    },

    /** @throws ApiError while somebody holds it */
    delete: async (projectId: string, id: string): Promise<RoleObject> =>
      (await transport.call({ method: "DELETE", path: one(projectId, id), schema: oneRoleAnswer })).role,
  }
}
