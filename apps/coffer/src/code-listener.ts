/**
 * A port of this machine's own address, at which a browser hands over the code of a login (RFC 8252, section 7.3). What
 * does not carry the right state is answered and changes nothing: any page and any user of the machine can send it.
 */
import { timingSafeEqual } from "node:crypto"
import { createServer, type IncomingMessage, type ServerResponse } from "node:http"
import type { AddressInfo } from "node:net"
import { CommandError } from "./command-error.ts"

export type CodeListener = {
  readonly port: number
  /** The first code that came with the right state. Rejects with the reason of the signal that ended the wait. */
  readonly code: Promise<string>
  /** Frees the port; open connections end. */
  close(): Promise<void>
}

const host = "127.0.0.1"
const maxConnections = 20
const requestLimitMs = 10_000

/**
 * @param of `port`: 0 for one that is free
 * @throws CommandError "unavailable" when the port cannot be had
 */
export async function listenForCode(of: {
  readonly state: string
  readonly port: number
  readonly signal: AbortSignal
}): Promise<CodeListener> {
  const { promise: code, resolve, reject } = Promise.withResolvers<string>()
  code.catch(() => {}) // whoever closes the listener early does not wait for it
  const server = createServer({ headersTimeout: requestLimitMs, requestTimeout: requestLimitMs })
  server.maxConnections = maxConnections
  await new Promise<void>((listening, failed) => {
    server.once("error", (cause) => failed(cannotListen(of.port, cause)))
    server.listen(of.port, host, listening)
  })
  const { port } = server.address() as AddressInfo
  server.on("request", (request, response) => {
    const found = codeOf(request, { port, state: of.state })
    answer(response, found)
    if (typeof found === "string") resolve(found)
  })
  const give = () => reject(of.signal.reason)
  of.signal.addEventListener("abort", give, { once: true })
  if (of.signal.aborted) give()
  return {
    port,
    code,
    close: async () => {
      of.signal.removeEventListener("abort", give)
      const closed = new Promise((done) => server.close(done))
      server.closeIdleConnections()
      setTimeout(() => server.closeAllConnections(), 500).unref()
      await closed
    },
  }
}

/** `undefined`: not for us; the name in `Host` keeps out pages whose own name was made to lead here. */
function codeOf(
  request: IncomingMessage,
  at: { readonly port: number; readonly state: string },
): string | undefined {
  const url = URL.parse(request.url ?? "", `http://${host}:${at.port}`)
  const isOurs = request.method === "GET" && request.headers.host === `${host}:${at.port}`
  if (!isOurs || url?.pathname !== "/") return undefined
  const [code, state] = ["code", "state"].map((name) => url.searchParams.get(name) ?? "") as [string, string]
  return code !== "" && isSame(state, at.state) ? code : undefined
}

function isSame(left: string, right: string): boolean {
  const [one, other] = [Buffer.from(left), Buffer.from(right)]
  return one.length === other.length && timingSafeEqual(one, other)
}

const texts = {
  taken: "The command has what it needs. Close this page, and go back to the terminal.",
  refused: "This page belongs to no login that a terminal waits for. Begin again with 'coffer login'.",
}

function answer(response: ServerResponse, code: string | undefined): void {
  const text = code === undefined ? texts.refused : texts.taken
  response.writeHead(code === undefined ? 404 : 200, {
    "content-type": "text/html; charset=utf-8",
    "cache-control": "no-store",
    "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    connection: "close",
  })
  response.end(`<!doctype html><html lang="en"><title>Coffer</title><p>${text}</p></html>\n`)
}

function cannotListen(port: number, cause: Error): CommandError {
  const what = port === 0 ? "no port of 127.0.0.1 is free" : `--port: ${port} of 127.0.0.1 cannot be had`
  return new CommandError("unavailable", what, { cause })
}
