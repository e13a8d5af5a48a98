import { copySecretsAnswer, copySecretsBody, renameKeyAnswer, renameKeyBody } from "@coffer/contract"
import { endpoint, type HttpPorts, type Routes } from "../../http/index.ts"
import type { FoldersDeps } from "../folders/index.ts"
import { copySecrets } from "./copy-secrets.ts"
import { renameKey } from "./rename-key.ts"

/** Copies and renames across environments. */
export function transferRoutes(deps: FoldersDeps, ports: HttpPorts): Routes {
  const path = "/coffer/v1/projects/:projectId/secrets"
  return (app) => {
    app.post(
      `${path}/copy`,
      endpoint(
        ports,
        { summary: "Copy secrets, also with sub-folders", body: copySecretsBody, answer: copySecretsAnswer },
        async ({ session, params, body }) =>
          await copySecrets(deps, session, {
            projectId: params["projectId"] ?? "",
            source: { environment: body.sourceEnvironment, path: body.sourceSecretPath },
            destination: { environment: body.destinationEnvironment, path: body.destinationSecretPath },
            secretIds: body.secretIds,
            recursive: body.recursive,
            onConflict: body.onConflict,
          }),
      ),
    )
    app.post(
      `${path}/rename`,
      endpoint(
        ports,
        { summary: "Rename a secret in several environments", body: renameKeyBody, answer: renameKeyAnswer },
        async ({ session, params, body }) => ({
          environments: await renameKey(deps, session, {
            projectId: params["projectId"] ?? "",
            path: body.secretPath,
            key: body.secretKey,
            newKey: body.newSecretKey,
            environments: body.environments,
          }),
        }),
      ),
    )
  }
}
