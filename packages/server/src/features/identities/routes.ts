import {
  createIdentityBody,
  identityAnswer,
  identityDetailsAnswer,
  identityListAnswer,
  identityMembershipAnswer,
  listIdentitiesQuery,
  membershipsOfIdentityAnswer,
  searchIdentitiesBody,
  updateIdentityBody,
} from "@coffer/contract"
import type { FastifyInstance } from "fastify"
import { endpoint, type HttpPorts, type Routes } from "../../http/index.ts"
import { presentDetails } from "../memberships/index.ts"
import { presentIdentity, presentMember } from "./presenters.ts"
import { compareBy, matcherOf } from "./search.ts"
import {
  changeIdentity,
  createIdentity,
  deleteIdentity,
  getIdentity,
  getOwnOrganization,
  type IdentitiesDeps,
  listMembershipsOfIdentity,
  searchIdentities,
} from "./service.ts"

/** Machine identities (contract 2.11). */
export function identityRoutes(deps: IdentitiesDeps, ports: HttpPorts): Routes {
  return (app) => {
    readRoutes(app, deps, ports)
    writeRoutes(app, deps, ports)
  }
}

const one = "/v1/identities/:identityId"

function readRoutes(app: FastifyInstance, deps: IdentitiesDeps, ports: HttpPorts): void {
  app.get(
    "/v1/identities/details",
    endpoint(
      ports,
      { summary: "The organization of the calling identity", answer: identityDetailsAnswer },
      async ({ session }) => {
        const { id, name, slug } = await getOwnOrganization(deps, session)
        return { identityDetails: { organization: { id, name, slug } } }
      },
    ),
  )
  app.get(
    "/v1/identities",
    endpoint(
      ports,
      { summary: "List machine identities", query: listIdentitiesQuery, answer: identityListAnswer },
      async ({ session, query }) => {
        const page = { offset: query.offset ?? 0, limit: query.limit ?? 1_000 }
        const list = await searchIdentities(deps, session, { ...page, orgId: query.orgId })
        return { identities: list.identities.map(presentMember), totalCount: list.totalCount }
      },
    ),
  )
  app.post(
    "/v1/identities/search",
    endpoint(
      ports,
      { summary: "Search machine identities", body: searchIdentitiesBody, answer: identityListAnswer },
      async ({ session, body }) => {
        const list = await searchIdentities(deps, session, {
          offset: body.offset,
          limit: body.limit,
          matches: matcherOf(body.search),
          compare: compareBy(body.orderBy, body.orderDirection),
        })
        return { identities: list.identities.map(presentMember), totalCount: list.totalCount }
      },
    ),
  )
  app.get(
    one,
    endpoint(
      ports,
      { summary: "One machine identity", answer: identityMembershipAnswer },
      async ({ session, params }) => ({
        identity: presentMember(await getIdentity(deps, session, params["identityId"] ?? "")),
      }),
    ),
  )
  app.get(
    `${one}/identity-memberships`,
    endpoint(
      ports,
      { summary: "The projects an identity belongs to", answer: membershipsOfIdentityAnswer },
      async ({ session, params }) => {
        const memberships = await listMembershipsOfIdentity(deps, session, params["identityId"] ?? "")
        return { identityMemberships: memberships.map(presentDetails) }
      },
    ),
  )
}

function writeRoutes(app: FastifyInstance, deps: IdentitiesDeps, ports: HttpPorts): void {
  app.post(
    "/v1/identities",
    endpoint(
      ports,
      { summary: "Create a machine identity", body: createIdentityBody, answer: identityAnswer },
      async ({ session, body }) => {
        const created = await createIdentity(deps, session, { ...body, metadata: body.metadata ?? [] })
        return { identity: presentIdentity(created) }
      },
    ),
  )
  app.patch(
    one,
    endpoint(
      ports,
      { summary: "Change a machine identity", body: updateIdentityBody, answer: identityAnswer },
      async ({ session, params, body }) => ({
        identity: presentIdentity(await changeIdentity(deps, session, params["identityId"] ?? "", body)),
      }),
    ),
  )
  app.delete(
    one,
    endpoint(
      ports,
      { summary: "Delete a machine identity and its tokens", answer: identityAnswer },
      async ({ session, params }) => ({
        identity: presentIdentity(await deleteIdentity(deps, session, params["identityId"] ?? "")),
      }),
    ),
  )
}
