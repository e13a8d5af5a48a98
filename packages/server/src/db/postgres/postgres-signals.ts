/**
 * Signals over LISTEN and NOTIFY, on one connection of their own. A NOTIFY inside of a write would make all commits of
 * the server wait for each other, so messages are sent after the commit that they tell of.
 */
import type { Notification, Pool, PoolClient } from "pg"
import type { Log } from "../../log.ts"
import type { Random } from "../../random.ts"
import type { Signals } from "../signals.ts"
import { connect, run } from "./postgres-pool.ts"

const CHANNEL = "coffer_signals"
const CHECK_INTERVAL_MS = 30_000
const LONGEST_PAUSE_MS = 15_000
const MAX_WAITING = 1_000

export type PostgresSignalsDeps = { readonly pool: Pool; readonly random: Random; readonly log: Log }

export class PostgresSignals implements Signals {
  readonly #deps: PostgresSignalsDeps
  /** Tells our own messages from those of others. */
  readonly #sender: string
  readonly #listeners = new Set<(message: string) => void>()
  readonly #waiting: string[] = []
  #running: Promise<void> | undefined
  #wake: () => void = () => undefined
  #isClosed = false

  constructor(deps: PostgresSignalsDeps) {
    this.#deps = deps
    this.#sender = deps.random.uuid()
  }

  send(message: string): void {
    if (this.#isClosed) return
    // Without a connection the oldest hints go first: whoever missed them asks the database anyway.
    if (this.#waiting.length >= MAX_WAITING) this.#waiting.shift()
    this.#waiting.push(message)
    this.#start()
    this.#wake()
  }

  listen(listener: (message: string) => void): () => void {
    this.#listeners.add(listener)
    this.#start()
    return () => this.#listeners.delete(listener)
  }

  async close(): Promise<void> {
    this.#isClosed = true
    this.#wake()
    await this.#running
  }

  #start(): void {
    if (!this.#isClosed) this.#running ??= this.#keepConnected()
  }

  /** Connects again after every failure, with pauses that grow, until closed. */
  async #keepConnected(): Promise<void> {
    let failures = 0
    while (!this.#isClosed) {
      try {
        await this.#serve(() => {
          failures = 0
        })
      } catch (error) {
        if (failures === 0) this.#deps.log.warn({ err: error }, "Signals from other servers are interrupted")
        failures += 1
        await this.#pause(failures)
      }
    }
  }

  async #serve(onConnected: () => void): Promise<void> {
    const client = await connect(this.#deps.pool)
    let failure: Error | undefined
    const onEnd = (error?: Error) => {
      failure ??= error ?? new Error("the connection ended")
      this.#wake()
    }
    client.on("notification", this.#receive).on("error", onEnd).on("end", onEnd)
    try {
      await run(client, `set synchronous_commit = off; listen ${CHANNEL}`)
      onConnected()
      while (!this.#isClosed) {
        if (failure !== undefined) throw failure
        if (this.#waiting.length > 0) await this.#flush(client)
        else if (!(await this.#sleep(CHECK_INTERVAL_MS))) await run(client, "select 1")
      }
    } finally {
      client.off("notification", this.#receive).off("error", onEnd).off("end", onEnd)
      client.release(true)
    }
  }

  async #flush(client: PoolClient): Promise<void> {
    const messages = this.#waiting.splice(0, 100).map((message) => `${this.#sender} ${message}`)
    await run(client, {
      text: "select pg_notify($1, message) from unnest($2::text[]) as message",
      values: [CHANNEL, messages],
    })
  }

  readonly #receive = ({ payload }: Notification): void => {
    const space = payload?.indexOf(" ") ?? -1
    if (payload === undefined || space === -1 || payload.slice(0, space) === this.#sender) return
    for (const listener of this.#listeners) {
      try {
        listener(payload.slice(space + 1))
      } catch (error) {
        this.#deps.log.error({ err: error }, "A listener for signals failed")
      }
    }
  }

  async #pause(failures: number): Promise<void> {
    const [jitter = 0] = this.#deps.random.bytes(1)
    const pauseMs = Math.min(LONGEST_PAUSE_MS, 100 * 2 ** failures) * (0.5 + jitter / 256)
    const endsAt = performance.now() + pauseMs
    for (let left = pauseMs; left > 0 && !this.#isClosed; left = endsAt - performance.now()) {
      await this.#sleep(left)
    }
  }

  /** @returns true when woken before the time was over */
  #sleep(ms: number): Promise<boolean> {
    return new Promise((resolve) => {
      const timer = setTimeout(() => resolve(false), ms)
      timer.unref()
      this.#wake = () => {
        clearTimeout(timer)
        resolve(true)
      }
    })
  }
}
