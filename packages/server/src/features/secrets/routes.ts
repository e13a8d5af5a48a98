import { secretKey, secretVersionsQuery } from "@coffer/contract"
import type { FastifyInstance } from "fastify"
import { endpoint, type HttpPorts, parseInput, type Routes, TaggedAnswer } from "../../http/index.ts"
import { presentSecret, presentVersion } from "./presenters.ts"
import { getSecret, listSecrets, listSecretVersions, type SecretsDeps } from "./read-secrets.ts"
import { changeOf, type WireVersion, wireVersions } from "./requests.ts"
import { createSecrets, deleteSecrets, updateSecrets } from "./write-secrets.ts"

/** Secrets, v3 raw and v4 (contract 1.3-1.6): the same use cases behind two spellings. */
export function secretRoutes(deps: SecretsDeps, ports: HttpPorts): Routes {
  return (app) => {
    for (const version of wireVersions) {
      readRoutes(app, deps, ports, version)
      writeRoutes(app, deps, ports, version)
      batchRoutes(app, deps, ports, version)
    }
    for (const path of ["/v1/secret/:secretId/secret-versions", "/v1/dashboard/secret-versions/:secretId"]) {
      app.get(
        path,
        endpoint(ports, { query: secretVersionsQuery }, async ({ session, params, query }) => {
          const page = { offset: query.offset ?? 0, limit: query.limit ?? 20 }
          const secretId = params["secretId"] ?? ""
          const reading = await listSecretVersions(deps, session, { secretId, ...page })
          return new TaggedAnswer(reading.seed, () => ({ secretVersions: reading.found.map(presentVersion) }))
        }),
      )
    }
  }
}

function nameOf(params: Readonly<Record<string, string>>): string {
  return (params["secretName"] ?? "").trim()
}

function readRoutes(app: FastifyInstance, deps: SecretsDeps, ports: HttpPorts, version: WireVersion): void {
  app.get(
    version.list,
    endpoint(ports, { query: version.listQuery }, async ({ session, query }) => {
      const reading = await listSecrets(deps, session, query)
      const imports = query.includeImports ? { imports: [] } : {}
      return new TaggedAnswer(reading.seed, () => ({ secrets: reading.found.map(presentSecret), ...imports }))
    }),
  )
  app.get(
    version.one,
    endpoint(ports, { query: version.getQuery }, async ({ session, params, query }) => {
      const reading = await getSecret(deps, session, { ...query, key: nameOf(params) })
      return new TaggedAnswer(reading.seed, () => ({ secret: presentSecret(reading.found) }))
    }),
  )
}

function writeRoutes(app: FastifyInstance, deps: SecretsDeps, ports: HttpPorts, version: WireVersion): void {
  app.post(
    version.one,
    endpoint(ports, { body: version.createBody }, async ({ session, params, body }) => {
      const key = parseInput(secretKey, nameOf(params), "params.secretName")
      const secret = { ...changeOf(body), key, type: body.type }
      const [created] = await createSecrets(deps, session, body.place, [secret])
      return { secret: created === undefined ? null : presentSecret(created) }
    }),
  )
  app.patch(
    version.one,
    endpoint(ports, { body: version.updateBody }, async ({ session, params, body }) => {
      const newKey = body.newSecretName
      const secret = { ...changeOf(body), key: nameOf(params), type: body.type, newKey }
      const batch = { mode: "failOnNotFound", secrets: [secret] } as const
      const [updated] = await updateSecrets(deps, session, body.place, batch)
      return { secret: updated === undefined ? null : presentSecret(updated) }
    }),
  )
  app.delete(
    version.one,
    endpoint(ports, { body: version.deleteBody }, async ({ session, params, body }) => {
      const secret = { key: nameOf(params), type: body.type }
      const [removed] = await deleteSecrets(deps, session, body.place, [secret])
      return { secret: removed === undefined ? null : presentSecret(removed) }
    }),
  )
}

function batchRoutes(app: FastifyInstance, deps: SecretsDeps, ports: HttpPorts, version: WireVersion): void {
  app.post(
    version.batch,
    endpoint(ports, { body: version.createManyBody }, async ({ session, body }) => {
      const items = body.secrets.map((item) => ({ ...changeOf(item), key: item.secretKey, type: item.type }))
      const created = await createSecrets(deps, session, body.place, items)
      return { secrets: created.map(presentSecret) }
    }),
  )
  app.patch(
    version.batch,
    endpoint(ports, { body: version.updateManyBody }, async ({ session, body }) => {
      const secrets = body.secrets.map((item) => ({
        ...changeOf(item),
        key: item.secretKey,
        type: item.type,
        newKey: item.newSecretName,
        path: item.secretPath,
      }))
      const written = await updateSecrets(deps, session, body.place, { mode: body.mode, secrets })
      return { secrets: written.map(presentSecret) }
    }),
  )
  app.delete(
    version.batch,
    endpoint(ports, { body: version.deleteManyBody }, async ({ session, body }) => {
      const items = body.secrets.map((item) => ({ key: item.secretKey, type: item.type }))
      const removed = await deleteSecrets(deps, session, body.place, items)
      return { secrets: removed.map(presentSecret) }
    }),
  )
}
