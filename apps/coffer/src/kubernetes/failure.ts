/** Cluster errors as the command reports them. */
import { KubeApiError, KubeconfigError, KubeTransportError } from "@coffer/kube-runtime"
import { CommandError } from "../command-error.ts"
import type { FailureKind } from "../exit-codes.ts"

const kindByStatus: ReadonlyMap<number, FailureKind> = new Map([
  [401, "unauthenticated"],
  [403, "forbidden"],
  [404, "not-found"],
  [409, "conflict"],
  [422, "invalid"],
  [429, "unavailable"],
  [503, "unavailable"],
  [504, "unavailable"],
])

/** The same error as a {@link CommandError} where the cluster caused it, and unchanged otherwise. */
export function fromClusterError(error: unknown): unknown {
  if (error instanceof KubeconfigError) return new CommandError("invalid", error.message, { cause: error })
  if (error instanceof KubeTransportError) {
    return new CommandError("unavailable", `the cluster does not answer: ${error.message}`, { cause: error })
  }
  if (error instanceof KubeApiError) {
    const kind = kindByStatus.get(error.status) ?? "unexpected"
    return new CommandError(kind, `the cluster refuses: ${error.message}`, { cause: error })
  }
  return error
}
