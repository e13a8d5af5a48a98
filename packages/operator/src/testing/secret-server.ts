/** An in-process stand-in for the server behind `infisical` stores: answers what it is told, notes what it was asked. */
import { createHash } from "node:crypto"
import { createServer, type IncomingMessage, type ServerResponse } from "node:http"
import type { AddressInfo } from "node:net"

export type StandInAnswer = {
  readonly status: number
  readonly body: unknown
  readonly headers?: Record<string, string>
}

export type StandInBehaviour = {
  /** Answers a question for one secret. */
  single?(name: string, query: URLSearchParams): StandInAnswer
  /** Answers a list; its ETag is made from the body. */
  list?(query: URLSearchParams): StandInAnswer
  /** `path` ends in the method's name and `/login`. */
  login?(body: unknown, path: string): StandInAnswer | Promise<StandInAnswer>
  renew?(body: unknown): StandInAnswer
}

export type SecretServer = {
  readonly url: string
  /** Method and path of every request, query included. */
  readonly requests: string[]
  readonly authorizations: (string | undefined)[]
  behave(behaviour: StandInBehaviour): void
  close(): Promise<void>
}

export const secretMissing = (name: string): StandInAnswer => ({
  status: 404,
  body: {
    reqId: "req-1",
    statusCode: 404,
    message: `Secret with name '${name}' not found`,
    error: "NotFound",
  },
})
export const found = (secretKey: string, secretValue: string): StandInAnswer => ({
  status: 200,
  body: { secret: { secretKey, secretValue, secretPath: "/", type: "shared" } },
})
export const listed = (secrets: Record<string, string>, path = "/"): StandInAnswer => ({
  status: 200,
  body: {
    secrets: Object.entries(secrets).map(([secretKey, secretValue]) => ({
      secretKey,
      secretValue,
      secretPath: path,
    })),
    imports: [],
  },
})
const loggedIn: StandInAnswer = {
  status: 200,
  body: { accessToken: "token-1", expiresIn: 3600, accessTokenMaxTTL: 86_400, tokenType: "Bearer" },
}

export async function startSecretServer(initial: StandInBehaviour): Promise<SecretServer> {
  let behaviour = initial
  const requests: string[] = []
  const authorizations: (string | undefined)[] = []
  const server = createServer(async (request, response) => {
    requests.push(`${request.method} ${request.url}`)
    authorizations.push(request.headers.authorization)
    respond(
      request,
      response,
      await answerTo(new URL(request.url ?? "/", "http://stand-in"), await readJson(request)),
    )
  })
  const answerTo = (url: URL, body: unknown): StandInAnswer | Promise<StandInAnswer> => {
    if (url.pathname.endsWith("/login")) return behaviour.login?.(body, url.pathname) ?? loggedIn
    if (url.pathname.endsWith("/renew")) return behaviour.renew?.(body) ?? loggedIn
    const name = /^\/api\/v3\/secrets\/raw\/(.+)$/.exec(url.pathname)?.[1]
    if (name !== undefined)
      return behaviour.single?.(decodeURIComponent(name), url.searchParams) ?? secretMissing(name)
    if (url.pathname === "/api/v3/secrets/raw") return behaviour.list?.(url.searchParams) ?? listed({})
    return { status: 404, body: { message: "no such route" } }
  }
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    authorizations,
    behave: (next) => {
      behaviour = { ...behaviour, ...next }
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

function respond(request: IncomingMessage, response: ServerResponse, answer: StandInAnswer): void {
  const text = JSON.stringify(answer.body)
  const etag = `"${createHash("sha256").update(text).digest("hex")}"`
  if (answer.status === 200 && request.headers["if-none-match"] === etag) {
    response.writeHead(304, { etag }).end()
    return
  }
  response.writeHead(answer.status, { "content-type": "application/json", etag, ...answer.headers }).end(text)
}

async function readJson(request: IncomingMessage): Promise<unknown> {
  let text = ""
  for await (const chunk of request) text += chunk
  return text === "" ? undefined : JSON.parse(text)
}
