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
import { type HttpPorts, openEndpoint, type Routes } from "../../http/index.ts"
import { addMethodRoutes, type MethodFamily, presentLimits, type TokenLimits } from "../auth-methods/index.ts"
import type { ExternalMethod } from "./external-method.ts"
import { jwtAuth } from "./jwt-auth.ts"
import { kubernetesAuth } from "./kubernetes-auth.ts"
import { type ExternalLoginDeps, login } from "./login.ts"
import { oidcAuth } from "./oidc-auth.ts"

export type ExternalAuthDeps = ExternalLoginDeps

type Family<Wanted, Settings extends object> = MethodFamily<Wanted, Settings> & {
  readonly method: ExternalMethod<Wanted, Settings>
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
          ...presentLimits(method),
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
      present: (method) => ({ identityJwtAuth: { ...presentLimits(method), ...method.settings } }),
    })
    addFamily(app, deps, ports, {
      method: oidcAuth,
      settings: oidcAuthSettings,
      answer: oidcAuthAnswer,
      present: (method) => ({ identityOidcAuth: { ...presentLimits(method), ...method.settings } }),
    })
  }
}

function addFamily<Wanted extends TokenLimits, Settings extends object>(
  app: FastifyInstance,
  deps: ExternalAuthDeps,
  ports: HttpPorts,
  family: Family<Wanted, Settings>,
): void {
  const { method } = family
  app.post(
    `/v1/auth/${method.kind}/login`,
    openEndpoint(
      {
        summary: `Log in with ${method.title}`,
        body: externalLoginBody,
        acceptsForms: true,
        answer: accessTokenAnswer,
      },
      ({ body: { identityId, jwt, organizationSlug }, source }) =>
        login(deps, source, method, { identityId, jwt, organizationSlug }),
    ),
  )
  addMethodRoutes(app, deps, ports, family)
}
