/** Groups of people, who belongs to them, and their roles in projects. */
import {
  changedGroupUserAnswer,
  groupListAnswer,
  groupObject,
  groupUsersAnswer,
  projectGroupAnswer,
  projectGroupListAnswer,
  projectGroupRolesAnswer,
} from "@coffer/contract"
import type { Transport } from "../transport.ts"

const group = groupObject.pick({ id: true, name: true, slug: true })
const groups = groupListAnswer.element.pick({ id: true, name: true, slug: true }).array()

/** Groups are named by id or slug. */
export function groupsArea(transport: Transport) {
  const one = (named: string) => `/api/v1/groups/${encodeURIComponent(named)}`
  const user = (named: string, email: string) => `${one(named)}/users/${encodeURIComponent(email)}`
  const inProject = (projectId: string) => `/api/v1/projects/${encodeURIComponent(projectId)}/groups`
  const grant = (projectId: string, named: string) => `${inProject(projectId)}/${encodeURIComponent(named)}`
  return {
    /** The first thousand, by name. */
    list: () => transport.call({ method: "GET", path: "/api/v1/groups", schema: groups }),

    /** @param slug made of the name when it is absent */
    create: (of: { readonly name: string; readonly slug?: string | undefined }) =>
      transport.call({ method: "POST", path: "/api/v1/groups", body: of, schema: group }),

    delete: (named: string) => transport.call({ method: "DELETE", path: one(named), schema: group }),

    /** Who belongs to the group; the first hundred, by e-mail address. */
    users: async (named: string) => {
      const query = { filter: "existingMembers", limit: 100 }
      return await transport.call({
        method: "GET",
        path: `${one(named)}/users`,
        query,
        schema: groupUsersAnswer,
      })
    },

    addUser: (named: string, email: string) =>
      transport.call({ method: "POST", path: user(named, email), schema: changedGroupUserAnswer }),

    removeUser: (named: string, email: string) =>
      transport.call({ method: "DELETE", path: user(named, email), schema: changedGroupUserAnswer }),

    /** The groups of a project with their roles; the first thousand, by name. */
    ofProject: async (projectId: string) =>
      (await transport.call({ method: "GET", path: inProject(projectId), schema: projectGroupListAnswer }))
        .groupMemberships,

    /** Lets a group into a project with these roles. @throws ApiError when it is in the project already */
    addToProject: async (projectId: string, named: string, roles: readonly string[]): Promise<void> => {
      const body = { roles: roles.map((role) => ({ role })) }
      const path = grant(projectId, named)
      await transport.call({ method: "POST", path, body, schema: projectGroupAnswer })
    },

    /** Puts these roles in the place of those the group has in a project. */
    replaceRoles: async (projectId: string, named: string, roles: readonly string[]): Promise<void> => {
      const body = { roles: roles.map((role) => ({ role })) }
      const path = grant(projectId, named)
      await transport.call({ method: "PATCH", path, body, schema: projectGroupRolesAnswer })
    },

    removeFromProject: async (projectId: string, named: string): Promise<void> => {
      await transport.call({ method: "DELETE", path: grant(projectId, named), schema: projectGroupAnswer })
    },
  }
}
