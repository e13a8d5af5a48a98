import type { KubeClient } from "./client.ts"
import type { Clock, Random } from "./clock.ts"
import type { Logger } from "./logger.ts"
import type { RuntimeMetrics } from "./metrics.ts"

export interface LeaderElectionOptions {
  readonly client: KubeClient
  readonly lease: { readonly namespace: string; readonly name: string }
  /** Unique per process, for example `<pod name>_<uuid>`. */
  readonly identity: string
  readonly clock?: Clock | undefined
  readonly random?: Random | undefined
  readonly logger?: Logger | undefined
  readonly metrics?: RuntimeMetrics | undefined
  /** Others wait this long after the last renewal they saw. Default 15 s. */
  readonly leaseDurationMs?: number | undefined
  /** The leader gives up if it could not renew for this long. Default 10 s. */
  readonly renewDeadlineMs?: number | undefined
  /** Pause between attempts. Default 2 s. */
  readonly retryPeriodMs?: number | undefined
  /** How long a leader that lost its lease waits for its work to end. Default 5 s: what is left of the lease. */
  readonly surrenderMs?: number | undefined
}

/** The two ways in which leading ends. */
export interface Leadership {
  /** Fires at a wished-for stop: finish what runs; the lease is kept (renewed) until the work ended. */
  readonly stop: AbortSignal
  /** Fires when the lease was lost: stop writing at once. */
  readonly lost: AbortSignal
}

export interface LeaderElector {
  /**
   * Waits for the lease, then calls `lead` and keeps renewing while it works. Resolves "stopped" (the signal fired;
   * the lease is released) or "lost" (another one may lead by now; call again to stand again).
   * Rejects only with what `lead` rejects with.
   */
  campaign(signal: AbortSignal, lead: (leadership: Leadership) => Promise<void>): Promise<"stopped" | "lost">
  isLeader(): boolean
  /** The holder seen last; undefined before the first look and after a release. */
  holder(): string | undefined
}

export function createLeaderElector(_options: LeaderElectionOptions): LeaderElector {
  throw new Error("not there yet")
}
