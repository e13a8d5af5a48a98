/** People: logging in, and the people of the organization. */
import {
  checkAuthAnswer,
  endedSessionsAnswer,
  type LoginBody,
  loginAnswer,
  logoutAnswer,
  type OrganizationUser,
  oneUserAnswer,
  organizationListAnswer,
  passwordResetAnswer,
  type ResetPasswordBody,
  resetPasswordAnswer,
  type SelectOrganizationAnswer,
  type SelectOrganizationBody,
  selectOrganizationAnswer,
  type UpdateUserBody,
  type UserSession,
  unlockUserAnswer,
  userListAnswer,
  userSessionListAnswer,
  verifyMfaAnswer,
} from "@coffer/contract"
import type { Transport } from "../transport.ts"
import type { Organization } from "./auth.ts"

export function peopleArea(transport: Transport) {
  return {
    /** Exchanges e-mail and password for a token that names no organization yet. */
    login: async (credentials: LoginBody): Promise<string> => {
      const call = { method: "POST", path: "/api/v3/auth/login", body: credentials, anonymous: true } as const
      return (await transport.call({ ...call, schema: loginAnswer })).accessToken
    },

    /** The organizations that a person may choose from. */
    organizations: async (): Promise<readonly Organization[]> => {
      const call = { method: "GET", path: "/api/v1/organization", schema: organizationListAnswer } as const
      return (await transport.call(call)).organizations
    },

    /** With `isMfaEnabled` the token opens nothing until {@link showCode} was called with it. */
    selectOrganization: (body: SelectOrganizationBody): Promise<SelectOrganizationAnswer> =>
      transport.call({
        method: "POST",
        path: "/api/v3/auth/select-organization",
        body,
        schema: selectOrganizationAnswer,
      }),

    /** Shows a one-time password or a recovery code. @throws ApiError "forbidden" when it is wrong or was used */
    showCode: async (code: string): Promise<string> => {
      const call = { method: "POST", path: "/api/v2/auth/mfa/verify", body: { mfaToken: code } } as const
      return (await transport.call({ ...call, schema: verifyMfaAnswer })).token
    },

    /** @throws ApiError when the token of a person opens nothing */
    checkToken: async (): Promise<void> => {
      await transport.call({ method: "POST", path: "/api/v1/auth/checkAuth", schema: checkAuthAnswer })
    },

    /** Ends the session of the token. */
    logOut: async (): Promise<void> => {
      await transport.call({ method: "POST", path: "/api/v1/auth/logout", schema: logoutAnswer })
    },

    /** Sets a password with a token that an administrator handed over. */
    resetPassword: (body: ResetPasswordBody) =>
      transport.call({
        method: "POST",
        path: "/api/coffer/v1/auth/password-reset",
        body,
        schema: resetPasswordAnswer,
        anonymous: true,
      }),
  }
}

const base = "/api/coffer/v1/users"

export function usersArea(transport: Transport) {
  const one = (userId: string) => `${base}/${encodeURIComponent(userId)}`
  return {
    list: (query: { readonly email?: string; readonly offset?: number; readonly limit?: number } = {}) =>
      transport.call({ method: "GET", path: base, query, schema: userListAnswer }),

    get: async (userId: string): Promise<OrganizationUser> =>
      (await transport.call({ method: "GET", path: one(userId), schema: oneUserAnswer })).user,

    update: async (userId: string, body: UpdateUserBody): Promise<OrganizationUser> =>
      (await transport.call({ method: "PATCH", path: one(userId), body, schema: oneUserAnswer })).user,

    remove: async (userId: string): Promise<OrganizationUser> =>
      (await transport.call({ method: "DELETE", path: one(userId), schema: oneUserAnswer })).user,

    unlock: async (userId: string): Promise<void> => {
      await transport.call({ method: "POST", path: `${one(userId)}/unlock`, schema: unlockUserAnswer })
    },

    sessions: async (userId: string): Promise<readonly UserSession[]> => {
      const call = { method: "GET", path: `${one(userId)}/sessions`, schema: userSessionListAnswer } as const
      return (await transport.call(call)).sessions
    },

    /** Ends one session, or without an id all. */
    endSessions: (userId: string, sessionId?: string) => {
      const path = `${one(userId)}/sessions`
      return transport.call({
        method: "DELETE",
        path: sessionId === undefined ? path : `${path}/${encodeURIComponent(sessionId)}`,
        schema: endedSessionsAnswer,
      })
    },

    /** A token with which the person sets a new password; shown this once. */
    resetPassword: (userId: string) =>
      transport.call({ method: "POST", path: `${one(userId)}/password-reset`, schema: passwordResetAnswer }),

    resetFactors: (userId: string) =>
      transport.call({
        method: "DELETE",
        path: `${one(userId)}/second-factors`,
        schema: endedSessionsAnswer,
      }),
  }
}
