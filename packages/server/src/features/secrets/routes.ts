import {
  listSecretsAnswer,
  manySecretsAnswer,
  oneSecretAnswer,
  secretKey,
  secretVersionsAnswer,
  secretVersionsQuery,
} from "@coffer/contract"
import type { FastifyInstance } from "fastify"
import {
  endpoint,
  type HttpPorts,
  jsonOfMany,
  parseInput,
  type Routes,
  TaggedAnswer,
} from "../../http/index.ts"
import { presentImport, presentSecret, presentVersion } from "./presenters.ts"
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
        endpoint(
          ports,
          {
            summary: "The versions of a secret, newest first, without values",
            query: secretVersionsQuery,
            answer: secretVersionsAnswer,
          },
          async ({ session, params, query }) => {
            const page = { offset: query.offset ?? 0, limit: query.limit ?? 20 }
            const secretId = params["secretId"] ?? ""
            const reading = await listSecretVersions(deps, session, { secretId, ...page })
            return new TaggedAnswer(reading.seed, () => ({
              secretVersions: reading.found.map(presentVersion),
            }))
          },
        ),
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
    endpoint(
      ports,
      { summary: "List the secrets of a folder", query: version.listQuery, answer: listSecretsAnswer },
      async ({ session, query }) => {
        const reading = await listSecrets(deps, session, query)
        const { secrets, imports } = reading.found
        const body = async () => {
          const listed = `"secrets":${await jsonOfMany(secrets, presentSecret)}`
          if (!query.includeImports) return `{${listed}}`
          return `{${listed},"imports":${await jsonOfMany(imports, presentImport)}}`
        }
        return new TaggedAnswer(reading.seed, body, reading.basis)
      },
    ),
  )
  app.get(
    version.one,
    endpoint(
      ports,
      { summary: "One secret", query: version.getQuery, answer: oneSecretAnswer },
      async ({ session, params, query }) => {
        const reading = await getSecret(deps, session, { ...query, key: nameOf(params) })
        const body = () => ({ secret: presentSecret(reading.found) })
        return new TaggedAnswer(reading.seed, body, reading.basis)
      },
    ),
  )
}

function writeRoutes(app: FastifyInstance, deps: SecretsDeps, ports: HttpPorts, version: WireVersion): void {
  app.post(
    version.one,
    endpoint(
      ports,
      { summary: "Create a secret", body: version.createBody, answer: oneSecretAnswer },
      async ({ session, params, body }) => {
        const key = parseInput(secretKey, nameOf(params), "params.secretName")
        const secret = { ...changeOf(body), key, type: body.type }
        const [created] = await createSecrets(deps, session, body.place, [secret])
        return { secret: created === undefined ? null : presentSecret(created) }
      },
    ),
  )
  app.patch(
    version.one,
    endpoint(
      ports,
      { summary: "Change or rename a secret", body: version.updateBody, answer: oneSecretAnswer },
      async ({ session, params, body }) => {
        const newKey = body.newSecretName
        const secret = { ...changeOf(body), key: nameOf(params), type: body.type, newKey }
        const batch = { mode: "failOnNotFound", secrets: [secret] } as const
        const [updated] = await updateSecrets(deps, session, body.place, batch)
        return { secret: updated === undefined ? null : presentSecret(updated) }
      },
    ),
  )
  app.delete(
    version.one,
    endpoint(
      ports,
      { summary: "Delete a secret", body: version.deleteBody, answer: oneSecretAnswer },
      async ({ session, params, body }) => {
        const secret = { key: nameOf(params), type: body.type }
        const [removed] = await deleteSecrets(deps, session, body.place, [secret])
        return { secret: removed === undefined ? null : presentSecret(removed) }
      },
    ),
  )
}

function batchRoutes(app: FastifyInstance, deps: SecretsDeps, ports: HttpPorts, version: WireVersion): void {
  app.post(
    version.batch,
    endpoint(
      ports,
      { summary: "Create several secrets at once", body: version.createManyBody, answer: manySecretsAnswer },
      async ({ session, body }) => {
        const items = body.secrets.map((item) => ({
          ...changeOf(item),
          key: item.secretKey,
          type: item.type,
        }))
        const created = await createSecrets(deps, session, body.place, items)
        return { secrets: created.map(presentSecret) }
      },
    ),
  )
  app.patch(
    version.batch,
    endpoint(
      ports,
      { summary: "Change several secrets at once", body: version.updateManyBody, answer: manySecretsAnswer },
      async ({ session, body }) => {
        const secrets = body.secrets.map((item) => ({
          ...changeOf(item),
          key: item.secretKey,
          type: item.type,
          newKey: item.newSecretName,
          path: item.secretPath,
        }))
        const written = await updateSecrets(deps, session, body.place, { mode: body.mode, secrets })
        return { secrets: written.map(presentSecret) }
      },
    ),
  )
  app.delete(
    version.batch,
    endpoint(
      ports,
      { summary: "Delete several secrets at once", body: version.deleteManyBody, answer: manySecretsAnswer },
      async ({ session, body }) => {
        const items = body.secrets.map((item) => ({ key: item.secretKey, type: item.type }))
        const removed = await deleteSecrets(deps, session, body.place, items)
        return { secrets: removed.map(presentSecret) }
      },
    ),
  )
}
