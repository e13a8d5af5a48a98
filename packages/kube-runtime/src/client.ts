import type { Clock, Random } from "./clock.ts"
import type { Logger } from "./logger.ts"
import type { RuntimeMetrics } from "./metrics.ts"
import type { KubeObject, ObjectKey, PartialObject, Resource } from "./resource.ts"

export interface KubeClientOptions {
  readonly clock?: Clock | undefined
  readonly random?: Random | undefined
  readonly logger?: Logger | undefined
  readonly metrics?: RuntimeMetrics | undefined
  /** Sent as User-Agent. */
  readonly userAgent?: string | undefined
  /** Default for writes that name none. */
  readonly fieldManager?: string | undefined
  /** Whole request, retries excluded. Default 30 s. Watches are not bound by it. */
  readonly requestTimeoutMs?: number | undefined
  /** Connections for everything but watches. Default 32. */
  readonly maxConnections?: number | undefined
  /** Client-side limit on requests per second. Default 0: off, the server's fairness decides. */
  readonly qps?: number | undefined
  readonly burst?: number | undefined
  /** Repeats after 429, 5xx with Retry-After, or a request that never left. Default 4. */
  readonly maxRetries?: number | undefined
}

export interface RequestOptions {
  readonly signal?: AbortSignal | undefined
  readonly timeoutMs?: number | undefined
}

export interface ReadOptions extends RequestOptions {
  readonly resourceVersion?: string | undefined
}

export interface WriteOptions extends RequestOptions {
  readonly fieldManager?: string | undefined
  /** Validate and default, but do not store. */
  readonly dryRun?: boolean | undefined
  readonly fieldValidation?: "Ignore" | "Warn" | "Strict" | undefined
  /** For example "status" or "finalize". */
  readonly subresource?: string | undefined
}

export interface DeleteOptions extends RequestOptions {
  readonly dryRun?: boolean | undefined
  /** The server refuses with 409 if the object is another one by now. */
  readonly preconditions?: { uid?: string | undefined; resourceVersion?: string | undefined } | undefined
  readonly propagationPolicy?: "Orphan" | "Background" | "Foreground" | undefined
  readonly gracePeriodSeconds?: number | undefined
}

export interface Selection {
  /** Absent or "": all namespaces. */
  readonly namespace?: string | undefined
  readonly labelSelector?: string | undefined
  readonly fieldSelector?: string | undefined
}

export interface ListOptions extends Selection, RequestOptions {
  /** Objects per page. Default 500. */
  readonly pageSize?: number | undefined
  readonly resourceVersion?: string | undefined
}

export interface ListPage<T> {
  readonly items: T[]
  /** The version of the whole list; start a watch from the last page's. */
  readonly resourceVersion: string
  /** True if the list expired under way and starts again with this page: forget the pages before. */
  readonly restarted: boolean
  /** How many objects follow, where the server says so. */
  readonly remaining: number | undefined
}

export interface WatchOptions extends Selection {
  readonly resourceVersion: string
  /** The server closes the watch after this many seconds. */
  readonly timeoutSeconds?: number | undefined
  readonly allowBookmarks?: boolean | undefined
  /**
   * How long the line may be silent before the watch fails with KubeTransportError; asked anew after each arrival.
   * Default: until shortly after the server should have closed the watch.
   */
  readonly idleTimeoutMs?: (() => number) | undefined
  /** Called when the server accepted the watch, before the first event. */
  readonly onOpen?: (() => void) | undefined
  readonly signal?: AbortSignal | undefined
}

export type WatchEvent<T> =
  | { readonly type: "ADDED" | "MODIFIED" | "DELETED"; readonly object: T }
  | { readonly type: "BOOKMARK"; readonly resourceVersion: string }

/** The four bodies PATCH takes. */
export type Patch =
  | { readonly kind: "merge"; readonly body: object }
  | { readonly kind: "strategic"; readonly body: object }
  | { readonly kind: "json"; readonly operations: readonly JsonPatchOperation[] }
  | { readonly kind: "apply"; readonly body: object; readonly force?: boolean | undefined }

export type JsonPatchOperation =
  | { readonly op: "add" | "replace" | "test"; readonly path: string; readonly value: unknown }
  | { readonly op: "remove"; readonly path: string }
  | { readonly op: "move" | "copy"; readonly path: string; readonly from: string }

/** A request to a path this client has no verb for (`/version`, `/readyz`, access reviews). */
export interface RawRequest extends RequestOptions {
  readonly method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE"
  readonly path: string
  readonly query?: Readonly<Record<string, string | number | boolean | undefined>> | undefined
  readonly body?: object | undefined
  readonly contentType?: string | undefined
  readonly accept?: string | undefined
}

/**
 * Typed access to one cluster. Every method throws KubeApiError if the server says no and KubeTransportError if it
 * does not answer; `find*` return undefined instead of a 404. `namespace` in a key is needed for namespaced kinds.
 */
export interface KubeClient {
  readonly namespace: string
  readonly server: string

  get<T extends KubeObject>(resource: Resource<T>, key: ObjectKey, options?: ReadOptions): Promise<T>
  find<T extends KubeObject>(
    resource: Resource<T>,
    key: ObjectKey,
    options?: ReadOptions,
  ): Promise<T | undefined>
  getMetadata(resource: Resource, key: ObjectKey, options?: ReadOptions): Promise<PartialObject>
  findMetadata(resource: Resource, key: ObjectKey, options?: ReadOptions): Promise<PartialObject | undefined>

  /** Page after page; only one is in memory at a time. */
  list<T extends KubeObject>(resource: Resource<T>, options?: ListOptions): AsyncGenerator<ListPage<T>>
  listMetadata(resource: Resource, options?: ListOptions): AsyncGenerator<ListPage<PartialObject>>
  /** All of it at once: for kinds that are known to be few. */
  listAll<T extends KubeObject>(
    resource: Resource<T>,
    options?: ListOptions,
  ): Promise<{ items: T[]; resourceVersion: string }>

  /** The namespace comes from the object. */
  create<T extends KubeObject>(resource: Resource<T>, object: T, options?: WriteOptions): Promise<T>
  /** Replaces the object; with `metadata.resourceVersion` set, only if it is still that version. */
  update<T extends KubeObject>(resource: Resource<T>, object: T, options?: WriteOptions): Promise<T>
  updateStatus<T extends KubeObject>(resource: Resource<T>, object: T, options?: WriteOptions): Promise<T>
  patch<T extends KubeObject>(
    resource: Resource<T>,
    key: ObjectKey,
    patch: Patch,
    options?: WriteOptions,
  ): Promise<T>
  patchStatus<T extends KubeObject>(
    resource: Resource<T>,
    key: ObjectKey,
    patch: Patch,
    options?: WriteOptions,
  ): Promise<T>
  delete(resource: Resource, key: ObjectKey, options?: DeleteOptions): Promise<void>
  /** POST to a subresource, for example `serviceaccounts/token`. */
  createSubresource<R>(
    resource: Resource,
    key: ObjectKey,
    request: { subresource: string; body: object },
    options?: WriteOptions,
  ): Promise<R>

  /** Ends when the server closes it; throws KubeApiError for an ERROR event (410: list again). */
  watch<T extends KubeObject>(resource: Resource<T>, options: WatchOptions): AsyncGenerator<WatchEvent<T>>
  watchMetadata(resource: Resource, options: WatchOptions): AsyncGenerator<WatchEvent<PartialObject>>

  request<R = unknown>(request: RawRequest): Promise<R>
  /** Ends all connections; calls under way fail. */
  close(): Promise<void>
}
