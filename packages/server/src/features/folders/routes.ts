import {
  createFolderV1Body,
  createFolderV2Body,
  deleteFolderV1Body,
  deleteFolderV2Body,
  folderDetailsAnswer,
  folderListAnswer,
  listFoldersV1Query,
  listFoldersV2Query,
  oneFolderAnswer,
  updateFolderV1Body,
  updateFolderV2Body,
} from "@coffer/contract"
import type { FastifyInstance } from "fastify"
import { AppError } from "../../errors.ts"
import { endpoint, type HttpPorts, type Routes } from "../../http/index.ts"
import { presentFolder } from "./presenter.ts"
import {
  changeFolder,
  createFolder,
  deleteFolder,
  type FolderPlace,
  type FoldersDeps,
  getFolder,
  listFolders,
} from "./service.ts"

type Located = {
  readonly workspaceId?: string
  readonly projectId?: string
  readonly environment: string
  readonly path?: string | undefined
  readonly directory?: string | undefined
}

function placeOf(located: Located): FolderPlace {
  return {
    projectId: located.projectId ?? located.workspaceId ?? "",
    environment: located.environment,
    path: located.path ?? located.directory ?? "/",
  }
}

type Described = Located & { readonly name: string; readonly description?: string | null | undefined }
type Listed = Located & { readonly recursive: boolean; readonly lastSecretModified?: string | undefined }

const named = (body: Described) => ({
  place: placeOf(body),
  name: body.name,
  description: body.description,
})
const gone = (body: Located & { readonly forceDelete: boolean }) => ({
  place: placeOf(body),
  force: body.forceDelete,
})
const listed = (query: Listed) => ({
  place: placeOf(query),
  recursive: query.recursive,
  lastSecretModified: query.lastSecretModified,
})

const wireVersions = [
  {
    path: "/v1/folders",
    createBody: createFolderV1Body.transform(named),
    updateBody: updateFolderV1Body.transform(named),
    deleteBody: deleteFolderV1Body.transform((body) => gone({ ...body, forceDelete: true })),
    listQuery: listFoldersV1Query.transform(listed),
  },
  {
    path: "/v2/folders",
    createBody: createFolderV2Body.transform(named),
    updateBody: updateFolderV2Body.transform(named),
    deleteBody: deleteFolderV2Body.transform(gone),
    listQuery: listFoldersV2Query.transform(listed),
  },
] as const

type WireVersion = (typeof wireVersions)[number]

/** Folders, v1 and v2 (contract 1.7): they differ in a field name and in what deleting a full folder does. */
export function folderRoutes(deps: FoldersDeps, ports: HttpPorts): Routes {
  return (app) => {
    for (const version of wireVersions) {
      readRoutes(app, deps, ports, version)
      writeRoutes(app, deps, ports, version)
    }
  }
}

function readRoutes(app: FastifyInstance, deps: FoldersDeps, ports: HttpPorts, version: WireVersion): void {
  app.get(
    version.path,
    endpoint(
      ports,
      { summary: "List the folders below a folder", query: version.listQuery, answer: folderListAnswer },
      async ({ session, query }) => {
        const changedSince = timeOf(query.lastSecretModified)
        const listed = await listFolders(deps, session, {
          ...query.place,
          recursive: query.recursive,
          changedSince,
        })
        const above = query.place.path === "/" ? "" : query.place.path
        return {
          folders: listed.map(({ folder, lastSecretModified }) => ({
            ...presentFolder(folder, lastSecretModified),
            ...(query.recursive ? { relativePath: folder.path.slice(above.length) } : {}),
          })),
        }
      },
    ),
  )
  app.get(
    `${version.path}/:folderId`,
    endpoint(ports, { summary: "One folder", answer: folderDetailsAnswer }, async ({ session, params }) => {
      const found = await getFolder(deps, session, params["folderId"] ?? "")
      const { id: envId, name: envName, slug: envSlug } = found.environment
      const folder = presentFolder(found.folder, found.lastSecretModified)
      return { folder: { ...folder, environment: { envId, envName, envSlug }, projectId: found.projectId } }
    }),
  )
}

function writeRoutes(app: FastifyInstance, deps: FoldersDeps, ports: HttpPorts, version: WireVersion): void {
  app.post(
    version.path,
    endpoint(
      ports,
      {
        summary: "Create a folder, with what is missing above it",
        body: version.createBody,
        answer: oneFolderAnswer,
      },
      async ({ session, body }) => {
        const folder = { ...body.place, name: body.name, description: body.description ?? null }
        return { folder: presentFolder(await createFolder(deps, session, folder), null) }
      },
    ),
  )
  app.patch(
    `${version.path}/:idOrName`,
    endpoint(
      ports,
      { summary: "Rename or describe a folder", body: version.updateBody, answer: oneFolderAnswer },
      async ({ session, params, body }) => {
        const { name, description } = body
        const idOrName = params["idOrName"] ?? ""
        const changed = await changeFolder(deps, session, { ...body.place, idOrName, name, description })
        return { folder: presentFolder(changed, null) }
      },
    ),
  )
  app.delete(
    `${version.path}/:idOrName`,
    endpoint(
      ports,
      { summary: "Delete a folder", body: version.deleteBody, answer: oneFolderAnswer },
      async ({ session, params, body }) => {
        const idOrName = params["idOrName"] ?? ""
        const removed = await deleteFolder(deps, session, { ...body.place, idOrName, force: body.force })
        return { folder: presentFolder(removed, null) }
      },
    ),
  )
}

function timeOf(text: string | undefined): number | undefined {
  if (text === undefined) return undefined
  const time = Date.parse(text)
  if (!Number.isNaN(time)) return time
  throw new AppError(
    "unprocessable",
    "ValidationFailure",
    "query.lastSecretModified must be an ISO-8601 time",
  )
}
