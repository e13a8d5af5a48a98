/** Bytes to a host and port that somebody configured: syslog. The same rules as for requests. */
import { createSocket, type Socket as DatagramSocket } from "node:dgram"
import { connect as connectTcp, isIP, isIPv6, type Socket } from "node:net"
import { connect as connectTls } from "node:tls"
import { type Bounds, guardedLookup, judgeHost } from "./destination.ts"
import { OutboundError } from "./outbound-error.ts"
import { translate } from "./send-outbound.ts"

export type SocketTarget = Bounds & {
  readonly host: string
  readonly port: number
  /** For everything, name resolution included. */
  readonly timeoutMs: number
  readonly signal?: AbortSignal
}

/** How long the other side may take to close after it was told that nothing more comes. */
const closeTimeoutMs = 2_000

/**
 * Opens a connection, sends, says that this is all, and waits until the other side closes too: that it does is the one
 * sign there is that it read everything. One that never closes is taken to have read what its kernel accepted.
 *
 * @param options.caPem with `isTls`, instead of the authorities that the system trusts
 * @throws OutboundError whatever kept the bytes from being taken
 */
export async function sendOverConnection(
  target: SocketTarget,
  bytes: Uint8Array,
  options: { readonly isTls: boolean; readonly caPem?: string | undefined },
): Promise<void> {
  await limited(target, async (signal) => {
    const to = { host: target.host, port: target.port, lookup: guardedLookup(target.host, target) }
    const { isTls, caPem } = options
    const trust = {
      // An address is no name that may be sent to the other side; the certificate is checked against it all the same.
      ...(isIP(target.host) === 0 ? { servername: target.host } : {}),
      ...(caPem === undefined ? {} : { ca: caPem }),
    }
    const socket = isTls ? connectTls({ ...to, ...trust }) : connectTcp(to)
    try {
      await exchange(socket, bytes, { signal, readyEvent: isTls ? "secureConnect" : "connect" })
    } finally {
      socket.destroy()
    }
  })
}

/**
 * Sends each message as a datagram of its own. Whether any of them arrives, nobody learns.
 *
 * @throws OutboundError when the name does not resolve or a datagram can't be sent
 */
export async function sendDatagrams(target: SocketTarget, messages: readonly Uint8Array[]): Promise<void> {
  await limited(target, async (signal) => {
    const guarded = guardedLookup(target.host, target)
    const socket = createSocket({
      type: isIPv6(target.host) ? "udp6" : "udp4",
      lookup: (name, options, callback) => {
        guarded(name, { ...options, all: false }, (error, address, family) =>
          callback(error, typeof address === "string" ? address : "", family ?? 0),
        )
      },
    })
    const failed = new Promise<never>((_done, fail) => {
      signal.addEventListener("abort", () => fail(signal.reason), { once: true })
      socket.once("error", fail)
    })
    // Nobody waits for it once everything was sent.
    failed.catch(() => undefined)
    try {
      for (const message of messages) await Promise.race([sendOne(socket, message, target), failed])
    } finally {
      socket.close()
    }
  })
}

function sendOne(socket: DatagramSocket, message: Uint8Array, { host, port }: SocketTarget): Promise<void> {
  return new Promise((done, fail) => {
    socket.send(message, port, host, (error) => (error === null ? done() : fail(error)))
  })
}

async function limited(target: SocketTarget, work: (signal: AbortSignal) => Promise<void>): Promise<void> {
  judgeHost(target.host, target)
  const limit = AbortSignal.timeout(target.timeoutMs)
  try {
    await work(target.signal === undefined ? limit : AbortSignal.any([limit, target.signal]))
  } catch (error) {
    throw translate(error, target.host, limit.aborted, target.timeoutMs)
  }
}

type Exchange = { readonly signal: AbortSignal; readonly readyEvent: "connect" | "secureConnect" }

function exchange(socket: Socket, bytes: Uint8Array, { signal, readyEvent }: Exchange): Promise<void> {
  return new Promise((done, fail) => {
    let isSent = false
    let closing: NodeJS.Timeout | undefined
    const finish = (settle: () => void) => {
      clearTimeout(closing)
      settle()
    }
    signal.addEventListener("abort", () => finish(() => fail(signal.reason)), { once: true })
    socket.on("error", (error) => finish(() => fail(error)))
    // Whatever a receiver answers is read and forgotten: unread, it would keep the end from being seen.
    socket.resume()
    socket.once(readyEvent, () => {
      socket.end(bytes, () => {
        isSent = true
        closing = setTimeout(() => finish(done), closeTimeoutMs)
      })
    })
    socket.once("close", () => {
      if (isSent) return finish(done)
      finish(() =>
        fail(new OutboundError("unreachable", "the receiver closed the connection before the end")),
      )
    })
  })
}
