import type { IdentityMembershipObject, IdentityObject } from "@coffer/contract"
import { isoTime } from "../../http/index.ts"
import type { Identity } from "./store.ts"

export function presentIdentity(identity: Identity): IdentityObject {
  return {
    id: identity.id,
    name: identity.name,
    orgId: identity.orgId,
    projectId: null,
    authMethod: identity.authMethods[0] ?? null,
    authMethods: [...identity.authMethods],
    hasDeleteProtection: identity.hasDeleteProtection,
    metadata: identity.metadata.map(({ key, value }) => ({ key, value })),
    createdAt: isoTime(identity.createdAt),
    updatedAt: isoTime(identity.updatedAt),
  }
}

export function presentMember(identity: Identity): IdentityMembershipObject {
  return {
    id: identity.membershipId,
    role: identity.role,
    orgId: identity.orgId,
    identityId: identity.id,
    createdAt: isoTime(identity.createdAt),
    updatedAt: isoTime(identity.updatedAt),
    metadata: identity.metadata.map(({ key, value }) => ({ key, value })),
    identity: {
      id: identity.id,
      name: identity.name,
      authMethods: [...identity.authMethods],
      hasDeleteProtection: identity.hasDeleteProtection,
    },
  }
}
