import type { FolderAnswer } from "@coffer/contract"
import type { FolderRecord } from "../../cache/index.ts"
import { isoTime } from "../../http/index.ts"

export function presentFolder(folder: FolderRecord, lastSecretModified: number | null): FolderAnswer {
  return {
    id: folder.id,
    name: folder.name,
    version: folder.version,
    createdAt: isoTime(folder.createdAt),
    updatedAt: isoTime(folder.updatedAt),
    envId: folder.environmentId,
    parentId: folder.parentId,
    isReserved: false,
    description: folder.description,
    lastSecretModified: lastSecretModified === null ? null : isoTime(lastSecretModified),
    path: folder.path,
  }
}
