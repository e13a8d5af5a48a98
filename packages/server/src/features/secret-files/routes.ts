import {
  exportSecretsAnswer,
  exportSecretsQuery,
  type ImportSecretsAnswer,
  importSecretsAnswer,
  importSecretsBody,
} from "@coffer/contract"
import { endpoint, type HttpPorts, type Routes, TaggedAnswer } from "../../http/index.ts"
import type { FoldersDeps } from "../folders/index.ts"
import { importFile } from "./import-file.ts"
import { previewFile } from "./preview-file.ts"

const fileNames = {
  dotenv: "secrets.env",
  "dotenv-export": "secrets.sh",
  json: "secrets.json",
  csv: "secrets.csv",
  yaml: "secrets.yaml",
} as const

/** Files into folders, and folders as files. The parsers are loaded when the first file comes: YAML's are large. */
export function secretFileRoutes(deps: FoldersDeps, ports: HttpPorts): Routes {
  return (app) => {
    app.post(
      "/coffer/v1/projects/:projectId/import",
      endpoint(
        ports,
        {
          summary: "Read a file of secrets into a folder, or preview it",
          body: importSecretsBody,
          answer: importSecretsAnswer,
        },
        async ({ session, params, body }): Promise<ImportSecretsAnswer> => {
          const { entriesOf } = await import("./entries.ts")
          const folders = entriesOf(body.format, body.content, body.secretPath)
          const { environment, secretPath: path, onConflict } = body
          const place = { projectId: params["projectId"] ?? "", environment, path, folders }
          const report = body.preview
            ? await previewFile(deps, session, place)
            : await importFile(deps, session, { ...place, onConflict })
          return {
            isApplied: !body.preview,
            created: [...report.created],
            changed: [...report.changed],
            unchanged: [...report.unchanged],
            foldersCreated: [...report.foldersCreated],
          }
        },
      ),
    )
    app.get(
      "/coffer/v1/projects/:projectId/export",
      endpoint(
        ports,
        { summary: "A folder as a file", query: exportSecretsQuery, answer: exportSecretsAnswer },
        async ({ session, params, query }) => {
          const { exportFile } = await import("./export-file.ts")
          const reading = await exportFile(deps, session, {
            projectId: params["projectId"] ?? "",
            environment: query.environment,
            path: query.secretPath,
            format: query.format,
            recursive: query.recursive,
            includeImports: query.includeImports,
            expand: query.expandSecretReferences,
          })
          const fileName = fileNames[query.format]
          return new TaggedAnswer(reading.seed, () => ({ fileName, content: reading.found }))
        },
      ),
    )
  }
}
