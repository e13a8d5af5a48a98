import type { Clock, Random } from "./clock.ts"
import type { Logger } from "./logger.ts"
import type { RuntimeMetrics } from "./metrics.ts"
import type { EnqueueOptions, ReconcileRequest } from "./request.ts"
import type { Source } from "./source.ts"

/** Nothing more to do until something changes. */
export type Done = { readonly requeueAfterMs?: never; readonly requeueWithBackoff?: never }
export const done: Done = Object.freeze({})

/** Come back after this long (sooner if something changes). Resets the back-off. */
export type RequeueAfter = {
  readonly requeueAfterMs: number
  readonly priority?: number
  readonly requeueWithBackoff?: never
}
/** Come back after the key's back-off (1 s at first), without it being an error. */
export type RequeueWithBackoff = { readonly requeueWithBackoff: true; readonly requeueAfterMs?: never }

export type ReconcileResult = Done | RequeueAfter | RequeueWithBackoff

export interface ReconcileContext {
  readonly reconcileId: string
  /** Carries controller, namespace, name and reconcileId. */
  readonly logger: Logger
  /** The priority with which the request was queued. */
  readonly priority: number
  /** How many attempts in a row failed before this one. */
  readonly failures: number
}

/**
 * Brings one object to its desired state. Returning is success; throwing means retry with back-off; throwing
 * TerminalError means report and stop. The signal fires at the time-out and when the controller must stop.
 */
export type Reconcile = (
  request: ReconcileRequest,
  signal: AbortSignal,
  context: ReconcileContext,
) => Promise<ReconcileResult>

export interface ControllerOptions {
  readonly name: string
  readonly reconcile: Reconcile
  readonly sources: readonly Source[]
  /** Requests worked on at once; one object is never worked on twice at once. Default 1. */
  readonly concurrency?: number | undefined
  /** Default 5 min. */
  readonly reconcileTimeoutMs?: number | undefined
  /** How long a graceful stop waits for running reconciles before it aborts them. Default 10 s. */
  readonly drainMs?: number | undefined
  readonly backoffBaseMs?: number | undefined
  readonly backoffMaxMs?: number | undefined
  readonly clock?: Clock | undefined
  readonly random?: Random | undefined
  readonly logger?: Logger | undefined
  readonly metrics?: RuntimeMetrics | undefined
}

export interface Controller {
  readonly name: string
  readonly sources: readonly Source[]
  /**
   * Subscribes to the sources and works until `stop`, then drains. `abort` (leadership lost) cuts running reconciles
   * off at once. Resolves when the last one ended or its bound passed; may be called again afterwards.
   */
  run(signals: { stop: AbortSignal; abort?: AbortSignal | undefined }): Promise<void>
  /** Ignored while the controller does not run: its sources tell it everything when it starts. */
  enqueue(request: ReconcileRequest, options?: EnqueueOptions): void
  health(): ControllerHealth
}

export interface ControllerHealth {
  readonly name: string
  readonly running: boolean
  readonly queued: number
  readonly delayed: number
  readonly processing: number
}

export function createController(_options: ControllerOptions): Controller {
  throw new Error("not there yet")
}
