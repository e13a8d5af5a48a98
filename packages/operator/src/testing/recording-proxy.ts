/**
 * A way to the API server that notes every write, so that with one per operator a test sees which of them writes, and
 * that can keep an operator from hearing of a kind.
 */
import { createServer, type ServerResponse } from "node:http"
import { request } from "node:https"
import type { AddressInfo } from "node:net"
import type { ControlPlane } from "@coffer/control-plane"

export type Write = { readonly method: string; readonly path: string; readonly status: number }

export type RecordingProxy = {
  /** Plain HTTP, and no credentials needed: the proxy has its own. */
  readonly url: string
  /** Answered writes, oldest first; Leases and Events are left out. */
  readonly writes: Write[]
  /** Paths that were read, oldest first. */
  readonly reads: string[]
  /** From now on lists and watches of these paths are not answered, and those under way end; again with none. */
  silence(paths: RegExp | undefined): void
  close(): Promise<void>
}

export async function startRecordingProxy(plane: ControlPlane): Promise<RecordingProxy> {
  const { hostname, port } = new URL(plane.url)
  const writes: Write[] = []
  const reads: string[] = []
  const open = new Map<ServerResponse, string>()
  let silenced: RegExp | undefined
  const server = createServer((incoming, outgoing) => {
    const { method = "GET", url = "/" } = incoming
    const path = url.replace(/\?.*/, "")
    if (method === "GET") reads.push(path)
    open.set(outgoing, path)
    outgoing.on("close", () => open.delete(outgoing))
    if (silenced?.test(path)) return
    const headers = {
      ...incoming.headers,
      host: `${hostname}:${port}`,
      authorization: `Bearer ${plane.token}`,
    }
    const forwarded = request(
      { hostname, port, method, path: url, headers, ca: Buffer.from(plane.caBytes) },
      (answer) => {
        const status = answer.statusCode ?? 0
        if (method !== "GET" && !/\/(leases|events)(\/|$)/.test(path)) writes.push({ method, path, status })
        outgoing.writeHead(status, answer.headers)
        answer.pipe(outgoing)
        answer.on("error", () => outgoing.destroy())
      },
    )
    forwarded.on("error", () => outgoing.destroy())
    outgoing.on("close", () => forwarded.destroy())
    incoming.pipe(forwarded)
  })
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    writes,
    reads,
    silence: (paths) => {
      silenced = paths
      for (const [outgoing, path] of open) if (!paths || paths.test(path)) outgoing.destroy()
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}
