import type { Session } from "../../actor.ts"
import { AppError } from "../../errors.ts"
import { readFeed } from "../../events/index.ts"
import type { Log } from "../../log.ts"
import type { ReadDeps } from "../../use-case/index.ts"
import { resyncFrame } from "./domain.ts"
import type { EventStream } from "./event-stream.ts"
import { earOf, requireSubscribable } from "./rights.ts"

export type HubDeps = ReadDeps & {
  readonly log: Log
  /** Makes a refusal durable unless the log already holds it. */
  recordRefusal(session: Session, error: AppError): Promise<void>
}

/** Streams of one project, fed by one reader. */
type Channel = {
  readonly projectId: string
  readonly streams: Set<EventStream>
  revision: number
  isBehind: boolean
  running: Promise<void> | undefined
}

const checkIntervalMs = 1_000
const heartbeatIntervalMs = 15_000
const longestBlockMs = 30_000
const maxStreams = 10_000
const maxStreamsPerActor = 1_000

/**
 * The open streams of this process. Each project with subscribers is read once, whatever their number. Woken by
 * writes here and elsewhere, and once a second it asks the database itself: for revisions that nobody told of, and
 * whether everyone who listens still may.
 */
export class StreamHub {
  readonly #deps: HubDeps
  readonly #channels = new Map<string, Channel>()
  readonly #streams = new Set<EventStream>()
  #timers: readonly NodeJS.Timeout[] = []
  #stopListening: () => void = () => undefined
  #isChecking = false
  #isCheckDue = false
  #isClosed = false

  constructor(deps: HubDeps) {
    this.#deps = deps
  }

  get size(): number {
    return this.#streams.size
  }

  /** @throws AppError "rate-limited" when there are too many streams, "unavailable" while the server ends */
  requireRoom(actorId: string): void {
    if (this.#isClosed)
      throw new AppError("unavailable", "ServiceUnavailable", "The server is ending; try again")
    let own = 0
    for (const stream of this.#streams) if (stream.session.actor.id === actorId) own += 1
    if (own < maxStreamsPerActor && this.#streams.size < maxStreams) return
    throw new AppError(
      "rate-limited",
      "RateLimitExceeded",
      "Too many event streams are open; close some first",
      {
        retryAfterSeconds: 30,
      },
    )
  }

  /** Takes an open stream over: from here on it gets what comes after its position, in order, until either side ends it. */
  add(stream: EventStream, options: { readonly revision: number; readonly hasMissed: boolean }): void {
    const channel = this.#channelOf(stream.projectId, options.revision)
    channel.streams.add(stream)
    this.#streams.add(stream)
    this.#startTimers()
    stream.onClose(() => this.#remove(channel, stream))
    const now = performance.now()
    if (options.hasMissed) {
      stream.resync(resyncFrame(stream.registrations, options.revision), options.revision, now)
    } else {
      stream.ping(now)
    }
    this.#catchUp(channel, stream)
    this.#wake(channel)
    if (this.#isClosed) stream.end()
  }

  /** Ends every stream; clients connect again, to whoever answers then. */
  close(): void {
    this.#isClosed = true
    for (const stream of this.#streams) stream.end()
    this.#stopTimers()
  }

  #channelOf(projectId: string, revision: number): Channel {
    const known = this.#channels.get(projectId)
    if (known !== undefined) return known
    const channel: Channel = { projectId, streams: new Set(), revision, isBehind: false, running: undefined }
    this.#channels.set(projectId, channel)
    return channel
  }

  #remove(channel: Channel, stream: EventStream): void {
    channel.streams.delete(stream)
    this.#streams.delete(stream)
    if (channel.streams.size === 0) this.#channels.delete(channel.projectId)
    if (this.#streams.size === 0) this.#stopTimers()
  }

  #startTimers(): void {
    if (this.#timers.length > 0 || this.#isClosed) return
    this.#stopListening = this.#deps.signal.listen((subject, id) => {
      if (subject === "actor") {
        if ([...this.#streams].some((stream) => stream.session.actor.id === id)) this.#check()
        return
      }
      const channel = this.#channels.get(id)
      if (channel !== undefined) this.#wake(channel)
    })
    this.#timers = [
      setInterval(() => this.#check(), checkIntervalMs),
      setInterval(() => this.#beat(), heartbeatIntervalMs),
    ]
    for (const timer of this.#timers) timer.unref()
  }

  #stopTimers(): void {
    for (const timer of this.#timers) clearInterval(timer)
    this.#timers = []
    this.#stopListening()
  }

  #beat(): void {
    const now = performance.now()
    for (const stream of this.#streams) {
      stream.ping(now)
      if (stream.blockedMs(now) > longestBlockMs) {
        stream.end({
          code: "SlowReader",
          message: "The stream was read too slowly; connect again with Last-Event-ID",
        })
      }
    }
  }

  #wake(channel: Channel): void {
    channel.isBehind = true
    channel.running ??= this.#feed(channel)
      .catch((error: unknown) => {
        this.#deps.log.warn({ problem: String(error) }, "reading changes for event streams failed")
      })
      .finally(() => {
        channel.running = undefined
        if (channel.isBehind && channel.streams.size > 0) this.#wake(channel)
      })
  }

  /** Reads what is new, once, and hands it to every stream that is up to date. */
  async #feed(channel: Channel): Promise<void> {
    while (channel.isBehind && channel.streams.size > 0) {
      channel.isBehind = false
      const page = await readFeed(this.#deps, channel.projectId, channel)
      if (page === undefined) continue
      if (page.events.length > 0) await this.#judgeChanged(channel.streams)
      channel.isBehind = true
      const now = performance.now()
      const from = channel.revision
      channel.revision = page.upTo
      for (const stream of channel.streams) {
        if (stream.isCatchingUp) continue
        if (stream.position.revision === from && stream.position.index === undefined) {
          stream.deliver(page.events, page.upTo, now)
        }
        this.#catchUp(channel, stream)
      }
    }
  }

  /** Brings a stream that is behind its channel up to date, as fast as it is read. */
  #catchUp(channel: Channel, stream: EventStream): void {
    if (stream.isCatchingUp || stream.isEnded || isUpToDate(channel, stream)) return
    stream.isCatchingUp = true
    this.#readFor(channel, stream)
      .catch((error: unknown) => {
        this.#deps.log.warn({ problem: String(error) }, "an event stream could not be brought up to date")
        stream.end({ code: "ServiceUnavailable", message: "The changes cannot be read now; connect again" })
      })
      .finally(() => {
        stream.isCatchingUp = false
        // What came between the last look and now was not for it.
        this.#catchUp(channel, stream)
      })
  }

  async #readFor(channel: Channel, stream: EventStream): Promise<void> {
    while (!stream.isEnded && !isUpToDate(channel, stream)) {
      await stream.untilReadable()
      const page = await readFeed(this.#deps, stream.projectId, stream.position, channel.revision)
      if (page === undefined) return stream.end(gone())
      if (page.events.length > 0) await this.#judgeChanged([stream])
      stream.deliver(page.events, page.upTo, performance.now())
    }
  }

  /** Asks the database what nobody may have told: new revisions, and rights that ended. */
  #check(): void {
    this.#isCheckDue = true
    if (this.#isChecking) return
    this.#isChecking = true
    this.#checkWhileDue()
      .catch((error: unknown) => {
        this.#deps.log.warn({ problem: String(error) }, "checking event streams failed")
      })
      .finally(() => {
        this.#isChecking = false
      })
  }

  /** Asked for again while it looks, it looks again: the first look may have been too early. */
  async #checkWhileDue(): Promise<void> {
    while (this.#isCheckDue) {
      this.#isCheckDue = false
      await this.#checkAll()
    }
  }

  async #checkAll(): Promise<void> {
    const actors = new Map([...this.#streams].map(({ session }) => [session.actor.id, session.actor.epoch]))
    if (actors.size === 0) return
    const witness = await this.#deps.database.record([], {
      projectIds: [...this.#channels.keys()],
      actorIds: [...actors.keys()],
    })
    for (const [id, epoch] of actors) {
      if (witness.actorEpochs.get(id) !== epoch) await this.#deps.actors.reload(id)
    }
    for (const channel of this.#channels.values()) {
      const current = witness.projectRevisions.get(channel.projectId)
      if (current !== undefined && current > channel.revision) this.#wake(channel)
    }
    for (const stream of [...this.#streams]) await this.#judge(stream)
  }

  /**
   * Judges anew whose rights have changed since they were looked at. Asked after a change was read and before it is
   * told: whoever lost a right before that change was made does not hear of it.
   */
  async #judgeChanged(streams: Iterable<EventStream>): Promise<void> {
    const open = [...streams].filter((stream) => !stream.isEnded)
    const actors = new Map(open.map(({ session }) => [session.actor.id, session.actor.epoch]))
    if (actors.size === 0) return
    const { actorEpochs } = await this.#deps.database.record([], {
      projectIds: [],
      actorIds: [...actors.keys()],
    })
    const changed = new Set(
      [...actors].filter(([id, epoch]) => actorEpochs.get(id) !== epoch).map(([id]) => id),
    )
    for (const id of changed) await this.#deps.actors.reload(id)
    for (const stream of open) if (changed.has(stream.session.actor.id)) await this.#judge(stream)
  }

  /** Judges token and rights as if the stream were opened now; they may also end by time alone. */
  async #judge(stream: EventStream): Promise<void> {
    try {
      const session = await stream.session.refresh()
      const at = { projectId: stream.projectId, now: this.#deps.clock.now() }
      await this.#requireRights(session, stream, at)
      stream.session = session
      stream.ear = earOf(session.actor, at)
    } catch (error) {
      if (!(error instanceof AppError)) throw error
      if (error.kind !== "unavailable") stream.end(error)
    }
  }

  async #requireRights(
    session: Session,
    stream: EventStream,
    at: { projectId: string; now: number },
  ): Promise<void> {
    try {
      requireSubscribable(session.actor, stream.registrations, at)
    } catch (error) {
      // A token that is refused is recorded by whoever judged it; this refusal is known here alone.
      if (error instanceof AppError) await this.#deps.recordRefusal(session, error)
      throw error
    }
  }
}

function isUpToDate(channel: Channel, stream: EventStream): boolean {
  const { revision, index } = stream.position
  return index === undefined && revision >= channel.revision
}

function gone(): AppError {
  return new AppError("not-found", "NotFound", "The project was deleted")
}
