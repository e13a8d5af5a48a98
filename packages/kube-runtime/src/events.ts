import type { KubeClient } from "./client.ts"
import { type Clock, sleep, systemClock } from "./clock.ts"
import { EVENTS, type EventObject, type ObjectReference } from "./core-resources.ts"
import { isNotFound, KubeApiError } from "./errors.ts"
import { type Logger, silentLogger } from "./logger.ts"
import { LruMap } from "./lru-map.ts"
import { noMetrics, type RuntimeMetrics } from "./metrics.ts"
import { createRateLimiter, type RateLimiter } from "./rate-limit.ts"
import { apiVersionOf, type KubeObject, type Resource } from "./resource.ts"

export type EventType = "Normal" | "Warning"

/** What is said about an object. */
export interface EventText {
  readonly type: EventType
  readonly reason: string
  readonly message: string
}

export interface EventRecorderOptions {
  readonly client: KubeClient
  /** `source.component`. */
  readonly component: string
  readonly clock?: Clock | undefined
  readonly logger?: Logger | undefined
  readonly metrics?: RuntimeMetrics | undefined
  /** Events waiting to be written; more are dropped. Default 4096. */
  readonly queueLimit?: number | undefined
  /** Events per object before the limit applies. Default 25, then one in five minutes. */
  readonly burstPerObject?: number | undefined
  readonly refillPerSecond?: number | undefined
}

/** Writes core/v1 Events in the background. Never throws, never blocks, drops rather than piles up. */
export interface EventRecorder {
  record(about: ObjectReference, event: EventText): void
  /** The same component's view with another name, sharing queue and limits. */
  withComponent(component: string): EventRecorder
  /** Resolves when everything recorded so far was written or dropped, or when the signal fires. */
  flush(signal: AbortSignal): Promise<void>
}

export function createEventRecorder(options: EventRecorderOptions): EventRecorder {
  const sink = new EventSink(options)
  const recorderOf = (component: string): EventRecorder => ({
    record: (about, event) => sink.accept({ ...event, about, component }),
    withComponent: recorderOf,
    flush: (signal) => sink.flush(signal),
  })
  return recorderOf(options.component)
}

/** The reference by which events name an object. */
export function referenceTo(resource: Resource, object: KubeObject): ObjectReference {
  const { namespace, name, uid, resourceVersion } = object.metadata
  return {
    apiVersion: apiVersionOf(resource),
    kind: resource.kind,
    ...(namespace ? { namespace } : {}),
    ...(name ? { name } : {}),
    ...(uid ? { uid } : {}),
    ...(resourceVersion ? { resourceVersion } : {}),
  }
}

interface Incoming extends EventText {
  readonly about: ObjectReference
  readonly component: string
}

/** An event that waits to be written; the same event said again meanwhile only counts. */
interface Pending extends Incoming {
  readonly firstAtMs: number
  lastAtMs: number
  times: number
}

/** What the cluster knows of an event that was written before. */
interface Written {
  readonly name: string
  readonly namespace: string
  count: number
}

const REMEMBERED = 4096
const MAX_MESSAGE_BYTES = 1024
const MAX_ATTEMPTS = 5

class EventSink {
  readonly #client: KubeClient
  readonly #clock: Clock
  readonly #logger: Logger
  readonly #metrics: RuntimeMetrics
  readonly #queueLimit: number
  readonly #newLimiter: () => RateLimiter
  readonly #limiters = new LruMap<string, RateLimiter>(REMEMBERED)
  readonly #written = new LruMap<string, Written>(REMEMBERED)
  readonly #pending = new Map<string, Pending>()
  #lastNameStamp = 0n
  #draining: Promise<void> | undefined

  constructor(options: EventRecorderOptions) {
    this.#client = options.client
    this.#clock = options.clock ?? systemClock
    this.#logger = options.logger ?? silentLogger
    this.#metrics = options.metrics ?? noMetrics
    this.#queueLimit = options.queueLimit ?? 4096
    const { burstPerObject: burst = 25, refillPerSecond: perSecond = 1 / 300 } = options
    this.#newLimiter = () => createRateLimiter({ perSecond, burst, clock: this.#clock })
  }

  accept(incoming: Incoming): void {
    const limiter = this.#limiters.getOrCreate(objectId(incoming), this.#newLimiter)
    if (!limiter.tryAcquire()) {
      this.#drop(incoming, "too many events about this object")
      return
    }
    const event = { ...incoming, message: truncate(incoming.message, MAX_MESSAGE_BYTES) }
    const id = `${objectId(event)}\n${event.type}\n${event.reason}\n${event.message}`
    const nowMs = this.#clock.nowMs()
    const same = this.#pending.get(id)
    if (same) {
      same.times++
      same.lastAtMs = nowMs
      return
    }
    if (this.#pending.size >= this.#queueLimit) {
      this.#drop(event, "too many events are waiting")
      return
    }
    this.#pending.set(id, { ...event, firstAtMs: nowMs, lastAtMs: nowMs, times: 1 })
    this.#draining ??= this.#drain()
  }

  async flush(signal: AbortSignal): Promise<void> {
    if (signal.aborted || !this.#draining) return
    const stopped = Promise.withResolvers<void>()
    const stop = () => stopped.resolve()
    signal.addEventListener("abort", stop, { once: true })
    await Promise.race([this.#draining, stopped.promise])
    signal.removeEventListener("abort", stop)
  }

  /** Writes one after another until nothing waits. Never rejects. */
  async #drain(): Promise<void> {
    // Begins in a later turn, so that what is said in this one is counted instead of written twice.
    await Promise.resolve()
    for (const [id, event] of this.#pending) {
      this.#pending.delete(id)
      await this.#writeWithRepeats(id, event)
    }
    this.#draining = undefined
  }

  async #writeWithRepeats(id: string, event: Pending): Promise<void> {
    for (let attempt = 1; ; attempt++) {
      try {
        await this.#write(id, event)
        return
      } catch (error) {
        const isRefused = error instanceof KubeApiError && error.status < 500 && !error.isTooManyRequests
        if (isRefused || attempt === MAX_ATTEMPTS) {
          this.#drop(event, "cannot write the event", error)
          return
        }
        await sleep(this.#clock, 500 * 2 ** attempt)
      }
    }
  }

  /** Counts up the event that was written before, or writes a new one. */
  async #write(id: string, event: Pending): Promise<void> {
    const known = this.#written.get(id)
    if (known) {
      try {
        const count = known.count + event.times
        const body = { count, lastTimestamp: seconds(event.lastAtMs) }
        await this.#client.patch(EVENTS, known, { kind: "merge", body })
        known.count = count
        return
      } catch (error) {
        // The server forgets events after an hour: then it is a new one.
        if (!isNotFound(error)) throw error
        this.#written.delete(id)
      }
    }
    const object = this.#toObject(event)
    await this.#client.create(EVENTS, object)
    const { name = "", namespace = "" } = object.metadata
    this.#written.set(id, { name, namespace, count: event.times })
  }

  #toObject(event: Pending): EventObject {
    const { about, component, type, reason, message } = event
    return {
      metadata: { name: this.#nameFor(about), namespace: about.namespace || "default" },
      involvedObject: about,
      reason,
      message,
      type,
      source: { component },
      reportingComponent: component,
      reportingInstance: "",
      firstTimestamp: seconds(event.firstAtMs),
      lastTimestamp: seconds(event.lastAtMs),
      count: event.times,
    }
  }

  /** `<object>.<hexadecimal nanoseconds>`, made unique within this process. */
  #nameFor(about: ObjectReference): string {
    const nowStamp = BigInt(Math.floor(this.#clock.nowMs())) * 1_000_000n
    this.#lastNameStamp = nowStamp > this.#lastNameStamp ? nowStamp : this.#lastNameStamp + 1n
    const stamp = this.#lastNameStamp.toString(16)
    return `${(about.name ?? "").slice(0, 252 - stamp.length).replace(/[-.]+$/, "")}.${stamp}`
  }

  #drop(event: Incoming, why: string, error?: unknown): void {
    this.#metrics.increment("coffer_events_dropped_total", { component: event.component })
    const { kind, namespace, name } = event.about
    this.#logger.debug({ kind, namespace, name, reason: event.reason, why, err: error }, "event dropped")
  }
}

function objectId({ about, component }: Incoming): string {
  const { apiVersion, kind, namespace, name, uid, fieldPath } = about
  return [component, apiVersion, kind, namespace, name, uid, fieldPath].join("\n")
}

function truncate(text: string, maxBytes: number): string {
  const bytes = Buffer.from(text, "utf8")
  if (bytes.length <= maxBytes) return text
  // A cut code point decodes to the replacement character, which is then dropped.
  return bytes
    .subarray(0, maxBytes)
    .toString("utf8")
    .replace(/\uFFFD+$/, "")
}

function seconds(epochMs: number): string {
  return `${new Date(epochMs).toISOString().slice(0, 19)}Z`
}
