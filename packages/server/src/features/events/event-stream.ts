import type { ServerResponse } from "node:http"
import type { Session } from "../../actor.ts"
import type { FeedPosition, ProjectEvent } from "../../events/index.ts"
import { errorFrame, framesOf, isWanted, pingFrame, positionAfter, type Registration } from "./domain.ts"

/** With more than this unread, nothing is written any more: what is missing waits in the feed, not in memory. */
const maxUnreadBytes = 128 * 1024
const goodbyeMs = 2_000

export type Subscription = {
  readonly projectId: string
  readonly registrations: readonly Registration[]
  readonly session: Session
  /** From where to deliver. */
  readonly position: FeedPosition
  /** True when what came after the client's last event is not in the feed any more. */
  readonly hasMissed: boolean
}

/** Which keys of an event its reader may hear of; `undefined` when not even of the event. */
export type Ear = (event: ProjectEvent) => readonly string[] | undefined

/** One open answer of server-sent events, and how far its reader has come. */
export class EventStream {
  readonly projectId: string
  readonly registrations: readonly Registration[]
  session: Session
  ear: Ear
  position: FeedPosition
  /** Being brought up to date from the feed; live events are not for it meanwhile. */
  isCatchingUp = false
  readonly #response: ServerResponse
  #lastId: number | undefined
  #blockedSince: number | undefined
  readonly #waiters: (() => void)[] = []
  #isEnded = false

  constructor(response: ServerResponse, subscription: Subscription, ear: Ear) {
    this.#response = response
    this.projectId = subscription.projectId
    this.registrations = subscription.registrations
    this.session = subscription.session
    this.position = subscription.position
    this.ear = ear
    response.on("drain", () => {
      this.#blockedSince = undefined
      this.#release()
    })
    response.once("close", () => {
      this.#isEnded = true
      this.#release()
    })
  }

  /** Undelivered output lies around: the reader is slower than the feed. */
  get isBlocked(): boolean {
    return this.#response.writableNeedDrain && this.#response.writableLength > maxUnreadBytes
  }

  get isEnded(): boolean {
    return this.#isEnded
  }

  /** For how long the reader has taken nothing; 0 when nothing waits for it. */
  blockedMs(now: number): number {
    return this.#blockedSince === undefined ? 0 : now - this.#blockedSince
  }

  onClose(listener: () => void): void {
    this.#response.once("close", listener)
  }

  /** Resolves when the reader has taken what waited for it, or is gone. */
  async untilReadable(): Promise<void> {
    if (this.isBlocked && !this.#isEnded) await new Promise<void>((resolve) => this.#waiters.push(resolve))
  }

  /** Sends what the reader wants of a page and may hear, and stops early when it does not keep up. */
  deliver(events: readonly ProjectEvent[], upTo: number, now: number): void {
    for (const event of events) {
      if (isWanted(this.registrations, event)) {
        if (this.isBlocked) return
        const keys = this.ear(event)
        if (keys !== undefined) this.#write(framesOf(event, keys), now)
        if (event.isLastOfRevision) this.#lastId = event.revision
      }
      this.position = positionAfter(event)
    }
    this.position = { revision: upTo }
  }

  resync(frame: string, revision: number, now: number): void {
    this.#write(frame, now)
    this.#lastId = revision
    this.position = { revision }
  }

  /** Nothing is added for a reader that leaves even heartbeats unread. */
  ping(now: number): void {
    if (this.isBlocked) return
    const { revision, index } = this.position
    const isNews = index === undefined && revision !== this.#lastId && !this.isCatchingUp
    if (isNews) this.#lastId = revision
    this.#write(pingFrame(isNews ? revision : undefined), now)
  }

  /** Ends the stream, with a reason if there is one; a reader that takes nothing is cut off. */
  end(reason?: { readonly message: string; readonly code: string }): void {
    if (this.#isEnded) return
    this.#isEnded = true
    this.#response.end(reason === undefined ? "" : errorFrame(reason))
    const timer = setTimeout(() => this.#response.destroy(), goodbyeMs)
    this.#response.once("close", () => clearTimeout(timer))
  }

  #release(): void {
    for (const resolve of this.#waiters.splice(0)) resolve()
  }

  #write(text: string, now: number): void {
    if (this.#isEnded) return
    if (!this.#response.write(text)) this.#blockedSince ??= now
  }
}
