import {
  folderListAnswer,
  folderVersionsAnswer,
  moveFolderBody,
  oneFolderAnswer,
  updateFoldersBody,
} from "@coffer/contract"
import { endpoint, type HttpPorts, isoTime, type Routes } from "../../http/index.ts"
import { projectIdForWrite, projectRef } from "../project-access/index.ts"
import { moveFolder } from "./move-folder.ts"
import { presentFolder } from "./presenter.ts"
import { changeFolders, type FoldersDeps, listFolderHistory } from "./service.ts"

/** Renames of several folders (contract 1.7), moves and histories. */
export function arrangeFolderRoutes(deps: FoldersDeps, ports: HttpPorts): Routes {
  return (app) => {
    for (const path of ["/v1/folders/batch", "/v2/folders/batch"]) {
      app.patch(
        path,
        endpoint(
          ports,
          { summary: "Rename several folders at once", body: updateFoldersBody, answer: folderListAnswer },
          async ({ session, body }) => {
            const ref = projectRef(body.projectId ?? body.workspaceId, body.projectSlug)
            const projectId = await projectIdForWrite(deps, session, ref)
            const changes = body.folders.map(({ id, environment, name, description }) => ({
              id,
              environment,
              name,
              description,
            }))
            const folders = await changeFolders(deps, session, projectId, changes)
            return { folders: folders.map((folder) => presentFolder(folder, null)) }
          },
        ),
      )
    }
    app.post(
      "/coffer/v1/projects/:projectId/folders/move",
      endpoint(
        ports,
        {
          summary: "Move a folder, also to another environment",
          body: moveFolderBody,
          answer: oneFolderAnswer,
        },
        async ({ session, params, body }) => {
          const folder = await moveFolder(deps, session, {
            projectId: params["projectId"] ?? "",
            environment: body.environment,
            path: body.path,
            destinationEnvironment: body.destinationEnvironment ?? body.environment,
            destinationPath: body.destinationPath,
          })
          return { folder: presentFolder(folder, null) }
        },
      ),
    )
    app.get(
      "/coffer/v1/folders/:folderId/versions",
      endpoint(
        ports,
        { summary: "The versions of a folder, newest first", answer: folderVersionsAnswer },
        async ({ session, params }) => {
          const versions = await listFolderHistory(deps, session, params["folderId"] ?? "")
          return {
            folderVersions: versions.map((one) => ({
              folderId: one.folderId,
              version: one.version,
              name: one.name,
              description: one.description,
              envId: one.environmentId,
              parentId: one.parentId,
              isDeleted: one.isDeleted,
              actor: { actorId: one.actorId, actorType: one.actorType },
              createdAt: isoTime(one.at),
            })),
          }
        },
      ),
    )
  }
}
