/** Folders of an environment. */
import { type FolderAnswer, folderListAnswer, oneFolderAnswer } from "@coffer/contract"
import type { Transport } from "../transport.ts"
import type { FolderPlace } from "./secrets.ts"

const folder = oneFolderAnswer.shape.folder.pick({ id: true, name: true, version: true })
const listedFolder = oneFolderAnswer.shape.folder.pick({
  id: true,
  name: true,
  version: true,
  description: true,
  relativePath: true,
  lastSecretModified: true,
})
const oneFolder = oneFolderAnswer.extend({ folder })
const folderList = folderListAnswer.extend({ folders: folder.array() })

export type Folder = Pick<FolderAnswer, "id" | "name" | "version">

const treeAnswer = folderListAnswer.extend({ folders: listedFolder.array() })

export type ListedFolder = Pick<
  FolderAnswer,
  "id" | "name" | "version" | "description" | "relativePath" | "lastSecretModified"
>

export function foldersArea(transport: Transport) {
  return {
    /** The folders directly below `place`. */
    list: async (place: FolderPlace): Promise<readonly Folder[]> => {
      const query = { projectId: place.projectId, environment: place.environment, path: place.secretPath }
      const answer = await transport.call({
        method: "GET",
        path: "/api/v2/folders",
        query,
        schema: folderList,
      })
      return answer.folders
    },

    /** Creates `name` below `place`, with what is missing above it; one that exists is returned as it is. */
    create: async (place: FolderPlace, name: string): Promise<Folder> => {
      const { projectId, environment, secretPath } = place
      const body = { projectId, environment, path: secretPath, name }
      const answer = await transport.call({
        method: "POST",
        path: "/api/v2/folders",
        body,
        schema: oneFolder,
      })
      return answer.folder
    },

    /** Every folder below `place`, with its path from there. */
    tree: async (place: FolderPlace): Promise<readonly ListedFolder[]> => {
      const { projectId, environment, secretPath: path } = place
      const query = { projectId, environment, path, recursive: true }
      const call = { method: "GET", path: "/api/v2/folders", query, schema: treeAnswer } as const
      return (await transport.call(call)).folders
    },

    /** Gives the folder `name` below `place` another name. */
    rename: async (place: FolderPlace, name: string, newName: string): Promise<Folder> => {
      const { projectId, environment, secretPath } = place
      const answer = await transport.call({
        method: "PATCH",
        path: `/api/v2/folders/${encodeURIComponent(name)}`,
        body: { projectId, environment, path: secretPath, name: newName },
        schema: oneFolder,
      })
      return answer.folder
    },

    /** Deletes the folder `name` below `place`. @throws ApiError "invalid" for one that is not empty, without `force` */
    delete: async (
      place: FolderPlace,
      name: string,
      { force = false }: { readonly force?: boolean } = {},
    ): Promise<Folder> => {
      const { projectId, environment, secretPath } = place
      const answer = await transport.call({
        method: "DELETE",
        path: `/api/v2/folders/${encodeURIComponent(name)}`,
        body: { projectId, environment, path: secretPath, forceDelete: force },
        schema: oneFolder,
      })
      return answer.folder
    },
  }
}
