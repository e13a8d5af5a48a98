import type { Session } from "../../actor.ts"
import type { Database } from "../../db/database.ts"
import { unlessTaken } from "../../db/index.ts"
import { AppError } from "../../errors.ts"
import type { Keyring } from "../../keyring/keyring.ts"
import { newToken } from "../../random.ts"
import {
  answerRead,
  type OrganizationWrite,
  type ReadDeps,
  writeInOrganization,
} from "../../use-case/index.ts"
import { authorizeInOrganization } from "../authorization/index.ts"
import { type Outbox, oneLine } from "../mail/index.ts"
import { type Invitation, keptAfterMs, lifetimeMs, linkOf, mailOf, type ProjectRole } from "./domain.ts"
import { requireMayGive } from "./giving.ts"
import {
  findInvitation,
  findOrganization,
  insertInvitation,
  isMember,
  listInvitations,
  removeInvitation,
  removeInvitationsBefore,
  replaceToken,
} from "./store.ts"

export type InvitationsDeps = ReadDeps & {
  readonly keyring: Keyring
  readonly outbox: Outbox
  /** Where people reach the server; `undefined` while nobody has said. */
  readonly siteUrl: string | undefined
}

/** An invitation with its token, which is shown this once. */
export type SentInvitation = {
  readonly invitation: Invitation
  readonly token: string
  readonly link: string | null
  readonly isMailed: boolean
}

const tokenLength = 32

/**
 * Invites a person by e-mail address, within what the caller may give itself. An invitation that ran out makes room for a
 * new one.
 *
 * @throws AppError "invalid" when the person belongs to the organization or is invited already
 */
export async function invite(
  deps: InvitationsDeps,
  session: Session,
  input: { readonly email: string; readonly role: string; readonly projects: readonly ProjectRole[] },
): Promise<SentInvitation> {
  const token = newToken(deps.random, tokenLength)
  const { email, role } = input
  const inviting = writeInOrganization(deps, session, async (write) => {
    const { orgId } = write.actor
    const projects = distinct(input.projects)
    await requireMayGive(write, { orgId, role, projects })
    if (await isMember(write.db, orgId, email)) {
      throw new AppError("invalid", "BadRequest", `${email} belongs to the organization already`)
    }
    await makeRoom(write, email)
    const invitation: Invitation = {
      id: deps.random.uuid(),
      orgId,
      email,
      role,
      projects,
      invitedBy: write.actor.id,
      createdAt: write.now,
      expiresAt: write.now + lifetimeMs,
    }
    await insertInvitation(write.db, invitation, hashOf(deps, token))
    write.audit("create-invitation", { ...about(invitation), numberOfProjects: projects.length })
    return await send(deps, write, invitation, token)
  })
  return await unlessTaken(inviting, () => invitedAlready(email))
}

/** Sends an invitation again, with another token and a new term; the old token is dead. */
export async function resend(deps: InvitationsDeps, session: Session, id: string): Promise<SentInvitation> {
  const token = newToken(deps.random, tokenLength)
  return await writeInOrganization(deps, session, async (write) => {
    authorizeInOrganization(write.actor, "manage-members")
    const { orgId, id: invitedBy } = write.actor
    const old = await findInvitation(write.db, { orgId, id })
    if (old === undefined) throw noSuchInvitation()
    await requireMayGive(write, old)
    const invitation = { ...old, invitedBy, expiresAt: write.now + lifetimeMs }
    const change = { tokenHash: hashOf(deps, token), invitedBy, expiresAt: invitation.expiresAt }
    if (!(await replaceToken(write.db, { orgId, id }, change))) throw noSuchInvitation()
    write.audit("resend-invitation", about(invitation))
    return await send(deps, write, invitation, token)
  })
}

/** Takes an invitation back: its token is dead at once. @throws AppError "not-found" */
export async function revoke(deps: InvitationsDeps, session: Session, id: string): Promise<Invitation> {
  return await writeInOrganization(deps, session, async (write) => {
    authorizeInOrganization(write.actor, "manage-members")
    const { orgId } = write.actor
    const invitation = await findInvitation(write.db, { orgId, id })
    if (invitation === undefined || !(await removeInvitation(write.db, { orgId, id }))) {
      throw noSuchInvitation()
    }
    write.audit("revoke-invitation", about(invitation))
    return invitation
  })
}

/** Invitations that wait, and those that ran out not long ago. */
export async function viewInvitations(
  deps: InvitationsDeps,
  session: Session,
  page: { readonly offset: number; readonly limit: number },
): Promise<{ readonly invitations: readonly Invitation[]; readonly totalCount: number }> {
  return await answerRead(deps, session, async (scope) => {
    authorizeInOrganization(scope.session.actor, "manage-members")
    const list = await listInvitations(scope.reader, scope.session.actor.orgId, page)
    scope.audit("get-invitations", null, { numberOfInvitations: list.invitations.length })
    return list
  })
}

/** Housekeeping: forgets invitations that ran out long ago. */
export async function pruneInvitations(deps: {
  readonly database: Database
  readonly clock: { now(): number }
}): Promise<void> {
  const before = deps.clock.now() - keptAfterMs
  await deps.database.write(({ db }) => removeInvitationsBefore(db, before))
}

/** The hash is looked up by equality: it is as unguessable as the token, so timing tells nothing. */
export function hashOf(deps: { readonly keyring: Keyring }, token: string): Uint8Array {
  return deps.keyring.credentialHash("invitation", token)
}

async function send(
  deps: InvitationsDeps,
  write: OrganizationWrite,
  invitation: Invitation,
  token: string,
): Promise<SentInvitation> {
  const { siteUrl } = deps
  const isMailed = deps.outbox.isOpen && siteUrl !== undefined
  if (isMailed) {
    const organization = await findOrganization(write.db, invitation.orgId)
    const content = mailOf({
      organization: oneLine(organization.name, 100),
      inviter: oneLine(write.actor.name, 100),
      siteUrl,
      token,
      expiresAt: invitation.expiresAt,
    })
    const { orgId, email: to, expiresAt: uselessAt } = invitation
    await deps.outbox.add(write, { orgId, kind: "invitation", to, uselessAt, ...content })
  }
  return { invitation, token, link: siteUrl === undefined ? null : linkOf(siteUrl, token), isMailed }
}

async function makeRoom(write: OrganizationWrite, email: string): Promise<void> {
  const { orgId } = write.actor
  const old = await findInvitation(write.db, { orgId, email })
  if (old === undefined) return
  if (old.expiresAt > write.now) throw invitedAlready(email)
  await removeInvitation(write.db, { orgId, id: old.id })
}

function distinct(projects: readonly ProjectRole[]): readonly ProjectRole[] {
  return [...new Map(projects.map((one) => [`${one.projectId}/${one.role}`, one])).values()]
}

function about(invitation: Invitation) {
  return { invitationId: invitation.id, email: invitation.email, role: invitation.role }
}

function invitedAlready(email: string): AppError {
  const message = `${email} is invited already: send the invitation again or revoke it first`
  return new AppError("invalid", "BadRequest", message)
}

function noSuchInvitation(): AppError {
  return new AppError("not-found", "NotFound", "There is no such invitation")
}
