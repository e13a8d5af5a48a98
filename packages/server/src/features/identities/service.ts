import { requireKind, type Session } from "../../actor.ts"
import type { Reader } from "../../db/database.ts"
import { AppError } from "../../errors.ts"
import {
  answerRead,
  endEpoch,
  type OrganizationWrite,
  type ReadDeps,
  writeInOrganization,
} from "../../use-case/index.ts"
import { authorizeInOrganization, requireCovers } from "../authorization/index.ts"
import { listIdentityMemberships, removeMember } from "../memberships/index.ts"
import {
  findIdentity,
  findOrganization,
  type Identity,
  insertIdentity,
  listIdentities,
  type MetadataEntry,
  removeIdentity,
  updateIdentity,
} from "./store.ts"

export type IdentitiesDeps = ReadDeps

export type NewIdentity = {
  readonly name: string
  readonly role: string
  readonly hasDeleteProtection: boolean
  readonly metadata: readonly MetadataEntry[]
}

/** Creates an identity in the actor's organization, with an organization role that the actor's covers. */
export async function createIdentity(
  deps: IdentitiesDeps,
  session: Session,
  input: NewIdentity & { readonly organizationId: string },
): Promise<Identity> {
  return await writeInOrganization(deps, session, async (write) => {
    authorizeInOrganization(write.actor, "create-identities")
    requireOwnOrganization(write.actor.orgId, input.organizationId)
    requireCovers(write.actor, input.role)
    const identity = await addIdentity(deps, write, { ...input, orgId: write.actor.orgId })
    write.audit("create-identity", aboutIdentity(identity))
    return identity
  })
}

/** Inserts an identity; the caller has authorised it. */
export async function addIdentity(
  deps: Pick<IdentitiesDeps, "random">,
  write: Pick<OrganizationWrite, "db" | "now">,
  of: NewIdentity & { readonly orgId: string },
): Promise<Identity> {
  const identity: Identity = {
    id: deps.random.uuid(),
    membershipId: deps.random.uuid(),
    orgId: of.orgId,
    name: of.name,
    role: of.role,
    hasDeleteProtection: of.hasDeleteProtection,
    metadata: of.metadata.map(({ key, value }) => ({ key, value })),
    authMethods: [],
    createdAt: write.now,
    updatedAt: write.now,
  }
  await insertIdentity(write.db, identity)
  return identity
}

export async function changeIdentity(
  deps: IdentitiesDeps,
  session: Session,
  identityId: string,
  change: {
    readonly name?: string | undefined
    readonly role?: string | undefined
    readonly hasDeleteProtection?: boolean | undefined
    readonly metadata?: readonly MetadataEntry[] | undefined
  },
): Promise<Identity> {
  return await writeInOrganization(
    deps,
    session,
    async (write) => {
      authorizeInOrganization(write.actor, "edit-identities")
      const old = await getCoveredIdentity(write, identityId)
      if (change.role !== undefined) requireCovers(write.actor, change.role)
      const identity: Identity = {
        ...old,
        name: change.name ?? old.name,
        role: change.role ?? old.role,
        hasDeleteProtection: change.hasDeleteProtection ?? old.hasDeleteProtection,
        metadata: change.metadata?.map(({ key, value }) => ({ key, value })) ?? old.metadata,
        updatedAt: write.now,
      }
      await updateIdentity(write.db, identity)
      await endEpoch(deps, write, [identityId])
      write.audit("update-identity", aboutIdentity(identity))
      return identity
    },
    { endsOwnEpoch: identityId === session.actor.id },
  )
}

/** Deletes an identity with its credentials and memberships; its tokens are dead at once. */
export async function deleteIdentity(
  deps: IdentitiesDeps,
  session: Session,
  identityId: string,
): Promise<Identity> {
  return await writeInOrganization(
    deps,
    session,
    async (write) => {
      authorizeInOrganization(write.actor, "delete-identities")
      const identity = await getCoveredIdentity(write, identityId)
      if (identity.hasDeleteProtection) {
        throw new AppError(
          "invalid",
          "BadRequest",
          "Identity has delete protection; switch hasDeleteProtection off first",
        )
      }
      await removeMember(write.db, identityId)
      await removeIdentity(write.db, identity)
      write.afterCommit(() => deps.actors.forget(identityId))
      write.audit("delete-identity", aboutIdentity(identity))
      return identity
    },
    { endsOwnEpoch: identityId === session.actor.id },
  )
}

export async function getIdentity(
  deps: IdentitiesDeps,
  session: Session,
  identityId: string,
): Promise<Identity> {
  return await answerRead(deps, session, async (scope) => {
    authorizeInOrganization(scope.session.actor, "read-identities")
    const identity = await requireIdentity(scope.reader, scope.session.actor.orgId, identityId)
    scope.audit("get-identity", null, { identityId, name: identity.name })
    return identity
  })
}

export type IdentityQuery = {
  readonly offset: number
  readonly limit: number
  /** The organization that the caller means, when it says so. */
  readonly orgId?: string | undefined
  /** Decides which identities are meant; all without it. */
  readonly matches?: (identity: Identity) => boolean
  readonly compare?: (left: Identity, right: Identity) => number
}

/** @throws AppError "forbidden" when the caller means another organization than its own */
export async function searchIdentities(
  deps: IdentitiesDeps,
  session: Session,
  query: IdentityQuery,
): Promise<{ readonly identities: readonly Identity[]; readonly totalCount: number }> {
  return await answerRead(deps, session, async (scope) => {
    const { orgId } = scope.session.actor
    requireOwnOrganization(orgId, query.orgId ?? orgId)
    authorizeInOrganization(scope.session.actor, "read-identities")
    const all = await listIdentities(scope.reader, orgId)
    const found = query.matches === undefined ? all : all.filter(query.matches)
    if (query.compare !== undefined) found.sort(query.compare)
    const identities = found.slice(query.offset, query.offset + query.limit)
    scope.audit("get-identities", null, { numberOfIdentities: identities.length })
    return { identities, totalCount: found.length }
  })
}

const maxMemberships = 1_000

/** The projects an identity belongs to, with its roles there. */
export async function listMembershipsOfIdentity(deps: IdentitiesDeps, session: Session, identityId: string) {
  return await answerRead(deps, session, async (scope) => {
    authorizeInOrganization(scope.session.actor, "read-identities")
    await requireIdentity(scope.reader, scope.session.actor.orgId, identityId)
    const page = { offset: 0, limit: maxMemberships }
    const { memberships } = await listIdentityMemberships(scope.reader, { identityId }, page)
    scope.audit("get-identity-project-memberships", null, {
      identityId,
      numberOfMemberships: memberships.length,
    })
    return memberships
  })
}

/** The caller's own organization. */
export async function getOwnOrganization(
  deps: IdentitiesDeps,
  session: Session,
): Promise<{ readonly id: string; readonly name: string; readonly slug: string }> {
  return await answerRead(deps, session, async (scope) => {
    const { actor } = scope.session
    requireKind(actor, "identity")
    const organization = await findOrganization(scope.reader, actor.orgId)
    if (organization === undefined) throw new AppError("not-found", "NotFound", "Organization not found")
    scope.audit("get-identity", null, { identityId: actor.id, name: actor.name })
    return organization
  })
}

/** @throws AppError "not-found" when the organization has no such identity */
export async function requireIdentity(db: Reader, orgId: string, identityId: string): Promise<Identity> {
  const identity = await findIdentity(db, orgId, identityId)
  if (identity !== undefined) return identity
  throw new AppError("not-found", "NotFound", `Identity with ID '${identityId}' not found`)
}

/** An identity the actor may act for: its organization role is not above the actor's. */
export async function getCoveredIdentity(write: OrganizationWrite, identityId: string): Promise<Identity> {
  const identity = await requireIdentity(write.db, write.actor.orgId, identityId)
  requireCovers(write.actor, identity.role)
  return identity
}

function requireOwnOrganization(own: string, wanted: string): void {
  if (own === wanted) return
  throw new AppError("forbidden", "ForbiddenError", "You are not a member of this organization")
}

function aboutIdentity(identity: Identity) {
  const { id: identityId, name, hasDeleteProtection, role } = identity
  const metadata = identity.metadata.map(({ key, value }) => ({ key, value }))
  return { identityId, name, hasDeleteProtection, role, metadata }
}
