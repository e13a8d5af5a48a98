/** `/healthz` (the process runs) and `/readyz` (the caches are filled), for the kubelet. */
import { createServer, type Server } from "node:http"
import type { AddressInfo } from "node:net"

export interface HealthEndpoint {
  readonly port: number
  close(): Promise<void>
}

/** Listens on `host:port` (`:8082` for all addresses). Rejects when the address is taken or can't be read. */
export async function serveHealth(address: string, isReady: () => boolean): Promise<HealthEndpoint> {
  const match = /^(.*):(\d{1,5})$/.exec(address)
  if (!match) throw new Error(`--live-addr: expected host:port, got ${JSON.stringify(address)}`)
  const server = createServer((request, response) => {
    const path = request.url?.split("?")[0]
    const isOk = path === "/healthz" || (path === "/readyz" && isReady())
    const status = isOk ? 200 : path === "/readyz" ? 503 : 404
    response.writeHead(status, { "content-type": "text/plain; charset=utf-8" }).end(isOk ? "ok" : "not ready")
  })
  server.requestTimeout = 10_000
  await listen(server, match[1]?.replace(/^\[|\]$/g, "") ?? "", Number(match[2]))
  return {
    port: (server.address() as AddressInfo).port,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

function listen(server: Server, host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", reject)
    server.listen({ port, ...(host ? { host } : {}) }, () => resolve())
  })
}
