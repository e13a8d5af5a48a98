import type { Clock } from "./clock.ts"
import type { Controller, ControllerHealth } from "./controller.ts"
import type { EventRecorder } from "./events.ts"
import type { Informer, InformerHealth } from "./informer.ts"
import type { LeaderElector } from "./leader-election.ts"
import type { Logger } from "./logger.ts"

export interface RuntimeOptions {
  readonly informers: readonly Pick<
    Informer<never>,
    "run" | "hasSynced" | "waitForSync" | "health" | "resource"
  >[]
  readonly controllers: readonly Controller[]
  /** Without it this process always leads. */
  readonly leaderElector?: LeaderElector | undefined
  /** Flushed at the end, within a bound. */
  readonly events?: EventRecorder | undefined
  readonly clock?: Clock | undefined
  readonly logger?: Logger | undefined
}

export interface RuntimeHealth {
  /** Informers are in sync (on stand-by too). */
  readonly ready: boolean
  readonly leading: boolean
  readonly informers: readonly InformerHealth[]
  readonly controllers: readonly ControllerHealth[]
}

export interface Runtime {
  /**
   * Starts informers, waits for their sync, stands for election, runs the controllers; after a lost election stands
   * again. Resolves when the signal fired and everything ended.
   */
  run(signal: AbortSignal): Promise<void>
  health(): RuntimeHealth
}

export function createRuntime(_options: RuntimeOptions): Runtime {
  throw new Error("not there yet")
}
