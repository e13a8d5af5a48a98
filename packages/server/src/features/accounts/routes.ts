import {
  endedSessionsAnswer,
  type OrganizationUser,
  oneUserAnswer,
  passwordResetAnswer,
  resetPasswordAnswer,
  resetPasswordBody,
  unlockUserAnswer,
  updateUserBody,
  userListAnswer,
  userListQuery,
  userSessionListAnswer,
} from "@coffer/contract"
import type { FastifyInstance } from "fastify"
import { endpoint, type HttpPorts, isoTime, openEndpoint, type Routes } from "../../http/index.ts"
import { presentSession } from "../sessions/index.ts"
import type { Member } from "./domain.ts"
import { createReset, type ResetDeps, resetPassword } from "./password-reset.ts"
import {
  changeMember,
  dismissMember,
  endSessionsOf,
  resetFactors,
  unlockMember,
  viewMember,
  viewMembers,
  viewSelf,
  viewSessions,
} from "./service.ts"

const one = "/coffer/v1/users/:userId"
const userIdOf = (params: Readonly<Record<string, string>>) => params["userId"] ?? ""

/** The people of an organization, for its administrators; and oneself. */
export function accountRoutes(deps: ResetDeps, ports: HttpPorts): Routes {
  return (app) => {
    ownRoutes(app, deps, ports)
    memberRoutes(app, deps, ports)
    sessionRoutes(app, deps, ports)
    resetRoutes(app, deps, ports)
    factorRoutes(app, deps, ports)
  }
}

function ownRoutes(app: FastifyInstance, deps: ResetDeps, ports: HttpPorts): void {
  app.get(
    "/coffer/v1/me",
    endpoint(
      ports,
      { summary: "Get one's own account, as the organization knows it", answer: oneUserAnswer },
      async ({ session }) => ({ user: presentMember(await viewSelf(deps, session)) }),
    ),
  )
}

function memberRoutes(app: FastifyInstance, deps: ResetDeps, ports: HttpPorts): void {
  app.get(
    "/coffer/v1/users",
    endpoint(
      ports,
      { summary: "List the people of the organization", query: userListQuery, answer: userListAnswer },
      async ({ session, query }) => {
        const page = {
          email: query.email?.toLowerCase(),
          offset: query.offset ?? 0,
          limit: query.limit ?? 100,
        }
        const { members, totalCount } = await viewMembers(deps, session, page)
        return { users: members.map(presentMember), totalCount }
      },
    ),
  )
  app.get(
    one,
    endpoint(
      ports,
      { summary: "Get one person of the organization", answer: oneUserAnswer },
      async ({ session, params }) => ({
        user: presentMember(await viewMember(deps, session, userIdOf(params))),
      }),
    ),
  )
  app.patch(
    one,
    endpoint(
      ports,
      {
        summary: "Change the role of a person, deactivate or activate them",
        body: updateUserBody,
        answer: oneUserAnswer,
      },
      async ({ session, params, body }) => {
        const change = { userId: userIdOf(params), role: body.role, isActive: body.isActive }
        return { user: presentMember(await changeMember(deps, session, change)) }
      },
    ),
  )
  app.delete(
    one,
    endpoint(
      ports,
      { summary: "Take a person out of the organization", answer: oneUserAnswer },
      async ({ session, params }) => ({
        user: presentMember(await dismissMember(deps, session, userIdOf(params))),
      }),
    ),
  )
  app.post(
    `${one}/unlock`,
    endpoint(
      ports,
      { summary: "Let a person who is locked out try again", answer: unlockUserAnswer },
      async ({ session, params }) => {
        await unlockMember(deps, session, userIdOf(params))
        return { message: "The user may try again" }
      },
    ),
  )
}

function factorRoutes(app: FastifyInstance, deps: ResetDeps, ports: HttpPorts): void {
  app.delete(
    `${one}/second-factors`,
    endpoint(
      ports,
      { summary: "Take away the second factors of a person who lost them", answer: endedSessionsAnswer },
      async ({ session, params }) => ({
        endedSessions: await resetFactors(deps, session, userIdOf(params)),
      }),
    ),
  )
}

function sessionRoutes(app: FastifyInstance, deps: ResetDeps, ports: HttpPorts): void {
  app.get(
    `${one}/sessions`,
    endpoint(
      ports,
      { summary: "List the open sessions of a person", answer: userSessionListAnswer },
      async ({ session, params }) => {
        const sessions = await viewSessions(deps, session, userIdOf(params))
        return { sessions: sessions.map((each) => presentSession(each, session.actor.tokenId)) }
      },
    ),
  )
  app.delete(
    `${one}/sessions`,
    endpoint(
      ports,
      { summary: "End all sessions of a person", answer: endedSessionsAnswer },
      async ({ session, params }) => ({
        endedSessions: await endSessionsOf(deps, session, { userId: userIdOf(params) }),
      }),
    ),
  )
  app.delete(
    `${one}/sessions/:sessionId`,
    endpoint(
      ports,
      { summary: "End one session of a person", answer: endedSessionsAnswer },
      async ({ session, params }) => {
        const of = { userId: userIdOf(params), sessionId: params["sessionId"] ?? "" }
        return { endedSessions: await endSessionsOf(deps, session, of) }
      },
    ),
  )
}

function resetRoutes(app: FastifyInstance, deps: ResetDeps, ports: HttpPorts): void {
  app.post(
    `${one}/password-reset`,
    endpoint(
      ports,
      { summary: "Make a token with which a person sets a new password", answer: passwordResetAnswer },
      async ({ session, params }) => {
        const { token, expiresAt } = await createReset(deps, session, userIdOf(params))
        return { token, expiresAt: isoTime(expiresAt) }
      },
    ),
  )
  app.post(
    "/coffer/v1/auth/password-reset",
    openEndpoint(
      {
        summary: "Set a new password with a token of an administrator",
        body: resetPasswordBody,
        answer: resetPasswordAnswer,
      },
      ({ body, source }) => resetPassword(deps, source, body),
    ),
  )
}

function presentMember(member: Member): OrganizationUser {
  return {
    id: member.userId,
    email: member.email,
    firstName: member.firstName,
    lastName: member.lastName,
    role: member.role,
    isActive: member.isActive,
    hasPassword: member.hasPassword,
    hasSecondFactor: member.hasSecondFactor,
    joinedAt: isoTime(member.joinedAt),
    lastLoginAt: member.lastLoginAt === null ? null : isoTime(member.lastLoginAt),
  }
}
