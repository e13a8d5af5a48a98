/** What was deleted in a project; Coffer's own routes, which other servers of the contract lack. */
import { restoreAnswer, type TrashItem, trashAnswer } from "@coffer/contract"
import type { Transport } from "../transport.ts"
import type { Restoration } from "./history.ts"

export type { TrashItem }
export type TrashKind = "secret" | "folder" | "environment"
export type TrashFilter = {
  readonly environment?: string | undefined
  readonly kind?: TrashKind | undefined
  /** Also what went with a folder or an environment. */
  readonly all?: boolean | undefined
  readonly limit?: number | undefined
}

export function trashArea(transport: Transport) {
  const base = (projectId: string) => `/api/coffer/v1/projects/${encodeURIComponent(projectId)}/trash`
  return {
    /** Newest first, as far as the caller may know of it. */
    list: async (projectId: string, filter: TrashFilter) =>
      await transport.call({ method: "GET", path: base(projectId), query: filter, schema: trashAnswer }),

    /** Brings one thing back under its id. */
    restore: async (
      projectId: string,
      item: { readonly kind: TrashKind; readonly id: string },
    ): Promise<Restoration> => {
      const path = `${base(projectId)}/restore`
      const answer = await transport.call({ method: "POST", path, body: item, schema: restoreAnswer })
      return answer.restore
    },
  }
}
