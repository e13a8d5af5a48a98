import { newPassword } from "@coffer/contract"
import type { Session } from "../../actor.ts"
import type { AuditActor, AuditSource } from "../../audit/audit-event.ts"
import { ActorCache, actorAt } from "../../cache/index.ts"
import type { Writer, WriteScope } from "../../db/database.ts"
import { unlessTaken } from "../../db/index.ts"
import { AppError } from "../../errors.ts"
import { endEpoch } from "../../use-case/index.ts"
import { type Attempt, forgive, takePasswordAttempt } from "../attempts/index.ts"
import { grantMembership } from "../memberships/index.ts"
import type { Passwords } from "../passwords/index.ts"
import {
  findUserByEmail,
  insertMembership,
  insertUser,
  lockPassword,
  setNames,
  setPasswordHash,
  type User,
} from "../users/index.ts"
import type { Invitation } from "./domain.ts"
import { requireMayGive, rolesByProject } from "./giving.ts"
import { hashOf, type InvitationsDeps } from "./invitations.ts"
import {
  findByToken,
  findInvitation,
  findOrganization,
  isInUse,
  isMember,
  isVouchedForElsewhere,
  removeInvitation,
  takeInvitation,
} from "./store.ts"

export type AcceptDeps = InvitationsDeps & { readonly passwords: Passwords }

export type Acceptance = {
  readonly token: string
  readonly password: string | undefined
  readonly firstName: string
  readonly lastName: string
}

export type Accepted = {
  readonly user: { readonly id: string; readonly email: string }
  readonly organization: { readonly id: string; readonly name: string; readonly slug: string }
  readonly isNewAccount: boolean
}

/** What the holder of a token may know before accepting. @throws AppError "unauthenticated" when it is no good */
export async function lookUp(
  deps: AcceptDeps,
  token: string,
): Promise<{
  readonly invitation: Invitation
  readonly organization: Accepted["organization"]
  readonly hasAccount: boolean
}> {
  const { reader } = deps.database
  const invitation = await findByToken(reader, hashOf(deps, token), deps.clock.now())
  if (invitation === undefined) throw tokenIsNoGood()
  const user = await findUserByEmail(reader, invitation.email)
  const hasAccount = user !== undefined && (await isInUse(reader, user))
  return { invitation, organization: await findOrganization(reader, invitation.orgId), hasAccount }
}

/** How the person who accepts shows to be the one who was invited. */
type Proof =
  | { readonly kind: "new-account"; readonly passwordHash: string; readonly left: User | undefined }
  | { readonly kind: "password"; readonly user: User; readonly attempt: Attempt }
  | { readonly kind: "session"; readonly user: User }

/**
 * Uses an invitation up. A new account gets the password that was sent with it; the holder of an account that exists
 * proves to be it by its password or a session, because the link has been seen by who sent it.
 *
 * @param caller who is logged in, if anybody
 * @throws AppError "unauthenticated" when the token is no good or the proof is wrong, "forbidden" when the sender may no
 * longer give what the invitation gives, or the session is somebody else's
 */
export async function accept(
  deps: AcceptDeps,
  source: AuditSource,
  input: Acceptance,
  caller: Session | undefined,
): Promise<Accepted> {
  const tokenHash = hashOf(deps, input.token)
  const { invitation } = await lookUp(deps, input.token)
  const proof = await proofOf(deps, { source, input, caller, invitation })
  const accepting = deps.database.write(async (scope) => {
    const now = deps.clock.now()
    if (!(await takeInvitation(scope.db, invitation.id, tokenHash))) throw tokenIsNoGood()
    if (await isMember(scope.db, invitation.orgId, invitation.email)) {
      throw new AppError("invalid", "BadRequest", "You belong to the organization already")
    }
    await requireSenderMayGive(scope.db, invitation, now)
    const user = await prove(deps, scope.db, { proof, input, invitation })
    if (await isVouchedForElsewhere(scope.db, invitation.orgId, user.id)) throw belongsToProvider()
    await join(deps, scope, { user, invitation, now })
    const actor: AuditActor = { type: "user", id: user.id, name: user.email, authMethod: "invitation" }
    const isNewAccount = proof.kind === "new-account"
    const { id: invitationId, role, orgId } = invitation
    const metadata = { invitationId, userId: user.id, role, isNewAccount }
    const event = { type: "accept-invitation", orgId, projectId: null, actor, source, metadata } as const
    scope.audit({ id: deps.random.uuid(), at: now, ...event })
    return { user, organization: await findOrganization(scope.db, orgId), isNewAccount }
  })
  return await unlessTaken(accepting, addressTaken)
}

/**
 * Lets in somebody whom the organization's own identity provider vouches for, if an invitation waits for the address.
 *
 * @param of.enter makes the account, unless there is one
 * @returns false when there is none
 * @throws AppError "forbidden" when its sender may no longer give what it gives
 */
export async function takeInvitationOf(
  deps: Pick<AcceptDeps, "random" | "actors" | "signal"> & Parameters<typeof grantMembership>[0],
  scope: WriteScope,
  of: {
    readonly orgId: string
    readonly person: { readonly id: string; readonly email: string }
    readonly now: number
    enter(): Promise<void>
  },
): Promise<boolean> {
  const { orgId, person, now } = of
  const invitation = await findInvitation(scope.db, { orgId, email: person.email })
  if (invitation === undefined || invitation.expiresAt <= now) return false
  if (!(await removeInvitation(scope.db, invitation))) return false
  await requireSenderMayGive(scope.db, invitation, now)
  await of.enter()
  await join(deps, scope, { user: person, invitation, now })
  return true
}

async function proofOf(
  deps: AcceptDeps,
  of: {
    readonly source: AuditSource
    readonly input: Acceptance
    readonly caller: Session | undefined
    readonly invitation: Invitation
  },
): Promise<Proof> {
  const { caller, invitation, input } = of
  const user = await findUserByEmail(deps.database.reader, invitation.email)
  if (caller !== undefined) {
    if (user === undefined || caller.actor.kind !== "user" || caller.actor.id !== user.id) {
      throw new AppError("forbidden", "ForbiddenError", "The invitation is for somebody else")
    }
    return { kind: "session", user }
  }
  if (input.password === undefined) {
    throw new AppError(
      "invalid",
      "BadRequest",
      "password is missing: of a new account, the one it shall have",
    )
  }
  if (user === undefined || !(await isInUse(deps.database.reader, user))) {
    const [problem] = newPassword.safeParse(input.password).error?.issues ?? []
    if (problem !== undefined) throw new AppError("invalid", "BadRequest", `password ${problem.message}`)
    return { kind: "new-account", passwordHash: await deps.passwords.hash(input.password), left: user }
  }
  const attempt = await takePasswordAttempt(deps, user.id, of.source.ipAddress)
  if (attempt === undefined || !(await deps.passwords.isRight(input.password, user.passwordHash))) {
    throw wrongPassword()
  }
  return { kind: "password", user, attempt }
}

/** Inside the write: what was found before it must still hold. */
async function prove(
  deps: AcceptDeps,
  db: Writer,
  of: { readonly proof: Proof; readonly input: Acceptance; readonly invitation: Invitation },
): Promise<{ readonly id: string; readonly email: string }> {
  const { proof, input, invitation } = of
  const now = deps.clock.now()
  const { email } = invitation
  if (proof.kind === "session") return proof.user
  if (proof.kind === "password") {
    if (!(await lockPassword(db, proof.user.id, proof.user.passwordHash))) throw wrongPassword()
    await forgive(db, proof.attempt)
    return proof.user
  }
  const { firstName, lastName } = input
  const { passwordHash, left } = proof
  if (left === undefined) {
    const id = deps.random.uuid()
    await insertUser(db, { id, email, firstName, lastName, passwordHash }, now)
    return { id, email }
  }
  if (!(await lockPassword(db, left.id, "")) || (await isInUse(db, left))) throw wrongPassword()
  await setPasswordHash(db, left.id, { hash: passwordHash, now })
  await setNames(db, left.id, { firstName, lastName })
  return { id: left.id, email }
}

async function join(
  deps: Parameters<typeof grantMembership>[0],
  scope: WriteScope,
  of: { readonly user: { readonly id: string }; readonly invitation: Invitation; readonly now: number },
): Promise<void> {
  const { invitation, now } = of
  const userId = of.user.id
  const membership = { id: deps.random.uuid(), orgId: invitation.orgId, userId, role: invitation.role }
  await insertMembership(scope.db, membership, now)
  const write = { db: scope.db, now, afterCommit: (effect: () => void) => scope.afterCommit(effect) }
  for (const [projectId, roles] of rolesByProject(invitation.projects)) {
    const given = roles.map((role) => ({ role, temporary: null }))
    await grantMembership(deps, write, { kind: "user", memberId: userId, projectId, roles: given })
  }
  await endEpoch(deps, write, [userId])
}

/** Judged with what the database says within this write. */
async function requireSenderMayGive(db: Writer, invitation: Invitation, now: number): Promise<void> {
  const record = await new ActorCache(db).reload(invitation.invitedBy)
  const actor = record === undefined ? undefined : actorAt(record, invitation.orgId)
  if (actor === undefined) throw outdated()
  try {
    await requireMayGive({ db, actor, now }, invitation)
  } catch (error) {
    if (error instanceof AppError) throw outdated(error)
    throw error
  }
}

/** Two invitations of two organizations may make the same account at once. */
function addressTaken(cause: unknown): AppError {
  const message = "An account with this address was made meanwhile: accept again, with its password"
  return new AppError("invalid", "BadRequest", message, { cause })
}

function outdated(cause?: AppError): AppError {
  const message =
    "The invitation no longer holds: who sent it may no longer give what it gives. Ask for another one"
  return new AppError("forbidden", "ForbiddenError", message, cause === undefined ? {} : { cause })
}

/** Whoever runs the identity provider of another organization can enter the account at any time. */
function belongsToProvider(): AppError {
  const message =
    "This account is one of another organization's single sign-on, whose administrators could enter it: use another e-mail address"
  return new AppError("forbidden", "ForbiddenError", message)
}

function wrongPassword(): AppError {
  const message =
    "The address has an account: its own password is asked for. This one is wrong, or there were too many attempts; in that case wait 15 minutes"
  return new AppError("unauthenticated", "UnauthorizedError", message)
}

function tokenIsNoGood(): AppError {
  const message = "The invitation was used or revoked, is too old, or was never made: ask for another one"
  return new AppError("unauthenticated", "UnauthorizedError", message)
}
