/** Secrets that go elsewhere or get another name. Moving is of the contract; copying and renaming everywhere is ours. */
import { copySecretsAnswer, moveSecretsAnswer, renameKeyAnswer } from "@coffer/contract"
import type { Transport } from "../transport.ts"
import type { FolderPlace } from "./secrets.ts"

export type Destination = Pick<FolderPlace, "environment" | "secretPath">

function between(source: FolderPlace, destination: Destination) {
  return {
    sourceEnvironment: source.environment,
    sourceSecretPath: source.secretPath,
    destinationEnvironment: destination.environment,
    destinationSecretPath: destination.secretPath,
  }
}

export function transfersArea(transport: Transport) {
  const base = (projectId: string) => `/api/coffer/v1/projects/${encodeURIComponent(projectId)}/secrets`
  return {
    /** All or none; ids and histories stay. @throws ApiError "invalid" that names what the destination holds already */
    move: async (
      source: FolderPlace,
      destination: Destination,
      what: { readonly secretIds: readonly string[]; readonly shouldOverwrite: boolean },
    ) =>
      await transport.call({
        method: "POST",
        path: "/api/v4/secrets/move",
        body: { projectId: source.projectId, ...between(source, destination), ...what },
        schema: moveSecretsAnswer,
      }),

    /** All or none; without `secretIds` everything that the folder holds. */
    copy: async (
      source: FolderPlace,
      destination: Destination,
      what: {
        readonly secretIds?: readonly string[]
        readonly recursive?: boolean
        readonly onConflict: "fail" | "skip" | "overwrite"
      },
    ) =>
      await transport.call({
        method: "POST",
        path: `${base(source.projectId)}/copy`,
        body: { ...between(source, destination), ...what },
        schema: copySecretsAnswer,
      }),

    /** All or none; without `environments` wherever the key is. Returns the slugs of where it was renamed. */
    rename: async (
      projectId: string,
      what: {
        readonly secretPath: string
        readonly secretKey: string
        readonly newSecretKey: string
        readonly environments?: readonly string[]
      },
    ): Promise<readonly string[]> => {
      const path = `${base(projectId)}/rename`
      const answer = await transport.call({ method: "POST", path, body: what, schema: renameKeyAnswer })
      return answer.environments
    },
  }
}
