import {
  accessTokenAnswer,
  type ClientSecretData,
  clearLockoutsAnswer,
  clientSecretAnswer,
  clientSecretListAnswer,
  createClientSecretAnswer,
  createClientSecretBody,
  type UniversalAuthAnswer,
  universalAuthAnswer,
  universalAuthLoginBody,
  universalAuthSettings,
} from "@coffer/contract"
import type { FastifyInstance } from "fastify"
import { endpoint, type HttpPorts, isoTime, openEndpoint, type Routes } from "../../http/index.ts"
import { addMethodRoutes, presentLimits } from "../auth-methods/index.ts"
import type { ClientSecret } from "./domain.ts"
import { login } from "./login.ts"
import {
  clearLockouts,
  createClientSecret,
  getClientSecret,
  listClientSecrets,
  revokeClientSecret,
  type UniversalAuth,
  type UniversalAuthDeps,
  universalAuth,
} from "./service.ts"

/** Universal auth: login, the method of an identity, client secrets (contract 2.1, 2.5). */
export function universalAuthRoutes(deps: UniversalAuthDeps, ports: HttpPorts): Routes {
  return (app) => {
    app.post(
      "/v1/auth/universal-auth/login",
      openEndpoint(
        {
          summary: "Exchange a client id and a client secret for an access token",
          body: universalAuthLoginBody,
          acceptsForms: true,
          answer: accessTokenAnswer,
        },
        ({ body, source }) => {
          const { clientId, clientSecret, organizationSlug } = body
          return login(deps, source, { clientId, clientSecret, organizationSlug })
        },
      ),
    )
    methodRoutes(app, deps, ports)
    clientSecretRoutes(app, deps, ports)
  }
}

const one = "/v1/auth/universal-auth/identities/:identityId"

type Params = Readonly<Record<string, string>>
const identityIdOf = (params: Params) => params["identityId"] ?? ""
const clientSecretOf = (params: Params) => ({
  identityId: identityIdOf(params),
  clientSecretId: params["clientSecretId"] ?? "",
})

function methodRoutes(app: FastifyInstance, deps: UniversalAuthDeps, ports: HttpPorts): void {
  addMethodRoutes(app, deps, ports, {
    method: universalAuth,
    settings: universalAuthSettings.default({}),
    answer: universalAuthAnswer,
    present: presentMethod,
  })
  app.post(
    `${one}/clear-lockouts`,
    endpoint(
      ports,
      { summary: "End the lockouts of an identity", answer: clearLockoutsAnswer },
      async ({ session, params }) => ({
        deleted: await clearLockouts(deps, session, identityIdOf(params)),
      }),
    ),
  )
}

function clientSecretRoutes(app: FastifyInstance, deps: UniversalAuthDeps, ports: HttpPorts): void {
  app.post(
    `${one}/client-secrets`,
    endpoint(
      ports,
      {
        summary: "Create a client secret",
        body: createClientSecretBody.prefault({}),
        answer: createClientSecretAnswer,
      },
      async ({ session, params, body }) => {
        const created = await createClientSecret(deps, session, identityIdOf(params), body)
        return { clientSecret: created.clear, clientSecretData: presentClientSecret(created.secret) }
      },
    ),
  )
  app.get(
    `${one}/client-secrets`,
    endpoint(
      ports,
      { summary: "List client secrets", answer: clientSecretListAnswer },
      async ({ session, params }) => {
        const secrets = await listClientSecrets(deps, session, identityIdOf(params))
        return { clientSecretData: secrets.map(presentClientSecret) }
      },
    ),
  )
  app.get(
    `${one}/client-secrets/:clientSecretId`,
    endpoint(
      ports,
      { summary: "One client secret, without its secret", answer: clientSecretAnswer },
      async ({ session, params }) => ({
        clientSecretData: presentClientSecret(await getClientSecret(deps, session, clientSecretOf(params))),
      }),
    ),
  )
  app.post(
    `${one}/client-secrets/:clientSecretId/revoke`,
    endpoint(
      ports,
      { summary: "Revoke a client secret", answer: clientSecretAnswer },
      async ({ session, params }) => ({
        clientSecretData: presentClientSecret(
          await revokeClientSecret(deps, session, clientSecretOf(params)),
        ),
      }),
    ),
  )
}

function presentMethod(method: UniversalAuth): UniversalAuthAnswer {
  const { settings } = method
  return {
    identityUniversalAuth: {
      ...presentLimits(method),
      clientId: method.clientId ?? "",
      clientSecretTrustedIps: [...settings.clientSecretTrustedIps],
      lockoutEnabled: settings.lockoutEnabled,
      lockoutThreshold: settings.lockoutThreshold,
      lockoutDurationSeconds: settings.lockoutDurationSeconds,
      lockoutCounterResetSeconds: settings.lockoutCounterResetSeconds,
    },
  }
}

function presentClientSecret(secret: ClientSecret): ClientSecretData {
  return {
    id: secret.id,
    createdAt: isoTime(secret.createdAt),
    updatedAt: isoTime(secret.updatedAt),
    description: secret.description,
    clientSecretPrefix: secret.prefix,
    clientSecretNumUses: secret.uses,
    clientSecretNumUsesLimit: secret.usesLimit,
    clientSecretTTL: secret.ttlSeconds,
    identityUAId: secret.authMethodId,
    isClientSecretRevoked: secret.isRevoked,
  }
}
