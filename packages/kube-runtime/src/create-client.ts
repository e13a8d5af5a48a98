import type {
  DeleteOptions,
  KubeClient,
  KubeClientOptions,
  ListOptions,
  ListPage,
  Patch,
  RawRequest,
  ReadOptions,
  WatchEvent,
  WatchOptions,
  WriteOptions,
} from "./client.ts"
import { systemClock, systemRandom } from "./clock.ts"
import type { ClusterConfig } from "./cluster-config.ts"
import { isNotFound } from "./errors.ts"
import { listPages } from "./list-pages.ts"
import { noMetrics } from "./metrics.ts"
import { createRateLimiter } from "./rate-limit.ts"
import {
  apiVersionOf,
  type KubeObject,
  type ObjectKey,
  type PartialObject,
  type Resource,
  resourcePath,
} from "./resource.ts"
import { Transport } from "./transport.ts"
import { watchEvents } from "./watch-events.ts"

const METADATA_ONLY = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1"
const METADATA_LIST = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"

/** Opens no connection yet. Close it when done. */
export function createKubeClient(config: ClusterConfig, options: KubeClientOptions = {}): KubeClient {
  const clock = options.clock ?? systemClock
  const transport = new Transport(config, {
    clock,
    random: options.random ?? systemRandom,
    metrics: options.metrics ?? noMetrics,
    limiter: createRateLimiter({ perSecond: options.qps ?? 0, burst: options.burst ?? 10, clock }),
    userAgent: options.userAgent ?? "coffer-kube-runtime",
    timeoutMs: options.requestTimeoutMs ?? 30_000,
    maxConnections: options.maxConnections ?? 32,
    maxRetries: options.maxRetries ?? 4,
  })
  return new HttpKubeClient(config, transport, options.fieldManager)
}

class HttpKubeClient implements KubeClient {
  readonly namespace: string
  readonly server: string
  readonly #transport: Transport
  readonly #fieldManager: string | undefined

  constructor(config: ClusterConfig, transport: Transport, fieldManager: string | undefined) {
    this.namespace = config.namespace
    this.server = config.server
    this.#transport = transport
    this.#fieldManager = fieldManager
  }

  get<T extends KubeObject>(resource: Resource<T>, key: ObjectKey, options?: ReadOptions): Promise<T> {
    return this.#read<T>(resource, key, { options })
  }

  getMetadata(resource: Resource, key: ObjectKey, options?: ReadOptions): Promise<PartialObject> {
    return this.#read<PartialObject>(resource, key, { options, accept: METADATA_ONLY })
  }

  find<T extends KubeObject>(resource: Resource<T>, key: ObjectKey, options?: ReadOptions) {
    return orUndefined(this.get(resource, key, options))
  }

  findMetadata(resource: Resource, key: ObjectKey, options?: ReadOptions) {
    return orUndefined(this.getMetadata(resource, key, options))
  }

  list<T extends KubeObject>(resource: Resource<T>, options: ListOptions = {}): AsyncGenerator<ListPage<T>> {
    const kind = { apiVersion: apiVersionOf(resource), kind: resource.kind }
    return listPages<T>(this.#transport, { path: collectionPath(resource, options), kind, options })
  }

  listMetadata(resource: Resource, options: ListOptions = {}): AsyncGenerator<ListPage<PartialObject>> {
    const kind = { apiVersion: "meta.k8s.io/v1", kind: "PartialObjectMetadata" }
    const path = collectionPath(resource, options)
    return listPages<PartialObject>(this.#transport, { path, kind, options, accept: METADATA_LIST })
  }

  async listAll<T extends KubeObject>(resource: Resource<T>, options: ListOptions = {}) {
    let items: T[] = []
    let resourceVersion = ""
    for await (const page of this.list(resource, options)) {
      items = page.restarted ? page.items : items.concat(page.items)
      resourceVersion = page.resourceVersion
    }
    return { items, resourceVersion }
  }

  async create<T extends KubeObject>(
    resource: Resource<T>,
    object: T,
    options: WriteOptions = {},
  ): Promise<T> {
    const { namespace } = object.metadata
    if (resource.namespaced && !namespace) {
      throw new TypeError(`${resource.kind} "${object.metadata.name ?? ""}" needs a namespace`)
    }
    const path = resourcePath(resource, { namespace })
    return this.#write<T>({ method: "POST", path, body: this.#named(resource, object) }, options)
  }

  async update<T extends KubeObject>(
    resource: Resource<T>,
    object: T,
    options: WriteOptions = {},
  ): Promise<T> {
    const { namespace, name = "" } = object.metadata
    const path = resourcePath(resource, { namespace, name, subresource: options.subresource })
    return this.#write<T>({ method: "PUT", path, body: this.#named(resource, object) }, options)
  }

  updateStatus<T extends KubeObject>(resource: Resource<T>, object: T, options: WriteOptions = {}) {
    return this.update(resource, object, { ...options, subresource: "status" })
  }

  async patch<T extends KubeObject>(
    resource: Resource<T>,
    key: ObjectKey,
    patch: Patch,
    options: WriteOptions = {},
  ): Promise<T> {
    if (patch.kind === "apply" && !(options.fieldManager ?? this.#fieldManager)) {
      throw new TypeError("an apply patch needs a field manager")
    }
    const path = resourcePath(resource, { ...key, subresource: options.subresource })
    const body = patch.kind === "json" ? patch.operations : patch.body
    const query = patch.kind === "apply" && patch.force ? { force: true } : {}
    return this.#write<T>(
      { method: "PATCH", path, body, contentType: PATCH_TYPES[patch.kind], query },
      options,
    )
  }

  patchStatus<T extends KubeObject>(
    resource: Resource<T>,
    key: ObjectKey,
    patch: Patch,
    options: WriteOptions = {},
  ) {
    return this.patch(resource, key, patch, { ...options, subresource: "status" })
  }

  async delete(resource: Resource, key: ObjectKey, options: DeleteOptions = {}): Promise<void> {
    await this.#transport.call({
      method: "DELETE",
      path: resourcePath(resource, key),
      body: {
        apiVersion: "v1",
        kind: "DeleteOptions",
        preconditions: options.preconditions,
        propagationPolicy: options.propagationPolicy,
        gracePeriodSeconds: options.gracePeriodSeconds,
        dryRun: options.dryRun ? ["All"] : undefined,
      },
      signal: options.signal,
      timeoutMs: options.timeoutMs,
    })
  }

  async createSubresource<R>(
    resource: Resource,
    key: ObjectKey,
    request: { subresource: string; body: object },
    options: WriteOptions = {},
  ): Promise<R> {
    const path = resourcePath(resource, { ...key, subresource: request.subresource })
    return this.#write<R>({ method: "POST", path, body: request.body }, options)
  }

  watch<T extends KubeObject>(resource: Resource<T>, options: WatchOptions): AsyncGenerator<WatchEvent<T>> {
    return watchEvents<T>(this.#transport, { path: collectionPath(resource, options), options })
  }

  watchMetadata(resource: Resource, options: WatchOptions): AsyncGenerator<WatchEvent<PartialObject>> {
    const path = collectionPath(resource, options)
    return watchEvents<PartialObject>(this.#transport, { path, options, accept: METADATA_ONLY })
  }

  request<R = unknown>(request: RawRequest): Promise<R> {
    return this.#transport.call<R>(request)
  }

  close(): Promise<void> {
    return this.#transport.close()
  }

  async #read<T>(
    resource: Resource,
    key: ObjectKey,
    how: { options?: ReadOptions | undefined; accept?: string },
  ): Promise<T> {
    return this.#transport.call<T>({
      method: "GET",
      path: resourcePath(resource, key),
      query: { resourceVersion: how.options?.resourceVersion },
      accept: how.accept,
      signal: how.options?.signal,
      timeoutMs: how.options?.timeoutMs,
    })
  }

  #write<R>(
    call: {
      method: "POST" | "PUT" | "PATCH"
      path: string
      body: object
      contentType?: string
      query?: Record<string, boolean>
    },
    options: WriteOptions,
  ): Promise<R> {
    const query = {
      ...call.query,
      fieldManager: options.fieldManager ?? this.#fieldManager,
      fieldValidation: options.fieldValidation,
      dryRun: options.dryRun ? "All" : undefined,
    }
    return this.#transport.call<R>({ ...call, query, signal: options.signal, timeoutMs: options.timeoutMs })
  }

  /** The server insists on apiVersion and kind; callers who build objects from lists may lack them. */
  #named<T extends KubeObject>(resource: Resource, object: T): T {
    return { ...object, apiVersion: apiVersionOf(resource), kind: resource.kind }
  }
}

const PATCH_TYPES = {
  merge: "application/merge-patch+json",
  strategic: "application/strategic-merge-patch+json",
  json: "application/json-patch+json",
  apply: "application/apply-patch+yaml",
} satisfies Record<Patch["kind"], string>

function collectionPath(resource: Resource, options: { namespace?: string | undefined }): string {
  return resourcePath(resource, { namespace: options.namespace })
}

async function orUndefined<T>(reading: Promise<T>): Promise<T | undefined> {
  try {
    return await reading
  } catch (error) {
    if (isNotFound(error)) return undefined
    throw error
  }
}
