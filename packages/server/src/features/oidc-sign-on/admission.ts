import type { Writer, WriteScope } from "../../db/database.ts"
import { AppError } from "../../errors.ts"
import type { Keyring } from "../../keyring/keyring.ts"
import { endEpoch } from "../../use-case/index.ts"
import { takeInvitationOf } from "../invitations/index.ts"
import type { SessionsDeps } from "../sessions/index.ts"
import { findUser, findUserByEmail, insertMembership, insertUser } from "../users/index.ts"
import { type Claims, judgeAddress, type Refusal, Refused, type SignOn } from "./domain.ts"
import { findLinked, insertLink, isLinked, listMemberships } from "./store.ts"

export type AdmissionDeps = SessionsDeps & { readonly keyring: Keyring }

export type Person = { readonly id: string; readonly email: string }
type Found =
  | { readonly kind: "person"; readonly person: Person }
  | { readonly kind: "refused"; readonly reason: Refusal }

/**
 * Who somebody is that the organization's provider vouches for; inside the caller's write.
 * @throws Refused
 */
export async function admit(
  deps: AdmissionDeps,
  scope: WriteScope,
  of: { readonly signOn: SignOn; readonly claims: Claims; readonly now: number },
): Promise<Person> {
  const found = await identify(deps, scope, of)
  if (found.kind === "refused") throw new Refused(found.reason)
  await requireOnlyMember(scope.db, of.signOn.orgId, found.person.id)
  return found.person
}

/** A provider speaks for active members of its own organization, and of no other. @throws Refused */
export async function requireOnlyMember(db: Writer, orgId: string, userId: string): Promise<void> {
  const memberships = await listMemberships(db, userId)
  if (memberships.length > 1) throw new Refused("belongs-elsewhere")
  const [here] = memberships
  if (here?.orgId !== orgId || !here.isActive) throw new Refused("not-active")
}

async function identify(
  deps: AdmissionDeps,
  scope: WriteScope,
  of: { readonly signOn: SignOn; readonly claims: Claims; readonly now: number },
): Promise<Found> {
  const { signOn, claims, now } = of
  const link = { orgId: signOn.orgId, issuer: signOn.issuer, subject: claims.subject }
  const linkedId = await findLinked(scope.db, link)
  const linked = linkedId === undefined ? undefined : await findUser(scope.db, linkedId)
  if (linked !== undefined) return { kind: "person", person: linked }
  const problem = judgeAddress(signOn, claims)
  if (problem !== undefined) return { kind: "refused", reason: problem }
  const found = await byAddress(deps, scope, of)
  if (found.kind === "person") await insertLink(scope.db, { ...link, userId: found.person.id }, now)
  return found
}

/** By an address that the provider has verified: a member, somebody invited, or whoever comes if that is set. */
async function byAddress(
  deps: AdmissionDeps,
  scope: WriteScope,
  of: { readonly signOn: SignOn; readonly claims: Claims; readonly now: number },
): Promise<Found> {
  const { signOn, claims, now } = of
  const { orgId } = signOn
  const email = claims.email ?? ""
  const user = await findUserByEmail(scope.db, email)
  const memberships = user === undefined ? [] : await listMemberships(scope.db, user.id)
  if (memberships.some((one) => one.orgId !== orgId)) return { kind: "refused", reason: "belongs-elsewhere" }
  if (user !== undefined && (await isLinked(scope.db, { orgId, issuer: signOn.issuer, userId: user.id }))) {
    return { kind: "refused", reason: "not-invited" }
  }
  if (user !== undefined && memberships.length > 0) return { kind: "person", person: user }
  const person = user ?? { id: deps.random.uuid(), email }
  const { firstName, lastName } = claims
  const enter = async () => {
    if (user === undefined) {
      await insertUser(scope.db, { ...person, firstName, lastName, passwordHash: "" }, now)
    }
  }
  if (await isTaken(takeInvitationOf(deps, scope, { orgId, person, now, enter }))) {
    return { kind: "person", person }
  }
  if (signOn.defaultRole === null) return { kind: "refused", reason: "not-invited" }
  await enter()
  const membership = { id: deps.random.uuid(), orgId, userId: person.id, role: signOn.defaultRole }
  await insertMembership(scope.db, membership, now)
  await endEpoch(deps, { db: scope.db, afterCommit: (effect) => scope.afterCommit(effect) }, [person.id])
  return { kind: "person", person }
}

/** An invitation that no longer holds is none; the write is undone with the refusal that follows. */
async function isTaken(taking: Promise<boolean>): Promise<boolean> {
  try {
    return await taking
  } catch (error) {
    if (error instanceof AppError && error.kind === "forbidden") throw new Refused("not-invited")
    throw error
  }
}
