/**
 * Counts what a client sends to a server: an HTTP proxy in front of one origin on loopback.
 */
import { once } from "node:events"
import { createServer, request } from "node:http"

export type CountingProxy = {
  readonly url: string
  /** Calls by "METHOD /path", names of secrets replaced by `*`. */
  readonly counts: ReadonlyMap<string, number>
  reset(): void
  close(): void
}

export async function startCountingProxy(origin: string): Promise<CountingProxy> {
  const counts = new Map<string, number>()
  const server = createServer((incoming, outgoing) => {
    const path = (incoming.url ?? "").split("?")[0]?.replace(/(\/raw\/)[^/]+$/, "$1*") ?? ""
    const name = `${incoming.method} ${path}`
    counts.set(name, (counts.get(name) ?? 0) + 1)
    const forwarded = request(
      origin + incoming.url,
      { method: incoming.method, headers: incoming.headers },
      (answer) => {
        outgoing.writeHead(answer.statusCode ?? 502, answer.headers)
        answer.pipe(outgoing)
      },
    )
    forwarded.on("error", () => outgoing.destroy())
    incoming.pipe(forwarded)
  }).listen(0, "127.0.0.1")
  await once(server, "listening")
  const address = server.address()
  if (address === null || typeof address === "string") throw new Error("no port")
  return {
    url: `http://127.0.0.1:${address.port}`,
    counts,
    reset: () => counts.clear(),
    close: () => {
      server.close()
      server.closeAllConnections()
    },
  }
}
