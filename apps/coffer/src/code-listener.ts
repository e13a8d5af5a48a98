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
  /**
   * The first code that came with the right state. Rejects with a CommandError "unauthenticated" when the server refused
   * the login, and with the reason of the signal that ended the wait.
   */
  readonly code: Promise<string>
  /** Frees the port; connections that wait for nothing end. */
  close(): Promise<void>
}

const host = "127.0.0.1"
const maxConnections = 20
const requestLimitMs = 10_000

/**
 * @param of `port`: 0 for one that is free; `toldAtTheEnd`: what the page says to whoever brings a code, from that code
 * @throws CommandError "unavailable" when the port cannot be had
 */
export async function listenForCode(of: {
  readonly state: string
  readonly port: number
  readonly signal: AbortSignal
  readonly toldAtTheEnd?: (code: string) => string
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
    const brought = readRequest(request, { port, state: of.state })
    const isCode = brought.kind === "code"
    answer(response, brought.kind, isCode ? of.toldAtTheEnd?.(brought.code) : undefined)
    if (isCode) resolve(brought.code)
    if (brought.kind === "refusal") reject(brought.isCancelled ? cancelled() : refused())
  })
  const give = () => reject(of.signal.reason)
  of.signal.addEventListener("abort", give, { once: true })
  if (of.signal.aborted) give()
  return {
    port,
    code,
    close: async () => {
      of.signal.removeEventListener("abort", give)
      await new Promise((done) => server.close(done))
    },
  }
}

type Brought =
  | { readonly kind: "code"; readonly code: string }
  | { readonly kind: "refusal"; readonly isCancelled: boolean }
  | { readonly kind: "not-ours" }

/** The name in `Host` keeps out pages whose own name was made to lead here. */
function readRequest(
  request: IncomingMessage,
  at: { readonly port: number; readonly state: string },
): Brought {
  const url = URL.parse(request.url ?? "", `http://${host}:${at.port}`)
  const isOurs = request.method === "GET" && request.headers.host === `${host}:${at.port}`
  if (!isOurs || url?.pathname !== "/") return { kind: "not-ours" }
  const parameter = (name: string) => url.searchParams.get(name) ?? ""
  if (!isSame(parameter("state"), at.state)) return { kind: "not-ours" }
  const code = parameter("code")
  if (code !== "") return { kind: "code", code }
  const error = parameter("error")
  return error === "" ? { kind: "not-ours" } : { kind: "refusal", isCancelled: error === "cancelled" }
}

function isSame(left: string, right: string): boolean {
  const [one, other] = [Buffer.from(left), Buffer.from(right)]
  return one.length === other.length && timingSafeEqual(one, other)
}

const pages = {
  code: { status: 200, text: "The command has what it needs. Close this page, and go back to the terminal." },
  refusal: { status: 200, text: "The command knows. Close this page, and go back to the terminal." },
  "not-ours": {
    status: 404,
    text: "This page belongs to nothing that a terminal waits for. Begin again there.",
  },
} as const satisfies Record<Brought["kind"], object>

/** @param told plain words and hexadecimal digits, in place of the usual text */
function answer(response: ServerResponse, kind: Brought["kind"], told?: string): void {
  const { status } = pages[kind]
  const text = told ?? pages[kind].text
  response.writeHead(status, {
    "content-type": "text/html; charset=utf-8",
    "cache-control": "no-store",
    "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    connection: "close",
  })
  response.end(
    `<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><meta name="color-scheme" content="light dark"><title>Coffer</title><p>${text}</p></html>\n`,
  )
}

function refused(): CommandError {
  const message = "the server refused the login; the page in the browser said why"
  return new CommandError("unauthenticated", message)
}

function cancelled(): CommandError {
  return new CommandError("interrupted", "cancelled in the browser")
}

function cannotListen(port: number, cause: Error): CommandError {
  const what = port === 0 ? "no port of 127.0.0.1 is free" : `--port: ${port} of 127.0.0.1 cannot be had`
  return new CommandError("unavailable", what, { cause })
}
