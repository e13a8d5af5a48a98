/** Machine identities and their universal auth. */
import {
  type ClientSecretData,
  type CreateClientSecretBody,
  type CreateIdentityBody,
  clearLockoutsAnswer,
  clientSecretData,
  createClientSecretAnswer,
  type IdentityLogin,
  type IdentityObject,
  identityAnswer,
  identityListAnswer,
  identityLoginsAnswer,
  identityMembershipAnswer,
  type UniversalAuthAnswer,
  type UniversalAuthSettings,
  universalAuthAnswer,
} from "@coffer/contract"
import type { Transport } from "../transport.ts"

const identity = identityAnswer.extend({
  identity: identityAnswer.shape.identity.pick({ id: true, name: true, orgId: true }),
})
const listedIdentity = identityListAnswer.shape.identities.element
const identityList = identityListAnswer.extend({
  identities: listedIdentity
    .pick({ role: true })
    .extend({ identity: listedIdentity.shape.identity.pick({ id: true, name: true, authMethods: true }) })
    .array(),
})
const universalAuth = universalAuthAnswer.extend({
  identityUniversalAuth: universalAuthAnswer.shape.identityUniversalAuth.pick({
    id: true,
    clientId: true,
    identityId: true,
  }),
})
const withoutMethod = clientSecretData.omit({ identityUAId: true })
const newClientSecret = createClientSecretAnswer.extend({ clientSecretData: withoutMethod })
const oneClientSecret = newClientSecret.omit({ clientSecret: true })
const clientSecretList = oneClientSecret.extend({ clientSecretData: withoutMethod.array() })
const one = identityMembershipAnswer.extend({ identity: identityList.shape.identities.element })

export type { IdentityLogin } from "@coffer/contract"
export type Identity = Pick<IdentityObject, "id" | "name" | "orgId">
export type ListedIdentity = {
  readonly id: string
  readonly name: string
  /** In the organization. */
  readonly role: string
  readonly authMethods: readonly string[]
}
export type UniversalAuth = Pick<
  UniversalAuthAnswer["identityUniversalAuth"],
  "id" | "clientId" | "identityId"
>
/** All that is known of a client secret afterwards: not the secret. */
export type ClientSecret = Omit<ClientSecretData, "identityUAId">
export type NewClientSecret = {
  /** Shown by the server this once. */
  readonly clientSecret: string
  readonly clientSecretData: ClientSecret
}

export function identitiesArea(transport: Transport) {
  return {
    create: async (body: CreateIdentityBody): Promise<Identity> =>
      (await transport.call({ method: "POST", path: "/api/v1/identities", body, schema: identity })).identity,

    /** All identities of the organization whose name holds the text, by name, page by page. */
    async *list(nameContains = ""): AsyncGenerator<ListedIdentity> {
      const limit = 100
      for (let offset = 0; ; offset += limit) {
        const search = nameContains === "" ? {} : { name: { $contains: nameContains } }
        const { identities } = await transport.call({
          method: "POST",
          path: "/api/v1/identities/search",
          body: { search, limit, offset, orderBy: "name" },
          schema: identityList,
        })
        for (const { role, identity } of identities) yield { ...identity, role }
        if (identities.length < limit) return
      }
    },

    get: async (identityId: string): Promise<ListedIdentity> => {
      const path = `/api/v1/identities/${encodeURIComponent(identityId)}`
      const { role, identity } = (await transport.call({ method: "GET", path, schema: one })).identity
      return { ...identity, role }
    },

    /** How it logs in, and who may know how. Coffer only. */
    logins: async (identityId: string): Promise<readonly IdentityLogin[]> => {
      const path = `/api/coffer/v1/identities/${encodeURIComponent(identityId)}/logins`
      return (await transport.call({ method: "GET", path, schema: identityLoginsAnswer })).logins
    },

    /** Gives it another name, or another role in the organization. */
    update: async (
      identityId: string,
      change: { readonly name?: string; readonly role?: string },
    ): Promise<Identity> => {
      const path = `/api/v1/identities/${encodeURIComponent(identityId)}`
      return (await transport.call({ method: "PATCH", path, body: change, schema: identity })).identity
    },

    /** Revokes its tokens too. */
    delete: async (identityId: string): Promise<void> => {
      const path = `/api/v1/identities/${encodeURIComponent(identityId)}`
      await transport.call({ method: "DELETE", path, schema: identity })
    },
  }
}

export function universalAuthArea(transport: Transport) {
  const path = (identityId: string) =>
    `/api/v1/auth/universal-auth/identities/${encodeURIComponent(identityId)}`
  return {
    /** Lets the identity log in with a client id and client secrets. @throws ApiError "conflict" the second time */
    attach: async (identityId: string, settings: UniversalAuthSettings = {}): Promise<UniversalAuth> => {
      const call = { method: "POST", path: path(identityId), body: settings, schema: universalAuth } as const
      return (await transport.call(call)).identityUniversalAuth
    },

    /** @throws ApiError "not-found" when the identity does not log in this way */
    get: async (identityId: string): Promise<UniversalAuth> => {
      const call = { method: "GET", path: path(identityId), schema: universalAuth } as const
      return (await transport.call(call)).identityUniversalAuth
    },

    /** Lets those try again who showed a wrong client secret too often; how many counters that were. */
    clearLockouts: async (identityId: string): Promise<number> => {
      const url = `${path(identityId)}/clear-lockouts`
      return (await transport.call({ method: "POST", path: url, schema: clearLockoutsAnswer })).deleted
    },

    /** Those that are not revoked, the oldest first. */
    clientSecrets: async (identityId: string): Promise<readonly ClientSecret[]> => {
      const url = `${path(identityId)}/client-secrets`
      return (await transport.call({ method: "GET", path: url, schema: clientSecretList })).clientSecretData
    },

    /** One, also when it is revoked. */
    clientSecret: async (identityId: string, id: string): Promise<ClientSecret> => {
      const url = `${path(identityId)}/client-secrets/${encodeURIComponent(id)}`
      return (await transport.call({ method: "GET", path: url, schema: oneClientSecret })).clientSecretData
    },

    /** Ends a client secret and the tokens that came through it. */
    revokeClientSecret: async (identityId: string, id: string): Promise<ClientSecret> => {
      const url = `${path(identityId)}/client-secrets/${encodeURIComponent(id)}/revoke`
      return (await transport.call({ method: "POST", path: url, schema: oneClientSecret })).clientSecretData
    },

    createClientSecret: (identityId: string, body: CreateClientSecretBody = {}): Promise<NewClientSecret> =>
      transport.call({
        method: "POST",
        path: `${path(identityId)}/client-secrets`,
        body,
        schema: newClientSecret,
      }),
  }
}
