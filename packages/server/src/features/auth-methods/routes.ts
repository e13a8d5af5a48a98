import { type IdentityLoginsAnswer, identityLoginsAnswer } from "@coffer/contract"
import type { FastifyInstance } from "fastify"
import type { z } from "zod"
import { endpoint, type HttpPorts, isoTime, type Routes } from "../../http/index.ts"
import type { ReadDeps } from "../../use-case/index.ts"
import type { AuthMethod } from "./domain.ts"
import type { MethodKind } from "./method-kind.ts"
import {
  type AuthMethodDeps,
  attach,
  change,
  detach,
  get,
  getLogins,
  type Login,
  type TokenLimits,
} from "./service.ts"

/** A kind of auth method as the contract presents it. */
export type MethodFamily<Wanted, Settings extends object> = {
  readonly method: MethodKind<Wanted, Settings>
  readonly settings: z.ZodType<Wanted>
  readonly answer: z.ZodType
  present(method: AuthMethod<Settings>): object
}

const identityIdOf = (params: Readonly<Record<string, string>>) => params["identityId"] ?? ""

/** Attach, change, show and detach: `/v1/auth/<kind>/identities/:identityId` of every kind (contract 2.5 to 2.9). */
export function addMethodRoutes<Wanted extends TokenLimits, Settings extends object>(
  app: FastifyInstance,
  deps: AuthMethodDeps,
  ports: HttpPorts,
  family: MethodFamily<Wanted, Settings>,
): void {
  const { method, answer, settings: body } = family
  const one = `/v1/auth/${method.kind}/identities/:identityId`
  app.post(
    one,
    endpoint(
      ports,
      { summary: `${method.title} of an identity: attach`, body, answer },
      async ({ session, params, body: wanted }) => {
        const made = await attach(deps, session, method, { identityId: identityIdOf(params), wanted })
        return family.present(made)
      },
    ),
  )
  app.patch(
    one,
    endpoint(
      ports,
      { summary: `${method.title} of an identity: change`, body, answer },
      async ({ session, params, body: wanted }) => {
        const changed = await change(deps, session, method, { identityId: identityIdOf(params), wanted })
        return family.present(changed)
      },
    ),
  )
  app.get(
    one,
    endpoint(
      ports,
      { summary: `${method.title} of an identity: show`, answer },
      async ({ session, params }) => family.present(await get(deps, session, method, identityIdOf(params))),
    ),
  )
  app.delete(
    one,
    endpoint(
      ports,
      { summary: `${method.title} of an identity: detach`, answer },
      async ({ session, params }) =>
        family.present(await detach(deps, session, method, identityIdOf(params))),
    ),
  )
}

/** GET /coffer/v1/identities/:identityId/logins */
export function identityLoginRoutes(deps: ReadDeps, ports: HttpPorts): Routes {
  return (app) => {
    app.get(
      "/coffer/v1/identities/:identityId/logins",
      endpoint(
        ports,
        {
          summary: "How an identity logs in, and who set that up, changed it or made a credential for it",
          answer: identityLoginsAnswer,
        },
        async ({ session, params }) => ({
          logins: (await getLogins(deps, session, identityIdOf(params))).map(presentLogin),
        }),
      ),
    )
  }
}

function presentLogin(login: Login): IdentityLoginsAnswer["logins"][number] {
  return {
    method: login.method,
    createdAt: isoTime(login.createdAt),
    updatedAt: isoTime(login.updatedAt),
    authors: login.authors.map(({ type, id, name, actedAt }) => ({
      type,
      id,
      name,
      actedAt: isoTime(actedAt),
    })),
  }
}

/** The fields that every kind shows. */
export function presentLimits(method: Omit<AuthMethod<object>, "settings">) {
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
