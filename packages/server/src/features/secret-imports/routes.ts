import {
  createSecretImportV1Body,
  createSecretImportV2Body,
  deleteSecretImportV1Body,
  deleteSecretImportV2Body,
  importedSecretsAnswer,
  importedSecretsV1Query,
  importedSecretsV2Query,
  listSecretImportsV1Query,
  listSecretImportsV2Query,
  type SecretImportObject,
  secretImportAnswer,
  secretImportDetailsAnswer,
  secretImportListAnswer,
  updateSecretImportV1Body,
  updateSecretImportV2Body,
} from "@coffer/contract"
import type { FastifyInstance } from "fastify"
import type { EnvironmentRecord } from "../../cache/index.ts"
import { endpoint, type HttpPorts, isoTime, type Routes, TaggedAnswer } from "../../http/index.ts"
import { listImportedSecrets, presentImport, type SecretsDeps } from "../secrets/index.ts"
import {
  changeImport,
  createImport,
  deleteImport,
  getImport,
  type ImportPlace,
  listImports,
  type ShownImport,
} from "./service.ts"

export type SecretImportsDeps = SecretsDeps

type Located = {
  readonly workspaceId?: string
  readonly projectId?: string
  readonly environment: string
  readonly path: string
}

function placeOf(input: Located): ImportPlace {
  const projectId = input.projectId ?? input.workspaceId ?? ""
  return { projectId, environment: input.environment, path: input.path }
}

type Source = { readonly environment?: string | undefined; readonly path?: string | undefined }
type Created = Located & {
  readonly import: { readonly environment: string; readonly path: string }
  readonly isReplication: boolean
}
type Changed = Located & { readonly import: Source & { readonly position?: number | undefined } }
type Shown = Located & { readonly expandSecretReferences: boolean; readonly viewSecretValue: boolean }

const created = (body: Created) => ({
  place: placeOf(body),
  source: body.import,
  isReplication: body.isReplication,
})
const changed = ({ import: { position, ...source }, ...body }: Changed) => ({
  place: placeOf(body),
  source,
  position,
})
const placed = (input: Located) => ({ place: placeOf(input) })
const shown = (query: Shown) => ({
  place: placeOf(query),
  expand: query.expandSecretReferences,
  viewValue: query.viewSecretValue,
})

const wireVersions = [
  {
    path: "/v1/secret-imports",
    createBody: createSecretImportV1Body.transform(created),
    updateBody: updateSecretImportV1Body.transform(changed),
    deleteBody: deleteSecretImportV1Body.transform(placed),
    listQuery: listSecretImportsV1Query.transform(placed),
    secretsQuery: importedSecretsV1Query.transform(shown),
  },
  {
    path: "/v2/secret-imports",
    createBody: createSecretImportV2Body.transform(created),
    updateBody: updateSecretImportV2Body.transform(changed),
    deleteBody: deleteSecretImportV2Body.transform(placed),
    listQuery: listSecretImportsV2Query.transform(placed),
    secretsQuery: importedSecretsV2Query.transform(shown),
  },
] as const

type WireVersion = (typeof wireVersions)[number]

/** Secret imports, v1 and v2 (contract 1.8): they differ in the name of the project field. */
export function secretImportRoutes(deps: SecretImportsDeps, ports: HttpPorts): Routes {
  return (app) => {
    for (const version of wireVersions) {
      readRoutes(app, deps, ports, version)
      writeRoutes(app, deps, ports, version)
    }
  }
}

function readRoutes(
  app: FastifyInstance,
  deps: SecretImportsDeps,
  ports: HttpPorts,
  version: WireVersion,
): void {
  app.get(
    version.path,
    endpoint(
      ports,
      { summary: "List the imports of a folder", query: version.listQuery, answer: secretImportListAnswer },
      async ({ session, query }) => ({
        message: "Successfully fetched secret imports",
        secretImports: (await listImports(deps, session, query.place)).map(present),
      }),
    ),
  )
  for (const path of [`${version.path}/secrets`, `${version.path}/secrets/raw`]) {
    app.get(
      path,
      endpoint(
        ports,
        {
          summary: "The secrets that a folder imports, with their values",
          query: version.secretsQuery,
          answer: importedSecretsAnswer,
        },
        async ({ session, query }) => {
          const { projectId, environment, path } = query.place
          const { expand, viewValue } = query
          const project = { kind: "id", id: projectId } as const
          const where = { project, environment, path, expand, viewValue }
          const reading = await listImportedSecrets(deps, session, where)
          return new TaggedAnswer(reading.seed, () => ({ secrets: reading.found.map(presentImport) }))
        },
      ),
    )
  }
  app.get(
    `${version.path}/:secretImportId`,
    endpoint(
      ports,
      { summary: "One import", answer: secretImportDetailsAnswer },
      async ({ session, params }) => {
        const found = await getImport(deps, session, params["secretImportId"] ?? "")
        const { projectId, folder } = found
        const environment = presentEnvironment(found.environment)
        return { secretImport: { ...present(found), projectId, environment, secretPath: folder.path } }
      },
    ),
  )
}

function writeRoutes(
  app: FastifyInstance,
  deps: SecretImportsDeps,
  ports: HttpPorts,
  version: WireVersion,
): void {
  app.post(
    version.path,
    endpoint(
      ports,
      {
        summary: "Let a folder import another one",
        body: version.createBody,
        answer: secretImportAnswer,
      },
      async ({ session, body }) => {
        const { source, isReplication } = body
        const made = await createImport(deps, session, { ...body.place, source, isReplication })
        return { message: "Successfully created secret import", secretImport: present(made) }
      },
    ),
  )
  app.patch(
    `${version.path}/:secretImportId`,
    endpoint(
      ports,
      {
        summary: "Point an import elsewhere, or move it",
        body: version.updateBody,
        answer: secretImportAnswer,
      },
      async ({ session, params, body }) => {
        const { source, position } = body
        const importId = params["secretImportId"] ?? ""
        const now = await changeImport(deps, session, { ...body.place, importId, source, position })
        return { message: "Successfully updated secret import", secretImport: present(now) }
      },
    ),
  )
  app.delete(
    `${version.path}/:secretImportId`,
    endpoint(
      ports,
      { summary: "Remove an import", body: version.deleteBody, answer: secretImportAnswer },
      async ({ session, params, body }) => {
        const importId = params["secretImportId"] ?? ""
        const removed = await deleteImport(deps, session, { ...body.place, importId })
        return { message: "Successfully deleted secret import", secretImport: present(removed) }
      },
    ),
  )
}

function present({ record, importEnvironment }: ShownImport): SecretImportObject {
  return {
    id: record.id,
    version: record.version,
    importPath: record.importPath,
    importEnv: presentEnvironment(importEnvironment),
    position: record.position,
    folderId: record.folderId,
    isReplication: record.isReplication,
    isReserved: false,
    createdAt: isoTime(record.createdAt),
    updatedAt: isoTime(record.updatedAt),
  }
}

function presentEnvironment({ id, name, slug }: EnvironmentRecord) {
  return { id, name, slug }
}
