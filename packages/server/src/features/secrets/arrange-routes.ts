import {
  dueRemindersQuery,
  moveSecretsAnswer,
  moveSecretsBody,
  oneSecretAnswer,
  remindersAnswer,
  secretTagsBody,
} from "@coffer/contract"
import { endpoint, type HttpPorts, isoTime, type Routes } from "../../http/index.ts"
import { projectRef } from "../project-access/index.ts"
import { moveSecrets } from "./move-secrets.ts"
import { presentSecret } from "./presenters.ts"
import type { SecretsDeps } from "./read-secrets.ts"
import { listDueReminders } from "./reminders.ts"
import { retagSecret } from "./retag-secret.ts"

/** What rearranges secrets, tags on and off and moves (contract 1.6), and the reminders that are due. */
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
    app.get(
      "/coffer/v1/projects/:projectId/reminders",
      endpoint(
        ports,
        { summary: "Reminders of secrets that are due", query: dueRemindersQuery, answer: remindersAnswer },
        async ({ session, params, query }) => {
          const wanted = { projectId: params["projectId"] ?? "", dueBy: query.dueBy }
          const reminders = await listDueReminders(deps, session, wanted)
          return {
            reminders: reminders.map((one) => ({
              secretId: one.secretId,
              secretKey: one.key,
              environment: one.environment,
              secretPath: one.path,
              note: one.note,
              repeatDays: one.repeatDays,
              dueAt: isoTime(one.dueAt),
            })),
          }
        },
      ),
    )
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
