import { moveSecretsAnswer, moveSecretsBody, oneSecretAnswer, secretTagsBody } from "@coffer/contract"
import { endpoint, type HttpPorts, type Routes } from "../../http/index.ts"
import { projectRef } from "../project-access/index.ts"
import { moveSecrets } from "./move-secrets.ts"
import { presentSecret } from "./presenters.ts"
import type { SecretsDeps } from "./read-secrets.ts"
import { retagSecret } from "./retag-secret.ts"

/** What rearranges secrets: tags on and off, and moves (contract 1.6). */
export function arrangeRoutes(deps: SecretsDeps, ports: HttpPorts): Routes {
  const retag = (how: "add" | "remove", summary: string) =>
    endpoint(
      ports,
      { summary, body: secretTagsBody, answer: oneSecretAnswer },
      async ({ session, params, body }) => {
        const project = projectRef(body.workspaceId, body.projectSlug ?? body.workspaceSlug)
        const place = { project, environment: body.environment, path: body.secretPath }
        const key = (params["secretName"] ?? "").trim()
        const { type, tagSlugs } = body
        return {
          secret: presentSecret(await retagSecret(deps, session, place, { key, type, how, tagSlugs })),
        }
      },
    )
  return (app) => {
    app.post("/v3/secrets/tags/:secretName", retag("add", "Put tags on a secret"))
    app.delete("/v3/secrets/tags/:secretName", retag("remove", "Take tags off a secret"))
    app.post(
      "/v4/secrets/move",
      endpoint(
        ports,
        { summary: "Move secrets to another folder", body: moveSecretsBody, answer: moveSecretsAnswer },
        async ({ session, body }) => {
          await moveSecrets(deps, session, {
            project: projectRef(body.projectId, body.projectSlug),
            source: { environment: body.sourceEnvironment, path: body.sourceSecretPath },
            destination: { environment: body.destinationEnvironment, path: body.destinationSecretPath },
            secretIds: body.secretIds,
            overwrite: body.shouldOverwrite,
          })
          return { isSourceUpdated: true, isDestinationUpdated: true }
        },
      ),
    )
  }
}
