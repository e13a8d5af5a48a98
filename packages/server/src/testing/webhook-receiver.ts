/** A real HTTP server that is told of changes, and behaves as it is asked to. */
import { createServer, type IncomingHttpHeaders, type ServerResponse } from "node:http"
import type { AddressInfo } from "node:net"

export type Received = {
  readonly headers: IncomingHttpHeaders
  readonly text: string
  readonly json: Payload
}
// biome-ignore lint/suspicious/noExplicitAny: tests look into payloads of every shape
type Payload = any
type Behaviour = (response: ServerResponse) => void

export const answers = {
  ok: (response: ServerResponse) => response.end("thanks"),
  fails: (response: ServerResponse) => response.writeHead(500).end("a secret detail of the receiver"),
  hangs: () => undefined,
  redirects: (response: ServerResponse) => response.writeHead(302, { location: "http://127.0.0.1:1/" }).end(),
  isHuge: (response: ServerResponse) => response.end("x".repeat(10_000_000)),
  resets: (response: ServerResponse) => response.destroy(),
} satisfies Record<string, Behaviour>

export class WebhookReceiver {
  readonly received: Received[] = []
  behave: Behaviour = answers.ok
  /** JSON to answer with, by path; decides in place of `behave` where it is set. */
  answer: ((path: string) => Payload) | undefined
  readonly #server = createServer((request, response) => {
    let text = ""
    request.setEncoding("utf8")
    request.on("data", (chunk: string) => {
      text += chunk
    })
    request.on("end", () => {
      this.received.push({ headers: request.headers, text, json: text === "" ? undefined : this.parse(text) })
      if (this.answer === undefined) this.behave(response)
      else
        response
          .setHeader("content-type", "application/json")
          .end(JSON.stringify(this.answer(request.url ?? "")))
    })
  })

  static async start(): Promise<WebhookReceiver> {
    const receiver = new WebhookReceiver()
    await receiver.listen()
    return receiver
  }

  protected async listen(): Promise<void> {
    await new Promise<void>((resolve) => this.#server.listen(0, "127.0.0.1", resolve))
  }

  protected parse(text: string): Payload {
    return JSON.parse(text)
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/hook?token=in-the-url`
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections()
    await new Promise((resolve) => this.#server.close(resolve))
  }
}
