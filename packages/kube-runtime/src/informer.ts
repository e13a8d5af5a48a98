import type { KubeClient, Selection } from "./client.ts"
import type { Clock, Random } from "./clock.ts"
import type { Logger } from "./logger.ts"
import type { RuntimeMetrics } from "./metrics.ts"
import type { Indexers } from "./object-store.ts"
import type { KubeObject, ObjectKey, Resource } from "./resource.ts"

/** What happened to an object, as seen by this process. */
export type Change<T> =
  /** `initial` is true while the first list is read and for objects that were there before the subscription. */
  | { readonly kind: "add"; readonly object: T; readonly initial: boolean }
  | { readonly kind: "update"; readonly object: T; readonly previous: T }
  /** `object` is the last state that was seen. */
  | { readonly kind: "delete"; readonly object: T }

export type ChangeHandler<T> = (change: Change<T>) => void

export interface InformerOptions<T extends KubeObject> extends Selection {
  readonly client: KubeClient
  readonly clock?: Clock | undefined
  readonly random?: Random | undefined
  readonly logger?: Logger | undefined
  readonly metrics?: RuntimeMetrics | undefined
  /** Drops what nobody reads before the object is stored. Default: `withoutManagedFields`. */
  readonly transform?: ((object: T) => T) | undefined
  /** Name to function: the values under which an object is found by `byIndex`. */
  readonly indexers?: Indexers<T> | undefined
  readonly pageSize?: number | undefined
}

/**
 * Keeps a copy of a kind's objects by list and watch and tells subscribers about changes. Restarts itself after any
 * failure, with growing pauses; a restart lists everything again and reports objects that vanished meanwhile.
 */
export interface Informer<T extends KubeObject> {
  readonly resource: Resource
  /** Works until the signal; never rejects. A second call throws. */
  run(signal: AbortSignal): Promise<void>
  /** True once the first list was read completely. */
  hasSynced(): boolean
  /** Resolves at the first sync; rejects with the signal's reason. */
  waitForSync(signal: AbortSignal): Promise<void>
  /** Objects are shared: never change them. */
  get(key: ObjectKey): T | undefined
  list(namespace?: string): T[]
  /** Throws for an index that was not declared. */
  byIndex(index: string, value: string): T[]
  /** Handlers run synchronously, in order; existing objects are reported as `add` at once. Returns unsubscribe. */
  subscribe(handler: ChangeHandler<T>): () => void
  health(): InformerHealth
}

export interface InformerHealth {
  readonly resource: string
  readonly synced: boolean
  readonly watching: boolean
  readonly objects: number
  readonly consecutiveFailures: number
  readonly lastError: string | undefined
}

/** Field ownership is bulky and read by nobody; a later update without it leaves it as it is on the server. */
export function withoutManagedFields<T extends KubeObject>(object: T): T {
  delete object.metadata.managedFields
  return object
}
