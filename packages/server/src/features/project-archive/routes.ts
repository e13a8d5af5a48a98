import {
  archiveIdentityHeader,
  exportArchiveQuery,
  importArchiveAnswer,
  importArchiveQuery,
} from "@coffer/contract"
import { AppError } from "../../errors.ts"
import {
  acceptUploads,
  downloadEndpoint,
  type HttpPorts,
  type Routes,
  uploadEndpoint,
} from "../../http/index.ts"
import type { Log } from "../../log.ts"
import { getProject, type ProjectsDeps, presentProject } from "../projects/index.ts"
import { exportArchive } from "./export-archive.ts"
import { importArchive } from "./import-archive.ts"

const fileType = "application/octet-stream"
/** Each holds a few megabytes and keeps a core busy. */
const maxAtOnce = 2

/** The archive of a project: out as a download, in as an upload. */
export function projectArchiveRoutes(deps: ProjectsDeps & { readonly log: Log }, ports: HttpPorts): Routes {
  let imports = 0
  return (app) => {
    app.get(
      "/coffer/v1/projects/:projectId/archive",
      downloadEndpoint(
        ports,
        {
          summary: "Export a whole project as one file that the recipients can open",
          query: exportArchiveQuery,
          answerType: fileType,
        },
        async ({ session, params, query }) => {
          const input = { projectId: params["projectId"] ?? "", recipients: query.recipient }
          const { fileName, sealed } = await exportArchive(deps, session, input)
          return { fileName, content: sealed }
        },
      ),
    )
    app.register(async (uploads) => {
      acceptUploads(uploads, fileType)
      uploads.post(
        "/coffer/v1/projects/archive",
        uploadEndpoint(
          ports,
          {
            summary: "Import a whole project; the header x-coffer-archive-identity opens the file",
            query: importArchiveQuery,
            bodyType: fileType,
            answer: importArchiveAnswer,
          },
          async ({ session, query, upload, header }) => {
            const identity = header(archiveIdentityHeader)
            if (identity === undefined) throw identityMissing()
            if (imports >= maxAtOnce) throw tooManyImports()
            imports += 1
            try {
              const { asCopy, slug, name } = query
              const options = { identity, asCopy, slug, name }
              const imported = await importArchive(deps, session, upload, options)
              const { projectId, ...rest } = imported
              const refreshed = await session.refresh()
              const view = await getProject(deps, refreshed, { kind: "id", id: projectId })
              return { project: presentProject(view), ...rest }
            } finally {
              imports -= 1
            }
          },
        ),
      )
    })
  }
}

function identityMissing(): AppError {
  const message = `Send the age identity that opens the archive in the header ${archiveIdentityHeader}`
  return new AppError("invalid", "BadRequest", message)
}

function tooManyImports(): AppError {
  const message = `This server imports ${maxAtOnce} projects at once; try again when one of them is done`
  return new AppError("rate-limited", "RateLimitExceeded", message, { retryAfterSeconds: 30 })
}
