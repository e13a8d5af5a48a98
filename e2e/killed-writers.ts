/** Writers that keep book of what was acknowledged, for tests that kill the server or its database under them. */
import type { Answered, AwayServer } from "./away-server.ts"

/** `undefined` is "not there". */
export type State = { readonly path: string; readonly value: string; readonly version: number } | undefined

export type Book = {
  /** What each key may be now: one state when its last step was answered, two when it was not. */
  readonly keys: Map<string, readonly State[]>
  /** Keys that one request made: all of them or none. */
  readonly together: (readonly string[])[]
  /** Event types that the log must hold for a key. */
  readonly audited: Map<string, string[]>
  acknowledged: number
  unanswered: number
}

export function aBook(): Book {
  return { keys: new Map(), together: [], audited: new Map(), acknowledged: 0, unanswered: 0 }
}

type Step = {
  readonly keys: readonly string[]
  readonly send: () => Promise<Answered>
  readonly next: (state: State, key: string) => State
  readonly event?: string
}

export class Writer {
  readonly #away: AwayServer
  readonly #book: Book
  readonly #name: string

  constructor(away: AwayServer, book: Book, name: string) {
    this.#away = away
    this.#book = book
    this.#name = name
  }

  get #path(): string {
    return `/${this.#name}`
  }

  /** Makes, changes, reads, moves and deletes new keys, until it is told to stop. */
  async run(signal: AbortSignal): Promise<void> {
    for (let count = 0; !signal.aborted; count += 1) {
      const prefix = `${this.#name.toUpperCase()}_${count}`
      if (count % 4 === 2) await this.#batch(prefix)
      else if (count % 4 === 3) await this.#file(prefix)
      else await this.#life(prefix, count)
    }
  }

  async #life(key: string, count: number): Promise<void> {
    const at = { secretPath: this.#path }
    const url = `/v4/secrets/${key}`
    const created = await this.#step({
      keys: [key],
      send: () => this.#away.ask("POST", url, { ...at, secretValue: `${key} one` }),
      next: () => ({ path: this.#path, value: `${key} one`, version: 1 }),
      event: "create-secret",
    })
    if (created === undefined) return
    const updated = await this.#step({
      keys: [key],
      send: () => this.#away.ask("PATCH", url, { ...at, secretValue: `${key} two` }),
      next: (state) => state && { ...state, value: `${key} two`, version: state.version + 1 },
      event: "update-secret",
    })
    if (updated === undefined) return
    const { projectId, environment } = this.#away.place
    const query = `projectId=${projectId}&environment=${environment}&secretPath=${this.#path}`
    await this.#step({
      keys: [key],
      send: () => this.#away.ask("GET", `${url}?${query}`),
      next: (state) => state,
      event: "get-secret",
    })
    if (count % 4 === 0) {
      await this.#step({
        keys: [key],
        send: () => this.#away.ask("DELETE", url, at),
        next: () => undefined,
        event: "delete-secret",
      })
      return
    }
    await this.#step({
      keys: [key],
      send: () =>
        this.#away.ask("POST", "/v4/secrets/move", {
          sourceEnvironment: environment,
          sourceSecretPath: this.#path,
          destinationEnvironment: environment,
          destinationSecretPath: "/moved",
          secretIds: [created.body.secret.id],
        }),
      next: (state) => state && { ...state, path: "/moved", version: state.version + 1 },
    })
  }

  async #batch(prefix: string): Promise<void> {
    const keys = ["A", "B", "C"].map((end) => `${prefix}_${end}`)
    this.#book.together.push(keys)
    const secrets = keys.map((secretKey) => ({ secretKey, secretValue: `${secretKey} one` }))
    await this.#step({
      keys,
      send: () => this.#away.ask("POST", "/v4/secrets/batch", { secretPath: this.#path, secrets }),
      next: (_, key) => ({ path: this.#path, value: `${key} one`, version: 1 }),
    })
  }

  async #file(prefix: string): Promise<void> {
    const keys = ["D", "E"].map((end) => `${prefix}_${end}`)
    this.#book.together.push(keys)
    const content = JSON.stringify(Object.fromEntries(keys.map((key) => [key, `${key} one`])))
    const { projectId } = this.#away.place
    await this.#step({
      keys,
      send: () =>
        this.#away.ask("POST", `/coffer/v1/projects/${projectId}/import`, {
          secretPath: this.#path,
          format: "json",
          content,
        }),
      next: (_, key) => ({ path: this.#path, value: `${key} one`, version: 1 }),
    })
  }

  /** The answer when it was a yes; `undefined` when nobody knows what became of it. Any other refusal throws. */
  async #step({ keys, send, next, event }: Step): Promise<Answered | undefined> {
    const { keys: known, audited } = this.#book
    const before = new Map(keys.map((key) => [key, known.get(key)?.[0]]))
    for (const [key, state] of before) known.set(key, [state, next(state, key)])
    const answer = await send().catch(() => undefined)
    if (answer === undefined || answer.status === 503) {
      this.#book.unanswered += 1
      // The server is away: no use in hammering at it.
      await new Promise((resolve) => setTimeout(resolve, 50))
      return undefined
    }
    if (answer.status !== 200) throw new Error(`${keys}: ${answer.status} ${JSON.stringify(answer.body)}`)
    this.#book.acknowledged += 1
    for (const [key, state] of before) {
      known.set(key, [next(state, key)])
      if (event !== undefined) audited.set(key, [...(audited.get(key) ?? []), event])
    }
    return answer
  }
}
