import { type Clock, systemClock } from "./clock.ts"
import type { Controller, ControllerHealth } from "./controller.ts"
import { createDeadline } from "./deadline.ts"
import type { EventRecorder } from "./events.ts"
import type { Informer, InformerHealth } from "./informer.ts"
import type { LeaderElector, Leadership } from "./leader-election.ts"
import { type Logger, silentLogger } from "./logger.ts"

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

export function createRuntime(options: RuntimeOptions): Runtime {
  const { informers, controllers, leaderElector, events } = options
  const { clock = systemClock, logger = silentLogger } = options
  let leading = false
  const isReady = () => informers.every((informer) => informer.hasSynced())

  /** Runs the controllers until they are told to stop, or until one of them cannot go on. */
  const work = async (signals: { stop: AbortSignal; abort?: AbortSignal }) => {
    leading = true
    logger.info({ controllers: controllers.map((controller) => controller.name) }, "controllers start")
    const failed = new AbortController()
    const stop = AbortSignal.any([signals.stop, failed.signal])
    const runs = controllers.map((controller) => controller.run({ ...signals, stop }))
    try {
      await Promise.all(runs)
    } finally {
      failed.abort()
      await Promise.allSettled(runs)
      leading = false
    }
  }

  /** Stands for election again and again, so that a short outage costs no restart and no cold cache. */
  const leadAndWork = async (elector: LeaderElector, signal: AbortSignal) => {
    while (!signal.aborted) {
      let working: Promise<void> | undefined
      const lead = ({ stop, lost }: Leadership) => {
        working = work({ stop, abort: lost })
        return working
      }
      await elector.campaign(signal, lead)
      await working
    }
  }

  const flushEvents = async () => {
    using bound = createDeadline(clock, FLUSH_MS)
    await events?.flush(bound.signal)
  }

  return {
    async run(signal) {
      const informing = new AbortController()
      const running = informers.map((informer) => informer.run(informing.signal))
      try {
        await Promise.all(informers.map((informer) => informer.waitForSync(signal)))
        await (leaderElector ? leadAndWork(leaderElector, signal) : work({ stop: signal }))
        await flushEvents()
      } catch (error) {
        if (!signal.aborted || error !== signal.reason) throw error
      } finally {
        informing.abort()
        await Promise.all(running)
      }
    },
    health: () => ({
      ready: isReady(),
      leading,
      informers: informers.map((informer) => informer.health()),
      controllers: controllers.map((controller) => controller.health()),
    }),
  }
}

const FLUSH_MS = 3_000
