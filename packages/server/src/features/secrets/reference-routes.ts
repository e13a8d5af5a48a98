import {
  getSecretByIdQuery,
  oneSecretAnswer,
  secretPlaceQuery,
  secretReferencesAnswer,
  secretReferenceTreeAnswer,
} from "@coffer/contract"
import { endpoint, type HttpPorts, type Routes, TaggedAnswer } from "../../http/index.ts"
import { presentSecret } from "./presenters.ts"
import { getSecretById, type SecretsDeps } from "./read-secrets.ts"
import { getReferenceTree, listBackReferences, type NamedSecret } from "./reference-tree.ts"

const placeQuery = secretPlaceQuery.transform(({ projectId, environment, secretPath: path }) => ({
  projectId,
  environment,
  path,
}))

/** Secrets by id, and references in both directions (contract 1.4). */
export function secretReferenceRoutes(deps: SecretsDeps, ports: HttpPorts): Routes {
  return (app) => {
    app.get(
      "/v4/secrets/id/:secretId",
      endpoint(
        ports,
        { summary: "One secret by its id", query: getSecretByIdQuery, answer: oneSecretAnswer },
        async ({ session, params, query }) => {
          const { expandSecretReferences: expand, viewSecretValue: viewValue } = query
          const secretId = params["secretId"] ?? ""
          const reading = await getSecretById(deps, session, { secretId, expand, viewValue })
          return new TaggedAnswer(reading.seed, () => ({ secret: presentSecret(reading.found) }))
        },
      ),
    )
    app.get(
      "/v4/secrets/:secretName/secret-reference-tree",
      endpoint(
        ports,
        {
          summary: "What the value of a secret refers to",
          query: placeQuery,
          answer: secretReferenceTreeAnswer,
        },
        async ({ session, params, query }) => {
          const reading = await getReferenceTree(deps, session, named(params, query))
          const { tree, value } = reading.found
          return new TaggedAnswer(reading.seed, () => (value === undefined ? { tree } : { tree, value }))
        },
      ),
    )
    app.get(
      "/v4/secrets/:secretName/secret-references",
      endpoint(
        ports,
        {
          summary: "The secrets of the project that refer to a secret",
          query: placeQuery,
          answer: secretReferencesAnswer,
        },
        async ({ session, params, query }) => {
          const reading = await listBackReferences(deps, session, named(params, query))
          const references = reading.found.map(({ record, environment, path }) => ({
            secretKey: record.key,
            secretId: record.id,
            environment,
            secretPath: path,
            referenceType: "secret",
          }))
          return new TaggedAnswer(reading.seed, () => ({ references, totalCount: references.length }))
        },
      ),
    )
  }
}

function named(
  params: Readonly<Record<string, string>>,
  query: { readonly projectId: string; readonly environment: string; readonly path: string },
): NamedSecret {
  const { projectId, environment, path } = query
  return { projectId, environment, path, key: (params["secretName"] ?? "").trim() }
}
