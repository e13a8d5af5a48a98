import type { Signals } from "../db/signals.ts"

/** What a wake-up is about: a project whose revision moved, or an actor whose rights or tokens did. */
export type Subject = "project" | "actor"

type Listener = (subject: Subject, id: string) => void

const idsPerMessage = 150
const marks = { project: "p", actor: "a" } as const

/**
 * Wakes whoever waits for changes, in this process at once and in others as soon as their database tells them. A
 * wake-up says that something may have moved, not what: the change feed does, and nothing relies on being woken.
 */
export class ChangeSignal {
  readonly #signals: Signals | undefined
  readonly #listeners = new Set<Listener>()
  readonly #unsent = { project: new Set<string>(), actor: new Set<string>() }
  #isSending = false

  /** @param signals to the other processes; undefined when there can be none */
  constructor(signals: Signals | undefined) {
    this.#signals = signals
  }

  /** For effects after a commit: never throws. */
  changed(subject: Subject, id: string): void {
    this.#tell(subject, id)
    if (this.#signals === undefined) return
    this.#unsent[subject].add(id)
    if (this.#isSending) return
    this.#isSending = true
    setImmediate(() => this.#send())
  }

  /** Calls `listener`, which must not throw, with every change until the returned function is called. */
  listen(listener: Listener): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  /** Passes on what other processes tell, until the returned function is called. */
  connect(): () => void {
    return this.#signals?.listen((message) => this.#receive(message)) ?? (() => undefined)
  }

  #tell(subject: Subject, id: string): void {
    for (const listener of this.#listeners) listener(subject, id)
  }

  #send(): void {
    this.#isSending = false
    for (const subject of ["project", "actor"] as const) {
      const ids = [...this.#unsent[subject]]
      this.#unsent[subject].clear()
      for (let from = 0; from < ids.length; from += idsPerMessage) {
        this.#signals?.send(`${marks[subject]}:${ids.slice(from, from + idsPerMessage).join(",")}`)
      }
    }
  }

  /** A message of a newer version, or of nobody we know, is none of ours. */
  #receive(message: string): void {
    const subject = (["project", "actor"] as const).find((one) => message.startsWith(`${marks[one]}:`))
    if (subject === undefined) return
    for (const id of message.slice(2).split(",")) this.#tell(subject, id)
  }
}
