import type { accessTokenSettings } from "@coffer/contract"
import {
  accessTokenAnswer,
  externalLoginBody,
  jwtAuthAnswer,
  jwtAuthSettings,
  kubernetesAuthAnswer,
  kubernetesAuthSettings,
  oidcAuthAnswer,
  oidcAuthSettings,
} from "@coffer/contract"
import type { FastifyInstance } from "fastify"
import type { z } from "zod"
import { endpoint, type HttpPorts, isoTime, openEndpoint, type Routes } from "../../http/index.ts"
import type { AuthMethod } from "../auth-methods/index.ts"
import type { ExternalMethod } from "./external-method.ts"
import { jwtAuth } from "./jwt-auth.ts"
import { kubernetesAuth } from "./kubernetes-auth.ts"
import { type ExternalLoginDeps, login } from "./login.ts"
import { oidcAuth } from "./oidc-auth.ts"
import { attach, change, detach, get } from "./service.ts"

export type ExternalAuthDeps = ExternalLoginDeps

type Family<Wanted, Settings> = {
  readonly method: ExternalMethod<Wanted, Settings>
  readonly settings: z.ZodType<Wanted>
  readonly answer: z.ZodType
  present(method: AuthMethod<Settings>): object
}

/** Kubernetes, JWT and OIDC auth: login, and the method of an identity (contract 2.7, 2.8, 2.9). */
export function externalAuthRoutes(deps: ExternalAuthDeps, ports: HttpPorts): Routes {
  return (app) => {
    addFamily(app, deps, ports, {
      method: kubernetesAuth,
      settings: kubernetesAuthSettings,
      answer: kubernetesAuthAnswer,
      present: ({ settings: { tokenReviewerSealed, ...settings }, ...method }) => ({
        identityKubernetesAuth: {
          ...commonOf(method),
          ...settings,
          tokenReviewerJwt: "",
          hasTokenReviewerJwt: tokenReviewerSealed !== null,
          tokenReviewMode: "api",
          gatewayId: null,
        },
      }),
    })
    addFamily(app, deps, ports, {
      method: jwtAuth,
      settings: jwtAuthSettings,
      answer: jwtAuthAnswer,
      present: (method) => ({ identityJwtAuth: { ...commonOf(method), ...method.settings } }),
    })
    addFamily(app, deps, ports, {
      method: oidcAuth,
      settings: oidcAuthSettings,
      answer: oidcAuthAnswer,
      present: (method) => ({ identityOidcAuth: { ...commonOf(method), ...method.settings } }),
    })
  }
}

function addFamily<Wanted extends z.output<typeof accessTokenSettings>, Settings extends object>(
  app: FastifyInstance,
  deps: ExternalAuthDeps,
  ports: HttpPorts,
  family: Family<Wanted, Settings>,
): void {
  const { method, answer } = family
  const one = `/v1/auth/${method.kind}/identities/:identityId`
  const idOf = (params: Readonly<Record<string, string>>) => params["identityId"] ?? ""
  app.post(
    `/v1/auth/${method.kind}/login`,
    openEndpoint(
      {
        summary: `Log in with ${method.title}`,
        body: externalLoginBody,
        answer: accessTokenAnswer,
      },
      ({ body: { identityId, jwt, organizationSlug }, source }) =>
        login(deps, source, method, { identityId, jwt, organizationSlug }),
    ),
  )
  app.post(
    one,
    endpoint(
      ports,
      { summary: `Attach ${method.title} to an identity`, body: family.settings, answer },
      async ({ session, params, body }) =>
        family.present(await attach(deps, session, method, { identityId: idOf(params), wanted: body })),
    ),
  )
  app.patch(
    one,
    endpoint(
      ports,
      { summary: `Change the ${method.title} of an identity`, body: family.settings, answer },
      async ({ session, params, body }) =>
        family.present(await change(deps, session, method, { identityId: idOf(params), wanted: body })),
    ),
  )
  app.get(
    one,
    endpoint(ports, { summary: `The ${method.title} of an identity`, answer }, async ({ session, params }) =>
      family.present(await get(deps, session, method, idOf(params))),
    ),
  )
  app.delete(
    one,
    endpoint(
      ports,
      { summary: `Detach ${method.title} from an identity`, answer },
      async ({ session, params }) => family.present(await detach(deps, session, method, idOf(params))),
    ),
  )
}

function commonOf(method: Omit<AuthMethod<unknown>, "settings">) {
  return {
    id: method.id,
    identityId: method.identityId,
    createdAt: isoTime(method.createdAt),
    updatedAt: isoTime(method.updatedAt),
    accessTokenTTL: method.accessTokenTTL,
    accessTokenMaxTTL: method.accessTokenMaxTTL,
    accessTokenNumUsesLimit: method.accessTokenNumUsesLimit,
    accessTokenPeriod: method.accessTokenPeriod,
    accessTokenTrustedIps: [...method.accessTokenTrustedIps],
  }
}
