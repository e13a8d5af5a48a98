import type { WatchEvent, WatchOptions } from "./client.ts"
import { KubeApiError, type KubeStatus, KubeTransportError } from "./errors.ts"
import type { KubeObject } from "./resource.ts"
import type { Transport } from "./transport.ts"

/** One line of a watch, as it is on the wire. */
type WireEvent =
  | { type: "ADDED" | "MODIFIED" | "DELETED" | "BOOKMARK"; object: KubeObject }
  | { type: "ERROR"; object: KubeStatus }

export interface WatchRequest {
  readonly path: string
  readonly options: WatchOptions
  readonly accept?: string
}

const DEFAULT_TIMEOUT_SECONDS = 300
/** The server closes the watch itself; a connection that outlives this is dead. */
const GRACE_MS = 15_000

/** The events of one watch request, in order. Ends when the server closes it or the signal fires. */
export async function* watchEvents<T extends KubeObject>(
  transport: Transport,
  request: WatchRequest,
): AsyncGenerator<WatchEvent<T>> {
  const { options } = request
  const timeoutSeconds = options.timeoutSeconds ?? DEFAULT_TIMEOUT_SECONDS
  const idleTimeoutMs = () => options.idleTimeoutMs?.() ?? timeoutSeconds * 1000 + GRACE_MS
  const query = {
    watch: true,
    resourceVersion: options.resourceVersion,
    timeoutSeconds,
    allowWatchBookmarks: options.allowBookmarks ?? true,
    labelSelector: options.labelSelector,
    fieldSelector: options.fieldSelector,
  }
  const { path, accept } = request
  const call = { method: "GET", path, query, accept, signal: options.signal } as const
  const lines = transport.stream(call, { idleTimeoutMs, onOpen: options.onOpen })
  for await (const line of lines) {
    if (!isWireEvent(line)) throw new KubeTransportError(`GET ${path}: a line is not a watch event`)
    if (line.type === "ERROR") throw new KubeApiError(line.object.code ?? 500, line.object)
    if (line.type === "BOOKMARK") {
      yield { type: line.type, resourceVersion: line.object.metadata.resourceVersion ?? "" }
    } else {
      yield { type: line.type, object: line.object as T }
    }
  }
}

function isWireEvent(line: unknown): line is WireEvent {
  if (typeof line !== "object" || line === null || !("type" in line) || !("object" in line)) return false
  if (line.type === "ERROR") return typeof line.object === "object" && line.object !== null
  const isKnown = ["ADDED", "MODIFIED", "DELETED", "BOOKMARK"].includes(String(line.type))
  return isKnown && typeof line.object === "object" && line.object !== null && "metadata" in line.object
}
