/** Folders, v1 (`workspaceId`) and v2 (`projectId`) (contract 1.7). `directory` is another name of `path`. */
import { z } from "zod"
import {
  folderName,
  folderPath,
  id,
  queryBoolean,
  queryText,
  requiredText,
  text,
  timestamp,
} from "./fields.ts"

const place = { environment: requiredText, path: folderPath.optional(), directory: folderPath.optional() }
const v1 = { workspaceId: requiredText, ...place }
const v2 = { projectId: requiredText, ...place }
const description = text.max(1024).nullish()

export const createFolderV1Body = z.object({ ...v1, name: folderName, description })
export const createFolderV2Body = z.object({ ...v2, name: folderName, description })
export const updateFolderV1Body = z.object({ ...v1, name: folderName, description })
export const updateFolderV2Body = z.object({ ...v2, name: folderName, description })
/** v1 always removes what the folder holds; v2 only with `forceDelete`. */
export const deleteFolderV1Body = z.object(v1)
export const deleteFolderV2Body = z.object({ ...v2, forceDelete: z.boolean().default(false) })

const listFields = {
  environment: requiredText,
  path: queryText.pipe(folderPath.optional()),
  directory: queryText.pipe(folderPath.optional()),
  recursive: queryBoolean(false),
  lastSecretModified: queryText,
}
export const listFoldersV1Query = z.object({ workspaceId: requiredText, ...listFields })
export const listFoldersV2Query = z.object({ projectId: requiredText, ...listFields })

export const folderAnswer = z.object({
  id,
  name: z.string(),
  version: z.int(),
  createdAt: timestamp,
  updatedAt: timestamp,
  envId: id,
  parentId: id.nullable(),
  isReserved: z.boolean(),
  description: z.string().nullable(),
  lastSecretModified: timestamp.nullable(),
  path: z.string().optional(),
  /** Only in recursive lists: the path below the folder that was asked for. */
  relativePath: z.string().optional(),
})
export type FolderAnswer = z.infer<typeof folderAnswer>

export const oneFolderAnswer = z.object({ folder: folderAnswer })
export const folderListAnswer = z.object({ folders: z.array(folderAnswer) })
export const folderDetailsAnswer = z.object({
  folder: folderAnswer.extend({
    environment: z.object({ envId: id, envName: z.string(), envSlug: z.string() }),
    projectId: id,
  }),
})
