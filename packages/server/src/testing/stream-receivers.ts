/** Real receivers of audit streams: syslog over TCP, TLS and UDP. For HTTP there is the receiver of webhooks. */
import { createSocket, type Socket as DatagramSocket } from "node:dgram"
import { type AddressInfo, createServer, type Server, type Socket } from "node:net"
import { createServer as createTlsServer } from "node:tls"

type Certificate = { readonly key: string; readonly cert: string }

/** Takes messages with octet counting, one connection after another. */
export class SyslogReceiver {
  readonly messages: string[] = []
  /** Neither reads nor closes while it is true. */
  isStuck = false
  readonly #server: Server
  readonly #sockets = new Set<Socket>()

  private constructor(certificate: Certificate | undefined) {
    const listener = (socket: Socket) => this.#take(socket)
    this.#server = certificate === undefined ? createServer(listener) : createTlsServer(certificate, listener)
  }

  static async start(certificate?: Certificate): Promise<SyslogReceiver> {
    const receiver = new SyslogReceiver(certificate)
    await new Promise<void>((resolve) => receiver.#server.listen(0, "127.0.0.1", resolve))
    return receiver
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port
  }

  /** The lines of JSON that the messages carry. */
  get records() {
    return this.messages.map(recordOf)
  }

  #take(socket: Socket): void {
    this.#sockets.add(socket)
    socket.on("error", () => undefined)
    if (this.isStuck) return void socket.pause()
    let bytes = Buffer.alloc(0)
    socket.on("data", (chunk: Buffer) => {
      bytes = Buffer.concat([bytes, chunk])
      for (;;) {
        const space = bytes.indexOf(" ")
        const length = Number(bytes.toString("utf8", 0, Math.max(space, 0)))
        if (space < 1 || bytes.length < space + 1 + length) return
        this.messages.push(bytes.toString("utf8", space + 1, space + 1 + length))
        bytes = bytes.subarray(space + 1 + length)
      }
    })
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy()
    await new Promise((resolve) => this.#server.close(resolve))
  }
}

export class DatagramReceiver {
  readonly messages: string[] = []
  readonly #socket: DatagramSocket = createSocket("udp4", (message) => {
    this.messages.push(message.toString("utf8"))
    this.#arrived()
  })
  #arrived: () => void = () => undefined

  static async start(): Promise<DatagramReceiver> {
    const receiver = new DatagramReceiver()
    await new Promise<void>((resolve) => receiver.#socket.bind(0, "127.0.0.1", resolve))
    return receiver
  }

  get port(): number {
    return this.#socket.address().port
  }

  /** Datagrams arrive when they arrive. */
  async atLeast(count: number): Promise<readonly string[]> {
    while (this.messages.length < count) {
      await new Promise<void>((resolve) => {
        this.#arrived = resolve
      })
    }
    return this.messages
  }

  close(): void {
    this.#socket.close()
  }
}

/** The JSON of a message of RFC 5424 without structured data. */
export function recordOf(message: string) {
  return JSON.parse(message.slice(message.indexOf("{")))
}
