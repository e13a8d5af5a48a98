/** The past of a project: Coffer's own routes, which other servers of the contract lack. */
import {
  type RestoreAnswer,
  restoreAnswer,
  rollbackAnswer,
  secretDiffAnswer,
  secretHistoryAnswer,
} from "@coffer/contract"
import type { Transport } from "../transport.ts"
import type { FolderPlace } from "./secrets.ts"

export type Restoration = RestoreAnswer["restore"]

/** A revision of the project, or an ISO time with an offset. */
export type RestoreMoment = { readonly revision: number } | { readonly time: string }

export function historyArea(transport: Transport) {
  const base = (projectId: string) => `/api/coffer/v1/projects/${encodeURIComponent(projectId)}`
  const ofSecret = (projectId: string, secretId: string) =>
    `${base(projectId)}/history/secrets/${encodeURIComponent(secretId)}`
  return {
    /** Versions of a secret, newest first; values only for those who may read them. */
    versions: async (
      of: { readonly projectId: string; readonly secretId: string },
      options: { readonly includeValue: boolean; readonly limit: number },
    ) =>
      await transport.call({
        method: "GET",
        path: ofSecret(of.projectId, of.secretId),
        query: { includeValue: options.includeValue, limit: options.limit },
        schema: secretHistoryAnswer,
      }),

    diff: async (
      of: { readonly projectId: string; readonly secretId: string },
      between: { readonly from: number; readonly to: number; readonly includeValue: boolean },
    ) =>
      await transport.call({
        method: "GET",
        path: `${ofSecret(of.projectId, of.secretId)}/diff`,
        query: between,
        schema: secretDiffAnswer,
      }),

    /** Writes what a version says as the next one. */
    rollback: async (of: { readonly projectId: string; readonly secretId: string }, version: number) =>
      await transport.call({
        method: "POST",
        path: `${ofSecret(of.projectId, of.secretId)}/rollback`,
        body: { version },
        schema: rollbackAnswer,
      }),

    /** What {@link restore} would do. */
    previewRestore: async (
      place: FolderPlace,
      to: RestoreMoment,
      options: { readonly recursive: boolean },
    ): Promise<Restoration> => {
      const { projectId, environment, secretPath: path } = place
      const answer = await transport.call({
        method: "GET",
        path: `${base(projectId)}/restore`,
        query: { environment, path, recursive: options.recursive, ...to },
        schema: restoreAnswer,
      })
      return answer.restore
    },

    /** @param options `expectedRevision` is the `revision` of the preview */
    restore: async (
      place: FolderPlace,
      to: RestoreMoment,
      options: { readonly recursive: boolean; readonly expectedRevision: number },
    ): Promise<Restoration> => {
      const { projectId, environment, secretPath: path } = place
      const answer = await transport.call({
        method: "POST",
        path: `${base(projectId)}/restore`,
        body: { environment, path, ...options, ...to },
        schema: restoreAnswer,
      })
      return answer.restore
    },
  }
}
