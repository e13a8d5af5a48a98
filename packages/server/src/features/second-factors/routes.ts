import {
  enrolTotpAnswer,
  enrolTotpBody,
  factorCodeBody,
  recoveryCodesAnswer,
  removedFactorAnswer,
  secondFactorsAnswer,
  verifyMfaAnswer,
  verifyMfaBody,
} from "@coffer/contract"
import type { FastifyInstance } from "fastify"
import { endpoint, type HttpPorts, isoTime, type Routes } from "../../http/index.ts"
import type { LoginDeps } from "../logins/index.ts"
import { type CookieDeps, withRefreshCookie } from "../sessions/index.ts"
import {
  confirmEnrolment,
  enrolTotp,
  removeOwnTotp,
  renewRecoveryCodes,
  verifyFactor,
  viewFactors,
} from "./service.ts"

type Deps = LoginDeps & CookieDeps

/** One-time passwords and recovery codes: set up, shown, removed. */
export function secondFactorRoutes(deps: Deps, ports: HttpPorts): Routes {
  return (app) => {
    app.post(
      "/v2/auth/mfa/verify",
      endpoint(
        ports,
        { summary: "Show the second factor of a login", body: verifyMfaBody, answer: verifyMfaAnswer },
        async ({ session, body, request }) => {
          const tokens = await verifyFactor(deps, session, body.mfaToken)
          return withRefreshCookie(deps, request, tokens, { token: tokens.accessToken })
        },
        { withoutOrganization: true, withoutSecondFactor: true },
      ),
    )
    app.get(
      "/coffer/v1/me/second-factors",
      endpoint(
        ports,
        { summary: "One's own second factors", answer: secondFactorsAnswer },
        async ({ session }) => {
          const { totp, recoveryCodesLeft } = await viewFactors(deps, session)
          const shown =
            totp === undefined
              ? null
              : { isConfirmed: totp.confirmedAt !== null, createdAt: isoTime(totp.createdAt) }
          return { totp: shown, recoveryCodesLeft }
        },
      ),
    )
    totpRoutes(app, deps, ports)
  }
}

function totpRoutes(app: FastifyInstance, deps: Deps, ports: HttpPorts): void {
  app.post(
    "/coffer/v1/me/totp",
    endpoint(
      ports,
      { summary: "Begin to set up one-time passwords", body: enrolTotpBody, answer: enrolTotpAnswer },
      ({ session, body }) => enrolTotp(deps, session, body.password),
    ),
  )
  app.post(
    "/coffer/v1/me/totp/confirm",
    endpoint(
      ports,
      {
        summary: "Confirm one-time passwords with a code",
        body: factorCodeBody,
        answer: recoveryCodesAnswer,
      },
      async ({ session, body }) => ({ recoveryCodes: await confirmEnrolment(deps, session, body.code) }),
    ),
  )
  app.delete(
    "/coffer/v1/me/totp",
    endpoint(
      ports,
      {
        summary: "Remove one-time passwords, against a code",
        body: factorCodeBody,
        answer: removedFactorAnswer,
      },
      async ({ session, body }) => {
        await removeOwnTotp(deps, session, body.code)
        return { message: "The second factor is removed" }
      },
    ),
  )
  app.post(
    "/coffer/v1/me/recovery-codes",
    endpoint(
      ports,
      {
        summary: "Make new recovery codes, against a code",
        body: factorCodeBody,
        answer: recoveryCodesAnswer,
      },
      async ({ session, body }) => ({ recoveryCodes: await renewRecoveryCodes(deps, session, body.code) }),
    ),
  )
}
