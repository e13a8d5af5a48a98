/** One's own account: password, second factors, sessions. */
import {
  type BeginPasskeyBody,
  type ChangePasswordBody,
  changePasswordAnswer,
  type EnrolTotpBody,
  endedSessionsAnswer,
  enrolTotpAnswer,
  type OrganizationUser,
  oneUserAnswer,
  type Passkey,
  passkeyAnswer,
  passkeyListAnswer,
  passkeyOptionsAnswer,
  type RegisterPasskeyBody,
  recoveryCodesAnswer,
  registeredPasskeyAnswer,
  removedFactorAnswer,
  type SecondFactorsAnswer,
  secondFactorsAnswer,
  type UserSession,
  userSessionListAnswer,
} from "@coffer/contract"
import type { Transport } from "../transport.ts"

const me = "/api/coffer/v1/me"

export function ownAccountArea(transport: Transport) {
  return {
    /** Oneself, as the organization knows one. */
    get: async (): Promise<OrganizationUser> =>
      (await transport.call({ method: "GET", path: me, schema: oneUserAnswer })).user,

    sessions: async (): Promise<readonly UserSession[]> => {
      const call = { method: "GET", path: `${me}/sessions`, schema: userSessionListAnswer } as const
      return (await transport.call(call)).sessions
    },

    /** Ends one session, or without an id all others. */
    endSessions: (sessionId?: string) =>
      transport.call({
        method: "DELETE",
        path: sessionId === undefined ? `${me}/sessions` : `${me}/sessions/${encodeURIComponent(sessionId)}`,
        schema: endedSessionsAnswer,
      }),

    changePassword: (body: ChangePasswordBody) =>
      transport.call({ method: "POST", path: `${me}/password`, body, schema: changePasswordAnswer }),

    enrolTotp: (body: EnrolTotpBody) =>
      transport.call({ method: "POST", path: `${me}/totp`, body, schema: enrolTotpAnswer }),

    /** Recovery codes are shown this once. */
    confirmTotp: async (code: string): Promise<readonly string[]> => {
      const call = { method: "POST", path: `${me}/totp/confirm`, body: { code } } as const
      return (await transport.call({ ...call, schema: recoveryCodesAnswer })).recoveryCodes
    },

    removeTotp: async (code: string): Promise<void> => {
      const call = { method: "DELETE", path: `${me}/totp`, body: { code } } as const
      await transport.call({ ...call, schema: removedFactorAnswer })
    },

    secondFactors: (): Promise<SecondFactorsAnswer> =>
      transport.call({ method: "GET", path: `${me}/second-factors`, schema: secondFactorsAnswer }),

    /** New recovery codes in place of all there were, against a code; they are shown this once. */
    renewRecoveryCodes: async (code: string): Promise<readonly string[]> => {
      const call = { method: "POST", path: `${me}/recovery-codes`, body: { code } } as const
      return (await transport.call({ ...call, schema: recoveryCodesAnswer })).recoveryCodes
    },

    ...ownPasskeys(transport),
  }
}

function ownPasskeys(transport: Transport) {
  const passkey = (passkeyId: string) => `${me}/passkeys/${encodeURIComponent(passkeyId)}`
  return {
    passkeys: async (): Promise<readonly Passkey[]> => {
      const call = { method: "GET", path: `${me}/passkeys`, schema: passkeyListAnswer } as const
      return (await transport.call(call)).passkeys
    },

    /** What a browser is asked for a new passkey, and what {@link addPasskey} must send back with its answer. */
    passkeyOptions: (body: BeginPasskeyBody) =>
      transport.call({ method: "POST", path: `${me}/passkeys/options`, body, schema: passkeyOptionsAnswer }),

    /** Recovery codes are there when the person had none; they are shown this once. */
    addPasskey: (body: RegisterPasskeyBody) =>
      transport.call({ method: "POST", path: `${me}/passkeys`, body, schema: registeredPasskeyAnswer }),

    renamePasskey: (passkeyId: string, name: string) =>
      transport.call({ method: "PATCH", path: passkey(passkeyId), body: { name }, schema: passkeyAnswer }),

    /** The password is asked for when there is one. */
    removePasskey: async (passkeyId: string, password?: string): Promise<void> => {
      const body = password === undefined ? {} : { password }
      await transport.call({ method: "DELETE", path: passkey(passkeyId), body, schema: removedFactorAnswer })
    },
  }
}
