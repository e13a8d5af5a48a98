/** Sees what the operator asks of the server: an HTTP proxy on loopback that writes down every request. */
import { once } from "node:events"
import { createServer, request } from "node:http"
import type { AddressInfo } from "node:net"

export type RecordedCall = {
  readonly method: string
  /** Without the query. */
  readonly path: string
  readonly query: URLSearchParams
  /** True when the request carried `If-None-Match`. */
  readonly isConditional: boolean
  readonly status: number
  readonly atMs: number
}

export type RecordingProxy = {
  readonly url: string
  readonly calls: readonly RecordedCall[]
  close(): Promise<void>
}

export async function startRecordingProxy(origin: string): Promise<RecordingProxy> {
  const calls: RecordedCall[] = []
  const server = createServer((incoming, outgoing) => {
    const { pathname, searchParams } = new URL(incoming.url ?? "/", origin)
    const forwarded = request(
      `${origin}${incoming.url}`,
      { method: incoming.method, headers: incoming.headers },
      (answer) => {
        const status = answer.statusCode ?? 502
        const isConditional = incoming.headers["if-none-match"] !== undefined
        const method = incoming.method ?? "GET"
        calls.push({
          method,
          path: pathname,
          query: searchParams,
          isConditional,
          status,
          atMs: performance.now(),
        })
        outgoing.writeHead(status, answer.headers)
        answer.pipe(outgoing)
      },
    )
    forwarded.on("error", () => outgoing.destroy())
    incoming.pipe(forwarded)
  })
  server.listen(0, "127.0.0.1")
  await once(server, "listening")
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    calls,
    close: async () => {
      server.closeAllConnections()
      server.close()
      await once(server, "close")
    },
  }
}
