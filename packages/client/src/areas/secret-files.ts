/** Files of secrets, which only Coffer takes. */
import { type ImportSecretsAnswer, importSecretsAnswer } from "@coffer/contract"
import type { Transport } from "../transport.ts"
import type { FolderPlace } from "./secrets.ts"

export type ImportInput = {
  readonly format: "dotenv" | "json" | "yaml"
  /** The text of the file. */
  readonly content: string
  readonly onConflict: "fail" | "skip" | "overwrite"
  /** True compares and writes nothing. */
  readonly preview: boolean
}
export type ImportReport = ImportSecretsAnswer

export function secretFilesArea(transport: Transport) {
  return {
    /** All or nothing. @throws ApiError "conflict" or "invalid" naming what has another value, when that is to fail */
    import: async (place: FolderPlace, input: ImportInput): Promise<ImportReport> => {
      const { projectId, environment, secretPath } = place
      return await transport.call({
        method: "POST",
        path: `/api/coffer/v1/projects/${encodeURIComponent(projectId)}/import`,
        body: { environment, secretPath, ...input },
        schema: importSecretsAnswer,
      })
    },
  }
}
