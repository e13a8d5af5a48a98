import type { KubeClient } from "./client.ts"
import { type Clock, type Random, sleep, systemClock, systemRandom } from "./clock.ts"
import { LEASES, type LeaseObject } from "./core-resources.ts"
import { createDeadline } from "./deadline.ts"
import { isAlreadyExists, isConflict } from "./errors.ts"
import { type Logger, silentLogger } from "./logger.ts"
import { noMetrics, type RuntimeMetrics } from "./metrics.ts"

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
  /** How long a leader that lost its lease waits for its work to end. Default: what is left of the lease (5 s). */
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

export function createLeaderElector(options: LeaderElectionOptions): LeaderElector {
  return new LeaseElector(options)
}

type Spec = NonNullable<LeaseObject["spec"]>

class LeaseElector implements LeaderElector {
  readonly #options: LeaderElectionOptions
  readonly #clock: Clock
  readonly #random: Random
  readonly #logger: Logger
  readonly #metrics: RuntimeMetrics
  readonly #leaseDurationMs: number
  readonly #renewDeadlineMs: number
  readonly #retryPeriodMs: number

  /** The lease as it was last seen, and when that was on our own clock: other clocks are never compared. */
  #observed: LeaseObject | undefined
  #observedAtMs = 0
  #renewedAtMs = 0
  #leading = false

  constructor(options: LeaderElectionOptions) {
    this.#options = options
    this.#clock = options.clock ?? systemClock
    this.#random = options.random ?? systemRandom
    this.#logger = (options.logger ?? silentLogger).child({
      lease: options.lease,
      identity: options.identity,
    })
    this.#metrics = options.metrics ?? noMetrics
    this.#leaseDurationMs = options.leaseDurationMs ?? 15_000
    this.#renewDeadlineMs = options.renewDeadlineMs ?? 10_000
    this.#retryPeriodMs = options.retryPeriodMs ?? 2_000
    checkDurations(this.#leaseDurationMs, this.#renewDeadlineMs, this.#retryPeriodMs)
  }

  isLeader(): boolean {
    return this.#leading
  }

  holder(): string | undefined {
    return this.#observed?.spec?.holderIdentity || undefined
  }

  async campaign(
    signal: AbortSignal,
    lead: (leadership: Leadership) => Promise<void>,
  ): Promise<"stopped" | "lost"> {
    if (!(await this.#acquire(signal))) return "stopped"
    this.#setLeading(true)
    const lost = new AbortController()
    const workEnded = new AbortController()
    const renewing = this.#renewUntil(workEnded.signal, lost)
    try {
      const work = lead({ stop: signal, lost: lost.signal })
      await Promise.race([work, this.#afterLoss(lost.signal, work)])
    } finally {
      workEnded.abort()
      await renewing
      this.#setLeading(false)
      if (!lost.signal.aborted) await this.#release()
    }
    return lost.signal.aborted ? "lost" : "stopped"
  }

  /** True when the lease is ours, false when the signal fired first. */
  async #acquire(signal: AbortSignal): Promise<boolean> {
    this.#logger.debug({}, "standing for election")
    while (!signal.aborted) {
      if (await this.#tryToHold(signal)) return true
      await sleep(this.#clock, this.#retryPeriodMs * (1 + this.#random()), signal)
    }
    return false
  }

  /** Renews until the work ended; fires `lost` when that did not succeed for too long. */
  async #renewUntil(workEnded: AbortSignal, lost: AbortController): Promise<void> {
    const leftMs = () => this.#renewedAtMs + this.#renewDeadlineMs - this.#clock.monotonicMs()
    while (!workEnded.aborted) {
      await sleep(this.#clock, Math.min(this.#retryPeriodMs, Math.max(leftMs(), 0)), workEnded)
      if (workEnded.aborted) return
      if (leftMs() > 0 && (await this.#tryToHold(workEnded, leftMs()))) continue
      const isTaken = this.holder() !== undefined && this.holder() !== this.#options.identity
      if (workEnded.aborted || !(isTaken || leftMs() <= 0)) continue
      this.#logger.error({ holder: this.holder() }, "leadership lost")
      this.#setLeading(false)
      lost.abort(new Error("leadership lost"))
      return
    }
  }

  /** Resolves when the work had its time to notice the loss. */
  async #afterLoss(lost: AbortSignal, work: Promise<void>): Promise<void> {
    await new Promise<void>((resolve) => lost.addEventListener("abort", () => resolve(), { once: true }))
    const { surrenderMs = this.#leaseDurationMs - this.#renewDeadlineMs } = this.#options
    const noticed = new AbortController()
    await Promise.race([work, sleep(this.#clock, surrenderMs, noticed.signal)])
    noticed.abort()
  }

  /** One attempt to take or renew the lease; false if another one holds it or the API server did not do it. */
  async #tryToHold(signal: AbortSignal, withinMs = this.#renewDeadlineMs): Promise<boolean> {
    const { client, lease, identity } = this.#options
    const startedAtMs = this.#clock.monotonicMs()
    const boundMs = Math.min(withinMs, Math.max(this.#renewDeadlineMs / 2, 1_000))
    using deadline = createDeadline(this.#clock, boundMs, signal)
    const how = { signal: deadline.signal }
    try {
      const current = await client.find(LEASES, lease, how)
      if (current) {
        this.#observe(current)
        if (!this.#isFree()) return false
        this.#observe(await client.update(LEASES, { ...current, spec: this.#claim(current.spec) }, how))
      } else {
        const created = { metadata: { ...lease }, spec: this.#claim(undefined) }
        this.#observe(await client.create(LEASES, created, how))
      }
      // From before the request: others count from when they saw the renewal, which is earlier than our answer.
      this.#renewedAtMs = startedAtMs
      return true
    } catch (error) {
      if (signal.aborted) return false
      const isRace = isConflict(error) || isAlreadyExists(error)
      if (isRace) this.#logger.debug({ identity }, "another candidate was faster")
      else this.#logger.warn({ err: error }, "cannot reach the lease")
      return false
    }
  }

  #observe(lease: LeaseObject): void {
    const isNews = lease.metadata.resourceVersion !== this.#observed?.metadata.resourceVersion
    if (!isNews) return
    const before = this.holder()
    this.#observed = lease
    this.#observedAtMs = this.#clock.monotonicMs()
    if (this.holder() !== before) this.#logger.info({ holder: this.holder() }, "leader changed")
  }

  /** Ours, released, or not renewed for its whole duration while we watched. */
  #isFree(): boolean {
    const spec = this.#observed?.spec
    if (!spec?.holderIdentity || spec.holderIdentity === this.#options.identity) return true
    const durationMs = (spec.leaseDurationSeconds ?? this.#leaseDurationMs / 1000) * 1000
    return this.#clock.monotonicMs() >= this.#observedAtMs + durationMs
  }

  #claim(current: Spec | undefined): Spec {
    const now = microTime(this.#clock.nowMs())
    const isOurs = current?.holderIdentity === this.#options.identity
    const transitions = current?.leaseTransitions ?? 0
    return {
      ...current,
      holderIdentity: this.#options.identity,
      leaseDurationSeconds: Math.ceil(this.#leaseDurationMs / 1000),
      acquireTime: (isOurs ? current?.acquireTime : undefined) ?? now,
      renewTime: now,
      leaseTransitions: isOurs || current === undefined ? transitions : transitions + 1,
    }
  }

  /** Lets the next one in without waiting; if that fails, the lease runs out by itself. */
  async #release(): Promise<void> {
    const { client, lease, identity } = this.#options
    using deadline = createDeadline(this.#clock, this.#renewDeadlineMs)
    const how = { signal: deadline.signal }
    const now = microTime(this.#clock.nowMs())
    try {
      // Read again: a renewal may have been under way when the work ended.
      const current = await client.find(LEASES, lease, how)
      if (current?.spec?.holderIdentity !== identity) return
      const released = { holderIdentity: "", leaseDurationSeconds: 1, renewTime: now, acquireTime: now }
      const spec: Spec = { ...current.spec, ...released }
      this.#observe(await client.update(LEASES, { ...current, spec }, how))
    } catch (error) {
      this.#logger.warn({ err: error }, "could not release the lease")
    }
  }

  #setLeading(leading: boolean): void {
    this.#leading = leading
    this.#metrics.set("leader_election_master_status", { name: this.#options.lease.name }, leading ? 1 : 0)
  }
}

function checkDurations(leaseDurationMs: number, renewDeadlineMs: number, retryPeriodMs: number): void {
  if (leaseDurationMs < 1_000) throw new RangeError("leaseDurationMs must be at least 1000")
  if (leaseDurationMs <= renewDeadlineMs) throw new RangeError("leaseDurationMs must exceed renewDeadlineMs")
  if (renewDeadlineMs <= retryPeriodMs * 1.2)
    throw new RangeError("renewDeadlineMs must exceed 1.2 * retryPeriodMs")
  if (!(retryPeriodMs > 0)) throw new RangeError("retryPeriodMs must be positive")
}

/** RFC 3339 with microseconds, as the API server stores it. */
function microTime(epochMs: number): string {
  return new Date(epochMs).toISOString().replace("Z", "000Z")
}
