/** Folders of an environment. */
import { type FolderAnswer, folderListAnswer, oneFolderAnswer } from "@coffer/contract"
import type { Transport } from "../transport.ts"
import type { FolderPlace } from "./secrets.ts"

const folder = oneFolderAnswer.shape.folder.pick({ id: true, name: true, version: true })
const oneFolder = oneFolderAnswer.extend({ folder })
const folderList = folderListAnswer.extend({ folders: folder.array() })

export type Folder = Pick<FolderAnswer, "id" | "name" | "version">

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
  }
}
