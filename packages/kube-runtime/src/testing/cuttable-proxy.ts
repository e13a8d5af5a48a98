import { connect, createServer, type Socket } from "node:net"

/** A TCP proxy whose connections can be cut or held up, as networks do. */
export interface CuttableProxy {
  /** `https://127.0.0.1:<port>` */
  readonly url: string
  /** Connections opened so far. */
  readonly connections: number
  /** Resets every open connection. */
  cut(): void
  /** Every open connection goes silent without being closed, as when a cable is pulled. New ones work. */
  silence(): void
  /** While true, new connections are reset at once. */
  refuse(refusing: boolean): void
  close(): Promise<void>
}

export async function startCuttableProxy(target: string): Promise<CuttableProxy> {
  const { hostname, port: targetPort } = new URL(target)
  const open = new Set<Socket>()
  const silent = new Set<() => void>()
  let connections = 0
  let refusing = false
  const server = createServer((socket) => {
    if (refusing) {
      socket.resetAndDestroy()
      return
    }
    connections++
    const upstream = connect(Number(targetPort), hostname)
    open.add(socket)
    for (const [from, to] of [
      [socket, upstream],
      [upstream, socket],
    ] as const) {
      from.pipe(to)
      silent.add(() => {
        from.unpipe(to)
        from.resume()
      })
      from.on("error", () => {})
      from.on("close", () => {
        to.destroy()
        open.delete(socket)
      })
    }
  })
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
  const address = server.address()
  const port = typeof address === "object" && address ? address.port : 0
  const cut = () => {
    for (const socket of open) socket.resetAndDestroy()
  }
  return {
    url: `https://127.0.0.1:${port}`,
    get connections() {
      return connections
    },
    cut,
    silence() {
      for (const silenceOne of silent) silenceOne()
      silent.clear()
    },
    refuse(value) {
      refusing = value
    },
    async close() {
      cut()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}
