import type { KubeClient } from "./client.ts"
import type { Clock } from "./clock.ts"
import type { ObjectReference } from "./core-resources.ts"
import type { Logger } from "./logger.ts"
import type { RuntimeMetrics } from "./metrics.ts"
import type { KubeObject, Resource } from "./resource.ts"

export type EventType = "Normal" | "Warning"

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
  record(about: ObjectReference, event: { type: EventType; reason: string; message: string }): void
  /** The same component's view with another name, sharing queue and limits. */
  withComponent(component: string): EventRecorder
  /** Resolves when everything recorded so far was written or dropped, or when the signal fires. */
  flush(signal: AbortSignal): Promise<void>
}

export function createEventRecorder(_options: EventRecorderOptions): EventRecorder {
  throw new Error("not there yet")
}

/** The reference by which events name an object. */
export function referenceTo(_resource: Resource, _object: KubeObject): ObjectReference {
  throw new Error("not there yet")
}
