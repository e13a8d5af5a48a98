/** Who belongs to a project, people and machine identities, and with which roles. */
import {
  addMembersAnswer,
  identityMembershipCreatedAnswer,
  identityMembershipListAnswer,
  identityMembershipRolesAnswer,
  memberListAnswer,
  memberRemovedAnswer,
  memberRolesAnswer,
} from "@coffer/contract"
import type { Transport } from "../transport.ts"

const membership = identityMembershipCreatedAnswer.extend({
  identityMembership: identityMembershipCreatedAnswer.shape.identityMembership.pick({
    id: true,
    projectId: true,
    identityId: true,
  }),
})

export type Membership = { readonly id: string; readonly projectId: string; readonly identityId: string }

const pageSize = 100
const rolesOf = (roles: readonly string[]) => ({ roles: roles.map((role) => ({ role })) })

/** Custom roles are named by their slug. */
export function membershipsArea(transport: Transport) {
  const people = (projectId: string) => `/api/v1/projects/${encodeURIComponent(projectId)}/memberships`
  const person = (projectId: string, membershipId: string) =>
    `${people(projectId)}/${encodeURIComponent(membershipId)}`
  const identities = (projectId: string) => `${people(projectId)}/identities`
  const identity = (projectId: string, identityId: string) =>
    `${identities(projectId)}/${encodeURIComponent(identityId)}`
  return {
    /** All people of a project, by e-mail address. */
    people: async (projectId: string) => {
      const found = []
      for (let offset = 0; ; offset += pageSize) {
        const query = { offset, limit: pageSize }
        const call = { method: "GET", path: people(projectId), query, schema: memberListAnswer } as const
        const { memberships } = await transport.call(call)
        found.push(...memberships)
        if (memberships.length < pageSize) return found
      }
    },

    /** All identities of a project, by name. */
    identities: async (projectId: string) => {
      const found = []
      for (let offset = 0; ; offset += pageSize) {
        const { identityMemberships } = await transport.call({
          method: "GET",
          path: identities(projectId),
          query: { offset, limit: pageSize },
          schema: identityMembershipListAnswer,
        })
        found.push(...identityMemberships)
        if (identityMemberships.length < pageSize) return found
      }
    },

    /** Adds somebody of the organization; who is a member already keeps the roles of before. */
    addPerson: async (projectId: string, email: string, roles: readonly string[]): Promise<void> => {
      const body = { emails: [email], roleSlugs: [...roles] }
      await transport.call({ method: "POST", path: people(projectId), body, schema: addMembersAnswer })
    },

    /** @param membershipId as {@link people} lists it */
    replaceRolesOfPerson: async (
      projectId: string,
      membershipId: string,
      roles: readonly string[],
    ): Promise<void> => {
      const path = person(projectId, membershipId)
      await transport.call({ method: "PATCH", path, body: rolesOf(roles), schema: memberRolesAnswer })
    },

    removePerson: async (projectId: string, membershipId: string): Promise<void> => {
      const path = person(projectId, membershipId)
      await transport.call({ method: "DELETE", path, schema: memberRemovedAnswer })
    },

    /** Gives an identity roles in a project. @throws ApiError "conflict" when it is a member already */
    addIdentity: async (
      projectId: string,
      identityId: string,
      ...roles: readonly string[]
    ): Promise<Membership> => {
      const path = identity(projectId, identityId)
      const answer = await transport.call({ method: "POST", path, body: rolesOf(roles), schema: membership })
      return answer.identityMembership
    },

    replaceRolesOfIdentity: async (
      projectId: string,
      identityId: string,
      roles: readonly string[],
    ): Promise<void> => {
      const path = identity(projectId, identityId)
      const schema = identityMembershipRolesAnswer
      await transport.call({ method: "PATCH", path, body: rolesOf(roles), schema })
    },

    removeIdentity: async (projectId: string, identityId: string): Promise<void> => {
      await transport.call({ method: "DELETE", path: identity(projectId, identityId), schema: membership })
    },
  }
}
