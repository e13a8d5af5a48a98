import { hostname } from "node:os"
import type { Writable } from "node:stream"
import { newestHead, nextLogId } from "../../audit/index.ts"
import type { Keyring } from "../../keyring/keyring.ts"
import type { Log } from "../../log.ts"
import { TaskLease, type TaskLeaseDeps } from "../../task-lease.ts"
import { findBacklog } from "./backlog.ts"
import { type ActiveStream, deliverAll } from "./deliver.ts"
import { isBehind, pauseAfterMs } from "./domain.ts"
import { openDestination } from "./sealing.ts"
import { fileSink, networkSink, pipeSink, problemOf, type SinkOptions } from "./sinks.ts"
import { findCursors, listStreams, saveCursor, saveHealth } from "./store.ts"

/** Destinations on the server itself. Only its configuration names them, never a request. */
export type LocalStreams = {
  readonly auditStreamFile?: string | undefined
  readonly auditStreamOutput?: Writable | undefined
}

export type StreamDeps = TaskLeaseDeps & {
  readonly keyring: Keyring
  readonly log: Log
  /** `ALLOW_INTERNAL_IP_CONNECTIONS`: whether loopback and private addresses may be sent to. */
  readonly allowInternalConnections: boolean
  readonly local: LocalStreams
  /** Of one batch; 15 seconds unless told otherwise. */
  readonly streamTimeoutMs?: number
}

const lookIntervalMs = 1_000
const watchIntervalMs = 60_000
/** Longer than a batch may take: who holds a lease that is over has died. */
const leaseMs = 60_000
const otherHoldsPauseMs = 15_000
const maxAtOnce = 64

type State = {
  readonly lease: TaskLease
  readonly revision: number | undefined
  failures: number
  /** When it is looked at again. */
  notBefore: number
}

export function sinkOptionsOf(
  deps: Pick<StreamDeps, "allowInternalConnections" | "streamTimeoutMs">,
): SinkOptions {
  return {
    allowPrivateAddresses: deps.allowInternalConnections,
    hostname: hostname(),
    ...(deps.streamTimeoutMs === undefined ? {} : { timeoutMs: deps.streamTimeoutMs }),
  }
}

/**
 * Publishes the audit log to every stream, at least once and in the order of each log. Each stream goes its own pace:
 * one that hangs or fails holds up no other, and no request ever waits for any. One replica serves a stream at a time.
 */
export class AuditStreamWorker {
  readonly #deps: StreamDeps
  readonly #local: readonly ActiveStream[]
  readonly #states = new Map<string, State>()
  readonly #busy = new Map<string, Promise<void>>()
  /** Ids of streams that were behind when it was looked at last. */
  #behind: ReadonlySet<string> = new Set()
  readonly #stopping = new AbortController()
  #timers: readonly NodeJS.Timeout[] = []
  #isLooking = false

  constructor(deps: StreamDeps) {
    this.#deps = deps
    this.#local = localStreamsOf(deps)
  }

  /** Sets where the streams of the configuration begin: at what comes from now on, unless they ran before. */
  async prepare(): Promise<void> {
    const { database, clock } = this.#deps
    for (const { id } of this.#local) {
      if ((await findCursors(database.reader, id)).size > 0) continue
      await database.write(({ db }) => startAtEnd(db, id, clock.now()))
    }
  }

  /** Looks for work every second, and every minute for streams that fall behind. */
  start(): void {
    this.#timers = [
      setInterval(() => void this.#look(), lookIntervalMs).unref(),
      setInterval(() => void this.watch(), watchIntervalMs).unref(),
    ]
    void this.#look()
  }

  /** Resolves when nothing is under way; another process may go on at once. */
  async stop(): Promise<void> {
    for (const timer of this.#timers) clearInterval(timer)
    this.#stopping.abort()
    await Promise.allSettled(this.#busy.values())
    for (const { lease } of this.#states.values())
      await this.#guard("releasing a stream", () => lease.release())
  }

  /** Delivers what can be delivered now, and resolves when every stream is done, failed or waits; for tests. */
  async runOnce(): Promise<void> {
    await this.#look()
    await Promise.allSettled(this.#busy.values())
  }

  /**
   * Says in the log which streams have fallen behind, and which are no longer so: once for each change. Every process
   * says so, whoever delivers, and says it again after it was started anew.
   */
  async watch(): Promise<void> {
    const { database, clock, log } = this.#deps
    await this.#guard("watching audit streams", async () => {
      const behind = new Set<string>()
      for (const { id: auditStreamId } of await this.#activeStreams()) {
        const { lag, since } = await findBacklog(database.reader, auditStreamId)
        const wasBehind = this.#behind.has(auditStreamId)
        if (since !== null && isBehind(since, clock.now())) {
          behind.add(auditStreamId)
          const fields = { auditStreamId, lag, oldestUndeliveredAt: new Date(since).toISOString() }
          if (!wasBehind)
            log.warn(fields, "an audit stream has fallen behind: events may be removed undelivered")
        } else if (wasBehind) {
          log.info({ auditStreamId, lag }, "an audit stream is no longer behind")
        }
      }
      this.#behind = behind
    })
  }

  async #look(): Promise<void> {
    if (this.#isLooking || this.#stopping.signal.aborted) return
    this.#isLooking = true
    await this.#guard("looking for audit streams", async () => {
      const streams = await this.#activeStreams()
      this.#forgetOthers(streams)
      for (const stream of streams) this.#begin(stream)
    })
    this.#isLooking = false
  }

  async #activeStreams(): Promise<readonly ActiveStream[]> {
    const { database, keyring } = this.#deps
    const options = sinkOptionsOf(this.#deps)
    const stored = (await listStreams(database.reader)).filter((stream) => stream.isEnabled)
    const network = stored.map((stream): ActiveStream => {
      const { id, orgId, revision } = stream
      return {
        id,
        orgId,
        revision,
        // Opened when it is used, so that a destination that does not open fails its stream alone.
        sink: {
          send: (batch, signal) => networkSink(openDestination(keyring, stream), options).send(batch, signal),
        },
      }
    })
    return [...this.#local, ...network]
  }

  #forgetOthers(streams: readonly ActiveStream[]): void {
    const ids = new Set(streams.map((stream) => stream.id))
    for (const id of this.#states.keys()) if (!ids.has(id) && !this.#busy.has(id)) this.#states.delete(id)
  }

  #begin(stream: ActiveStream): void {
    if (this.#busy.has(stream.id) || this.#busy.size >= maxAtOnce || this.#stopping.signal.aborted) return
    const state = this.#stateOf(stream)
    if (this.#deps.clock.now() < state.notBefore) return
    const running = this.#deliver(stream, state).finally(() => this.#busy.delete(stream.id))
    this.#busy.set(stream.id, running)
  }

  #stateOf(stream: ActiveStream): State {
    const known = this.#states.get(stream.id)
    // A stream that was changed is tried at once.
    if (known !== undefined && known.revision === stream.revision) return known
    const lease =
      known?.lease ?? new TaskLease(this.#deps, { name: `audit-stream:${stream.id}`, ttlMs: leaseMs })
    const state = { lease, revision: stream.revision, failures: 0, notBefore: 0 }
    this.#states.set(stream.id, state)
    return state
  }

  async #deliver(stream: ActiveStream, state: State): Promise<void> {
    const { database, clock, log, random } = this.#deps
    const { signal } = this.#stopping
    try {
      const isMine = await deliverAll({ database, clock, lease: state.lease, signal }, stream)
      state.failures = 0
      state.notBefore = isMine ? 0 : clock.now() + otherHoldsPauseMs
    } catch (error) {
      if (signal.aborted) return
      state.failures += 1
      const [jitter = 0] = random.bytes(1)
      state.notBefore = clock.now() + pauseAfterMs(state.failures, jitter / 256)
      const problem = problemOf(error)
      log.warn({ auditStreamId: stream.id, problem, failures: state.failures }, "an audit stream failed")
      await this.#guard("noting a problem of an audit stream", async () => {
        await database.write(({ db }) => saveHealth(db, stream.id, { problem, at: clock.now() }))
      })
    }
  }

  async #guard(what: string, work: () => Promise<void>): Promise<void> {
    try {
      await work()
    } catch (error) {
      this.#deps.log.warn({ what, problem: String(error) }, "audit streams: something failed")
    }
  }
}

type EndDeps = Parameters<Parameters<StreamDeps["database"]["write"]>[0]>[0]["db"]

/** Puts a stream at the end of every log there is; a log that begins later is delivered from its beginning. */
export async function startAtEnd(db: EndDeps, streamId: string, now: number): Promise<void> {
  for (let logId = await nextLogId(db, ""); logId !== undefined; logId = await nextLogId(db, logId)) {
    const next = (await newestHead(db, logId))?.size ?? 0
    await saveCursor(db, { streamId, logId, next }, now)
  }
}

function localStreamsOf({ local, streamTimeoutMs }: StreamDeps): readonly ActiveStream[] {
  const { auditStreamFile: file, auditStreamOutput: output } = local
  const everything = { orgId: undefined, revision: undefined }
  return [
    ...(file === undefined ? [] : [{ id: "file", ...everything, sink: fileSink(file) }]),
    ...(output === undefined
      ? []
      : [{ id: "stdout", ...everything, sink: pipeSink(output, streamTimeoutMs) }]),
  ]
}
