import { restoreAnswer, type TrashItem, trashAnswer, trashQuery, trashRestoreBody } from "@coffer/contract"
import { endpoint, type HttpPorts, isoTime, type Routes } from "../../http/index.ts"
import { type HistoryDeps, presentRestoration } from "../history/index.ts"
import type { Trashed } from "./listing.ts"
import { listTrash, restoreFromTrash } from "./service.ts"

const base = "/coffer/v1/projects/:projectId/trash"

/** What was deleted: listed, and brought back. */
export function trashRoutes(deps: HistoryDeps, ports: HttpPorts): Routes {
  return (app) => {
    app.get(
      base,
      endpoint(
        ports,
        { summary: "What was deleted and can come back", query: trashQuery, answer: trashAnswer },
        async ({ session, params, query }) => {
          const { environment, kind, all, offset = 0, limit = 100 } = query
          const filter = { environment, kind, all, offset, limit }
          const found = await listTrash(deps, session, params["projectId"] ?? "", filter)
          return { ...found, items: found.items.map(presentTrashed) }
        },
      ),
    )
    app.post(
      `${base}/restore`,
      endpoint(
        ports,
        { summary: "Bring something back from the trash", body: trashRestoreBody, answer: restoreAnswer },
        async ({ session, params, body }) => {
          const { kind, id } = body
          const at = { projectId: params["projectId"] ?? "", kind, id }
          return presentRestoration(await restoreFromTrash(deps, session, at))
        },
      ),
    )
  }
}

function presentTrashed(item: Trashed): TrashItem {
  return {
    kind: item.kind,
    id: item.id,
    name: item.name,
    place: { environment: item.environment, path: item.path },
    deletedBy: item.deletedBy,
    deletedAt: isoTime(item.deletedAt),
    revision: item.revision,
    partOf: item.partOf,
  }
}
