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

/** PATCH /v1/folders/batch and /v2/folders/batch: renames, all or none. */
export const updateFoldersBody = z.object({
  projectId: text.optional(),
  workspaceId: text.optional(),
  projectSlug: text.optional(),
  folders: z
    .array(
      z.object({
        id: requiredText,
        environment: requiredText,
        name: folderName,
        path: folderPath.optional(),
        description,
      }),
    )
    .min(1)
    .max(100),
})

/** POST /coffer/v1/projects/:projectId/folders/move: `path` is the folder, the destination the one that shall hold it. */
export const moveFolderBody = z.object({
  environment: requiredText,
  path: folderPath,
  destinationEnvironment: requiredText.optional(),
  destinationPath: folderPath,
})

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
/** GET /coffer/v1/folders/:folderId/versions: newest first. */
export const folderVersionsAnswer = z.object({
  folderVersions: z.array(
    z.object({
      folderId: id,
      version: z.int(),
      name: z.string(),
      description: z.string().nullable(),
      envId: id,
      parentId: id.nullable(),
      isDeleted: z.boolean(),
      actor: z.object({ actorId: z.string(), actorType: z.string() }),
      createdAt: timestamp,
    }),
  ),
})
export const folderDetailsAnswer = z.object({
  folder: folderAnswer.extend({
    environment: z.object({ envId: id, envName: z.string(), envSlug: z.string() }),
    projectId: id,
  }),
})
