import { type DeliverDeps, deliver } from "./deliver.ts"
import {
  claimDelivery,
  type Delivery,
  listDueWebhooks,
  releaseDelivery,
  removeOldDeliveries,
} from "./deliveries-store.ts"
import { fanOut } from "./fan-out.ts"

const lookIntervalMs = 2_000
const cleanIntervalMs = 10 * 60 * 1_000
const keepDeliveriesMs = 30 * 24 * 60 * 60 * 1_000
/** Longer than an attempt may take: who holds a lease that is over has died. */
export const leaseMs = 60_000
const maxAtOnce = 16

/**
 * Delivers what webhooks are to be told, at least once: what is due is a row, whoever takes it holds a lease, and what
 * a process that died left behind is taken by another when the lease is over. Each webhook is told one thing at a time
 * by a process, so that one that hangs delays none but itself.
 */
export class WebhookWorker {
  readonly #deps: DeliverDeps
  readonly #holder: string
  readonly #busy = new Map<string, Promise<void>>()
  readonly #stopping = new AbortController()
  #timers: readonly NodeJS.Timeout[] = []
  #stopListening: () => void = () => undefined
  #isDue = false
  #isLooking = false

  constructor(deps: DeliverDeps) {
    this.#deps = deps
    this.#holder = deps.random.uuid()
  }

  /** Looks for work now, whenever a project changes, and every two seconds. */
  start(): void {
    this.#stopListening = this.#deps.signal.listen((subject) => {
      if (subject === "project") this.#look()
    })
    this.#timers = [
      setInterval(() => this.#look(), lookIntervalMs),
      setInterval(() => void this.#guard(() => this.clean()), cleanIntervalMs),
    ]
    for (const timer of this.#timers) timer.unref()
    this.#look()
  }

  /** Resolves when nothing is under way; what was cut off is given back for others to deliver. */
  async stop(): Promise<void> {
    for (const timer of this.#timers) clearInterval(timer)
    this.#stopListening()
    this.#stopping.abort()
    await Promise.allSettled(this.#busy.values())
  }

  /** Does everything that is due now, and resolves when it is done; for tests. */
  async runOnce(): Promise<void> {
    do {
      await fanOut(this.#deps)
      await this.#takeWhatIsDue()
      await Promise.allSettled(this.#busy.values())
    } while ((await listDueWebhooks(this.#deps.database.reader, this.#deps.clock.now(), 1)).length > 0)
  }

  /** Forgets deliveries that ended long ago. */
  async clean(): Promise<void> {
    const before = this.#deps.clock.now() - keepDeliveriesMs
    while ((await this.#deps.database.write(({ db }) => removeOldDeliveries(db, before))) > 0);
  }

  #look(): void {
    this.#isDue = true
    if (this.#isLooking || this.#stopping.signal.aborted) return
    this.#isLooking = true
    void this.#guard(async () => {
      while (this.#isDue && !this.#stopping.signal.aborted) {
        this.#isDue = false
        await fanOut(this.#deps)
        await this.#takeWhatIsDue()
      }
    }).finally(() => {
      this.#isLooking = false
    })
  }

  async #takeWhatIsDue(): Promise<void> {
    const now = this.#deps.clock.now()
    const webhookIds = await listDueWebhooks(this.#deps.database.reader, now, maxAtOnce + this.#busy.size)
    for (const webhookId of webhookIds) {
      if (this.#busy.size >= maxAtOnce || this.#stopping.signal.aborted) return
      if (this.#busy.has(webhookId)) continue
      const lease = { holder: this.#holder, until: now + leaseMs }
      const delivery = await this.#deps.database.write(({ db }) => claimDelivery(db, webhookId, lease, now))
      if (delivery !== undefined) this.#begin(delivery)
    }
  }

  #begin(delivery: Delivery): void {
    const { signal } = this.#stopping
    const running = this.#guard(async () => {
      const isDone = await deliver(this.#deps, delivery, { holder: this.#holder, signal })
      if (!isDone) await this.#deps.database.write(({ db }) => releaseDelivery(db, delivery.id, this.#holder))
    }).finally(() => {
      this.#busy.delete(delivery.webhookId)
      if (this.#timers.length > 0) this.#look()
    })
    this.#busy.set(delivery.webhookId, running)
  }

  async #guard(work: () => Promise<void>): Promise<void> {
    try {
      await work()
    } catch (error) {
      this.#deps.log.warn({ problem: String(error) }, "delivering webhooks failed")
    }
  }
}
