/** Reads server-sent events over a real connection, as the clients of the contract do. */
import { type ClientRequest, type IncomingMessage, request } from "node:http"

export type ReadEvent = {
  readonly id: string | undefined
  readonly event: string
  // biome-ignore lint/suspicious/noExplicitAny: tests look into data of every shape
  readonly data: any
}

export type Subscribing = {
  readonly url: string
  readonly token: string
  readonly body?: object
  readonly lastEventId?: string | undefined
  readonly headers?: Readonly<Record<string, string>>
}

const patienceMs = 20_000

/** An open stream of events; pings are kept apart. */
export class EventReader {
  readonly response: IncomingMessage
  readonly events: ReadEvent[] = []
  readonly pings: ReadEvent[] = []
  readonly ended: Promise<void>
  #raw = ""
  #buffer = ""
  #wake: () => void = () => undefined
  readonly #request: ClientRequest

  constructor(sent: ClientRequest, response: IncomingMessage) {
    this.#request = sent
    this.response = response
    response.setEncoding("utf8")
    response.on("data", (text: string) => this.#take(text))
    response.on("error", () => undefined)
    this.ended = new Promise((resolve) => response.once("close", () => resolve()))
    response.once("close", () => this.#wake())
  }

  /** Everything that was sent, byte for byte. */
  get raw(): string {
    return this.#raw
  }

  get lastId(): string | undefined {
    return [...this.pings, ...this.events]
      .filter((event) => event.id !== undefined)
      .sort((left, right) => Number(left.id) - Number(right.id))
      .at(-1)?.id
  }

  /** The next `count` events that were not asked for yet; fails when they take longer than on a busy machine. */
  async next(count = 1): Promise<ReadEvent[]> {
    await this.until(() => this.events.length >= count, `${count} events`)
    return this.events.splice(0, count)
  }

  async until(isThere: () => boolean, what: string): Promise<void> {
    const endsAt = performance.now() + patienceMs
    while (!isThere()) {
      const left = endsAt - performance.now()
      if (left <= 0) throw new Error(`waited in vain for ${what}; got ${this.#raw}`)
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, left)
        this.#wake = () => {
          clearTimeout(timer)
          resolve()
        }
      })
    }
  }

  close(): void {
    this.#request.destroy()
  }

  #take(text: string): void {
    this.#raw += text
    this.#buffer += text
    const frames = this.#buffer.split("\n\n")
    this.#buffer = frames.pop() ?? ""
    for (const frame of frames) {
      const event = parse(frame)
      if (event.event === "ping") this.pings.push(event)
      else this.events.push(event)
    }
    this.#wake()
  }
}

function parse(frame: string): ReadEvent {
  const field = (name: string) =>
    frame
      .split("\n")
      .find((line) => line.startsWith(`${name}: `))
      ?.slice(name.length + 2)
  const data = field("data")
  return {
    id: field("id"),
    event: field("event") ?? "",
    data: data === undefined ? undefined : JSON.parse(data),
  }
}

/** Opens a stream; resolves with the answer when it is a refusal. */
export async function subscribeTo(to: Subscribing): Promise<EventReader | { status: number; body: unknown }> {
  const sent = request(to.url, {
    method: to.body === undefined ? "GET" : "POST",
    agent: false,
    headers: {
      authorization: `Bearer ${to.token}`,
      accept: "text/event-stream",
      ...(to.body === undefined ? {} : { "content-type": "application/json" }),
      ...(to.lastEventId === undefined ? {} : { "last-event-id": to.lastEventId }),
      ...to.headers,
    },
  })
  sent.on("error", () => undefined)
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    sent.once("response", resolve).once("error", reject)
    sent.end(to.body === undefined ? undefined : JSON.stringify(to.body))
  })
  if (response.statusCode === 200) return new EventReader(sent, response)
  let text = ""
  for await (const chunk of response) text += chunk
  return { status: response.statusCode ?? 0, body: JSON.parse(text) }
}

/** The stream that was opened; throws when it was refused. */
export function accepted(opened: Awaited<ReturnType<typeof subscribeTo>>): EventReader {
  if (opened instanceof EventReader) return opened
  throw new Error(`refused: ${JSON.stringify(opened)}`)
}
