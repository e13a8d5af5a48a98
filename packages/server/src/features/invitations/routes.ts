import {
  acceptInvitationAnswer,
  acceptInvitationBody,
  createInvitationBody,
  type InvitationObject,
  invitationListAnswer,
  listInvitationsQuery,
  lookUpInvitationAnswer,
  lookUpInvitationBody,
  oneInvitationAnswer,
  type SentInvitationAnswer,
  sentInvitationAnswer,
} from "@coffer/contract"
import type { FastifyInstance } from "fastify"
import { endpoint, type HttpPorts, isoTime, openEndpoint, type Routes } from "../../http/index.ts"
import { type AcceptDeps, accept, lookUp } from "./accept.ts"
import type { Invitation } from "./domain.ts"
import { invite, resend, revoke, type SentInvitation, viewInvitations } from "./invitations.ts"

const all = "/coffer/v1/invitations"
const one = `${all}/:invitationId`

/** Invitations of people into an organization. */
export function invitationRoutes(deps: AcceptDeps, ports: HttpPorts): Routes {
  return (app) => {
    sendingRoutes(app, deps, ports)
    acceptingRoutes(app, deps, ports)
  }
}

function sendingRoutes(app: FastifyInstance, deps: AcceptDeps, ports: HttpPorts): void {
  app.post(
    all,
    endpoint(
      ports,
      {
        summary: "Invite a person into the organization",
        body: createInvitationBody,
        answer: sentInvitationAnswer,
      },
      async ({ session, body }) => presentSent(deps, await invite(deps, session, body)),
    ),
  )
  app.get(
    all,
    endpoint(
      ports,
      { summary: "List the invitations", query: listInvitationsQuery, answer: invitationListAnswer },
      async ({ session, query }) => {
        const page = { offset: query.offset ?? 0, limit: query.limit ?? 100 }
        const { invitations, totalCount } = await viewInvitations(deps, session, page)
        return { invitations: invitations.map((invitation) => present(deps, invitation)), totalCount }
      },
    ),
  )
  app.post(
    `${one}/resend`,
    endpoint(
      ports,
      { summary: "Send an invitation again, with another token", answer: sentInvitationAnswer },
      async ({ session, params }) =>
        presentSent(deps, await resend(deps, session, params["invitationId"] ?? "")),
    ),
  )
  app.delete(
    one,
    endpoint(
      ports,
      { summary: "Take an invitation back", answer: oneInvitationAnswer },
      async ({ session, params }) => ({
        invitation: present(deps, await revoke(deps, session, params["invitationId"] ?? "")),
      }),
    ),
  )
}

function acceptingRoutes(app: FastifyInstance, deps: AcceptDeps, ports: HttpPorts): void {
  app.post(
    `${all}/look-up`,
    openEndpoint(
      {
        summary: "What an invitation is for, to whoever holds its token",
        body: lookUpInvitationBody,
        answer: lookUpInvitationAnswer,
      },
      async ({ body }) => {
        const { invitation, organization, hasAccount } = await lookUp(deps, body.token)
        const { email, role } = invitation
        const { name, slug } = organization
        const expiresAt = isoTime(invitation.expiresAt)
        return { email, organization: { name, slug }, role, expiresAt, hasAccount }
      },
    ),
  )
  app.post(
    `${all}/accept`,
    openEndpoint(
      {
        summary: "Accept an invitation with its token",
        body: acceptInvitationBody,
        answer: acceptInvitationAnswer,
      },
      async ({ body, source, request }) => {
        const { authorization } = request.headers
        const origin = { source, route: `POST /api${all}/accept` }
        const leniency = { withoutOrganization: true }
        const caller =
          authorization === undefined ? undefined : await ports.authenticate(authorization, origin, leniency)
        const { token, password, firstName, lastName } = body
        const accepted = await accept(deps, source, { token, password, firstName, lastName }, caller)
        const { user, organization, isNewAccount } = accepted
        return { user: { id: user.id, email: user.email }, organization, isNewAccount }
      },
    ),
  )
}

function present(deps: AcceptDeps, invitation: Invitation): InvitationObject {
  return {
    id: invitation.id,
    email: invitation.email,
    role: invitation.role,
    projects: invitation.projects.map(({ projectId, role }) => ({ projectId, role })),
    invitedBy: invitation.invitedBy,
    createdAt: isoTime(invitation.createdAt),
    expiresAt: isoTime(invitation.expiresAt),
    isExpired: invitation.expiresAt <= deps.clock.now(),
  }
}

function presentSent(deps: AcceptDeps, sent: SentInvitation): SentInvitationAnswer {
  const { token, link, isMailed } = sent
  return { invitation: present(deps, sent.invitation), token, link, isMailed }
}
