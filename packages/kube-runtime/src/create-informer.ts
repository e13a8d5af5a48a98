import type { ListOptions, ListPage, WatchEvent, WatchOptions } from "./client.ts"
import { type Clock, type Random, sleep, systemClock, systemRandom } from "./clock.ts"
import { KubeApiError } from "./errors.ts"
import {
  type Change,
  type ChangeHandler,
  type Informer,
  type InformerHealth,
  type InformerOptions,
  withoutManagedFields,
} from "./informer.ts"
import { type Logger, silentLogger } from "./logger.ts"
import { noMetrics, type RuntimeMetrics } from "./metrics.ts"
import { ObjectStore } from "./object-store.ts"
import {
  apiVersionOf,
  type KubeObject,
  keyOf,
  keyText,
  type ObjectKey,
  type PartialObject,
  type Resource,
} from "./resource.ts"

/** An informer of whole objects. */
export function createInformer<T extends KubeObject>(
  resource: Resource<T>,
  options: InformerOptions<T>,
): Informer<T> {
  const { client } = options
  return new ListWatchInformer<T>(resource, options, {
    list: (listOptions) => client.list(resource, listOptions),
    watch: (watchOptions) => client.watch(resource, watchOptions),
  })
}

/** An informer that asks the server for metadata only: `data`, `spec` and `status` never reach this process. */
export function createMetadataInformer(
  resource: Resource,
  options: InformerOptions<PartialObject>,
): Informer<PartialObject> {
  const { client } = options
  return new ListWatchInformer<PartialObject>(resource, options, {
    list: (listOptions) => client.listMetadata(resource, listOptions),
    watch: (watchOptions) => client.watchMetadata(resource, watchOptions),
  })
}

interface ListWatch<T> {
  list(options: ListOptions): AsyncGenerator<ListPage<T>>
  watch(options: WatchOptions): AsyncGenerator<WatchEvent<T>>
}

const BACKOFF_BASE_MS = 500
const BACKOFF_MAX_MS = 30_000
/** A watch that lived this long was a good one: the next failure starts with a short pause again. */
const GOOD_WATCH_MS = 10_000
/** Servers that send bookmarks do so about once a minute: three missed ones mean a dead connection. */
const BOOKMARK_SILENCE_MS = 200_000
/** Without bookmarks only the end of a watch, which the server owes us, tells a quiet connection from a dead one. */
const CLOSE_GRACE_MS = 15_000

class ListWatchInformer<T extends KubeObject> implements Informer<T> {
  readonly resource: Resource
  readonly #options: InformerOptions<T>
  readonly #source: ListWatch<T>
  readonly #clock: Clock
  readonly #random: Random
  readonly #logger: Logger
  readonly #metrics: RuntimeMetrics
  readonly #labels: { resource: string }
  readonly #store: ObjectStore<T>
  readonly #handlers = new Set<ChangeHandler<T>>()
  readonly #synced = Promise.withResolvers<void>()

  #isStarted = false
  #isSynced = false
  #isWatching = false
  #serverSendsBookmarks = false
  #failures = 0
  #lastError: string | undefined

  constructor(resource: Resource, options: InformerOptions<T>, source: ListWatch<T>) {
    this.resource = resource
    this.#options = options
    this.#source = source
    this.#clock = options.clock ?? systemClock
    this.#random = options.random ?? systemRandom
    this.#labels = { resource: `${resource.plural}.${apiVersionOf(resource)}` }
    this.#logger = (options.logger ?? silentLogger).child(this.#labels)
    this.#metrics = options.metrics ?? noMetrics
    this.#store = new ObjectStore(options.indexers)
  }

  async run(signal: AbortSignal): Promise<void> {
    if (this.#isStarted) throw new Error(`the informer of ${this.#labels.resource} was started before`)
    this.#isStarted = true
    while (!signal.aborted) {
      try {
        await this.#listAndWatch(signal)
      } catch (error) {
        if (signal.aborted) break
        this.#reportFailure(error)
        await sleep(this.#clock, this.#backoffMs(), signal)
      }
    }
    this.#isWatching = false
  }

  hasSynced(): boolean {
    return this.#isSynced
  }

  async waitForSync(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted()
    const stopped = Promise.withResolvers<never>()
    const stop = () => stopped.reject(signal.reason)
    signal.addEventListener("abort", stop, { once: true })
    try {
      await Promise.race([this.#synced.promise, stopped.promise])
    } finally {
      signal.removeEventListener("abort", stop)
    }
  }

  get(key: ObjectKey): T | undefined {
    return this.#store.get(key)
  }
  list(namespace?: string): T[] {
    return this.#store.list(namespace)
  }
  byIndex(index: string, value: string): T[] {
    return this.#store.byIndex(index, value)
  }

  subscribe(handler: ChangeHandler<T>): () => void {
    for (const object of [...this.#store.values()])
      this.#call(handler, { kind: "add", object, initial: true })
    this.#handlers.add(handler)
    return () => this.#handlers.delete(handler)
  }

  health(): InformerHealth {
    return {
      resource: this.#labels.resource,
      synced: this.#isSynced,
      watching: this.#isWatching,
      objects: this.#store.size,
      consecutiveFailures: this.#failures,
      lastError: this.#lastError,
    }
  }

  /** One full resync, then watches one after another for as long as they end in peace. */
  async #listAndWatch(signal: AbortSignal): Promise<void> {
    try {
      let resourceVersion = await this.#resync(signal)
      while (!signal.aborted) resourceVersion = await this.#watch(resourceVersion, signal)
    } finally {
      this.#isWatching = false
    }
  }

  /** Brings the store in line with a fresh list, page by page; what the list lacks is reported as deleted. */
  async #resync(signal: AbortSignal): Promise<string> {
    const { namespace, labelSelector, fieldSelector, pageSize } = this.#options
    const listOptions = { namespace, labelSelector, fieldSelector, pageSize, signal }
    const vanished = new Set(this.#store.keys())
    let resourceVersion = ""
    for await (const page of this.#source.list(listOptions)) {
      if (page.restarted) for (const key of this.#store.keys()) vanished.add(key)
      for (const object of page.items) {
        vanished.delete(keyText(keyOf(object)))
        this.#upsert(object)
      }
      resourceVersion = page.resourceVersion
    }
    for (const key of vanished) this.#remove(key)
    this.#metrics.increment("coffer_informer_resyncs_total", this.#labels)
    if (!this.#isSynced) this.#logger.debug({ objects: this.#store.size }, "informer synced")
    this.#isSynced = true
    this.#synced.resolve()
    return resourceVersion
  }

  /** One watch request; returns the version from which the next one continues. */
  async #watch(from: string, signal: AbortSignal): Promise<string> {
    const { namespace, labelSelector, fieldSelector } = this.#options
    const timeoutSeconds = Math.round(300 + this.#random() * 300)
    const startedAtMs = this.#clock.monotonicMs()
    let resourceVersion = from
    const idleTimeoutMs = () =>
      this.#serverSendsBookmarks ? BOOKMARK_SILENCE_MS : timeoutSeconds * 1000 + CLOSE_GRACE_MS
    const onOpen = () => {
      this.#isWatching = true
    }
    const request = { resourceVersion, timeoutSeconds, idleTimeoutMs, onOpen, allowBookmarks: true, signal }
    try {
      for await (const event of this.#source.watch({ ...request, namespace, labelSelector, fieldSelector })) {
        this.#reportHealthy()
        resourceVersion = this.#handle(event) || resourceVersion
      }
    } finally {
      if (this.#clock.monotonicMs() - startedAtMs >= GOOD_WATCH_MS) this.#reportHealthy()
    }
    const endedAtOnce = this.#clock.monotonicMs() - startedAtMs < 1_000 && resourceVersion === from
    if (endedAtOnce && !signal.aborted) throw new Error("the watch ended at once, without an event")
    return resourceVersion
  }

  /** Returns the version that the event brings the store to. */
  #handle(event: WatchEvent<T>): string | undefined {
    if (event.type === "BOOKMARK") {
      this.#serverSendsBookmarks = true
      return event.resourceVersion
    }
    const { resourceVersion } = event.object.metadata
    if (event.type === "DELETED") this.#remove(keyText(keyOf(event.object)), event.object)
    else this.#upsert(event.object)
    return resourceVersion
  }

  #upsert(received: T): void {
    const known = this.#store.get(keyOf(received))
    if (known && known.metadata.resourceVersion === received.metadata.resourceVersion) return
    const object = this.#transform(received)
    const previous = this.#store.put(object)
    this.#metrics.set("coffer_informer_objects", this.#labels, this.#store.size)
    // A list can skip a deletion: another object under the old name is a delete and an add.
    if (previous && previous.metadata.uid !== object.metadata.uid)
      this.#notify({ kind: "delete", object: previous })
    if (previous && previous.metadata.uid === object.metadata.uid) {
      this.#notify({ kind: "update", object, previous })
    } else {
      this.#notify({ kind: "add", object, initial: !this.#isSynced })
    }
  }

  #remove(key: string, last?: T): void {
    const previous = this.#store.remove(key)
    if (!previous) return
    this.#metrics.set("coffer_informer_objects", this.#labels, this.#store.size)
    this.#notify({ kind: "delete", object: last ? this.#transform(last) : previous })
  }

  #transform(object: T): T {
    return (this.#options.transform ?? withoutManagedFields)(object)
  }

  #notify(change: Change<T>): void {
    for (const handler of this.#handlers) this.#call(handler, change)
  }

  /** A handler's mistake is its own: the store and the other handlers go on. */
  #call(handler: ChangeHandler<T>, change: Change<T>): void {
    try {
      handler(change)
    } catch (error) {
      this.#logger.error({ err: error, ...keyOf(change.object) }, "informer handler failed")
    }
  }

  #reportHealthy(): void {
    this.#failures = 0
    this.#lastError = undefined
  }

  #reportFailure(error: unknown): void {
    this.#failures++
    this.#lastError = error instanceof Error ? error.message : String(error)
    const isRoutine = error instanceof KubeApiError && error.isExpired
    const fields = { err: error, consecutiveFailures: this.#failures }
    if (isRoutine || this.#failures === 1) this.#logger.info(fields, "watch broke, listing again")
    else this.#logger.warn(fields, "cannot list and watch, trying again")
  }

  #backoffMs(): number {
    const growing = Math.min(BACKOFF_BASE_MS * 2 ** (this.#failures - 1), BACKOFF_MAX_MS)
    return growing * (0.5 + this.#random())
  }
}
