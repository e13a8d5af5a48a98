import { createServer, type IncomingMessage, type ServerResponse } from "node:http"
import type { AddressInfo } from "node:net"
import { afterEach, describe, expect, it } from "vitest"
import { ApiError, createClient } from "./index.ts"

type Handler = (request: IncomingMessage, response: ServerResponse, tryNumber: number) => void

const servers: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const stop of servers.splice(0)) await stop()
})

/** A listener with scripted answers: it stands for the network, which misbehaves in ways a real server will not on request. */
async function listen(handler: Handler): Promise<{ baseUrl: string; tries: () => number }> {
  let tries = 0
  const server = createServer((request, response) => {
    tries += 1
    handler(request, response, tries)
  })
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
  servers.push(async () => {
    server.closeAllConnections()
    await new Promise((resolve) => server.close(resolve))
  })
  return { baseUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, tries: () => tries }
}

function answer(response: ServerResponse, status: number, body: unknown, headers = {}): void {
  response.writeHead(status, { "content-type": "application/json", ...headers })
  response.end(JSON.stringify(body))
}

const fastRetry = { baseDelayMs: 1, maxDelayMs: 1000 }
const ok = { date: "2026-11-23T10:00:00.000Z", message: "Ok" }

async function failureOf(promise: Promise<unknown>): Promise<ApiError> {
  const error = await promise.then(
    () => undefined,
    (thrown: unknown) => thrown,
  )
  expect(error).toBeInstanceOf(ApiError)
  return error as ApiError
}

describe("a call", () => {
  it("with a token that the server never issued is unauthenticated, as is a refused login, which had none", async () => {
    const { baseUrl } = await listen((request, response) => {
      if (request.url?.startsWith("/api/v1/auth/universal-auth") === true)
        answer(response, 401, { message: "Invalid credentials", error: "UnauthorizedError" })
      else answer(response, 403, { message: "The access token is malformed", error: "TokenError" })
    })
    const client = createClient({ baseUrl, token: "eyJtoken" })
    expect(await failureOf(client.projects.list())).toMatchObject({ kind: "unauthenticated", hadToken: true })
    const login = client.auth.universalLogin({ clientId: "id", clientSecret: "secret" })
    expect(await failureOf(login)).toMatchObject({ kind: "unauthenticated", hadToken: false })
  })

  it("carries the token, and a login carries none", async () => {
    const seen: (string | undefined)[] = []
    const { baseUrl } = await listen((request, response) => {
      seen.push(request.headers.authorization)
      if (request.url === "/api/v1/projects") answer(response, 200, { projects: [] })
      else {
        answer(response, 200, {
          accessToken: "eyJ",
          expiresIn: 60,
          accessTokenMaxTTL: 60,
          tokenType: "Bearer",
        })
      }
    })
    const client = createClient({ baseUrl, token: "eyJtoken" })
    await client.projects.list()
    await client.auth.universalLogin({ clientId: "id", clientSecret: "secret" })
    expect(seen).toEqual(["Bearer eyJtoken", undefined])
  })

  it("encodes names in paths and leaves absent query values out", async () => {
    const urls: (string | undefined)[] = []
    const { baseUrl } = await listen((request, response) => {
      urls.push(request.url)
      answer(response, 200, { secrets: [] })
    })
    const place = { projectId: "p/1", environment: "prod", secretPath: "/a b" }
    await createClient({ baseUrl: `${baseUrl}/api/`, token: "t" }).secrets.list(place, {
      recursive: true,
      tagSlugs: undefined,
    })
    expect(urls).toEqual([
      "/api/v4/secrets?projectId=p%2F1&environment=prod&secretPath=%2Fa+b&recursive=true",
    ])
  })

  it("becomes one typed error that carries status, code, request id and details", async () => {
    const { baseUrl } = await listen((_request, response) =>
      answer(response, 403, {
        reqId: "req-Ab3dEf6hIj9kLm",
        statusCode: 403,
        message: "You are not allowed to create on secrets",
        error: "PermissionDenied",
        details: [{ action: "readValue" }],
      }),
    )
    const client = createClient({ baseUrl, token: "t" })
    const error = await failureOf(client.projects.create({ projectName: "x" }))
    expect(error).toMatchObject({
      kind: "forbidden",
      status: 403,
      code: "PermissionDenied",
      requestId: "req-Ab3dEf6hIj9kLm",
      message: "You are not allowed to create on secrets",
      details: [{ action: "readValue" }],
    })
  })

  it.for([
    "Secret already exist",
    "Instance has already been set up",
    'A project with the slug "x" already exists in your organization',
  ])("a 400 that says '%s' is a conflict", async (message) => {
    const { baseUrl } = await listen((_request, response) => answer(response, 400, { message }))
    const error = await failureOf(createClient({ baseUrl, token: "t" }).projects.create({ projectName: "x" }))
    expect(error.kind).toBe("conflict")
  })

  it("an older server's list of issues becomes one sentence per field", async () => {
    const { baseUrl } = await listen((_request, response) =>
      answer(response, 422, {
        message: [{ path: ["slug"], message: "too short" }],
        error: "ValidationFailure",
      }),
    )
    const error = await failureOf(createClient({ baseUrl, token: "t" }).projects.create({ projectName: "x" }))
    expect(error).toMatchObject({ kind: "invalid", message: "slug: too short" })
  })

  it("an answer of another shape is refused by field name, and its content is not quoted", async () => {
    const { baseUrl } = await listen((_request, response) =>
      answer(response, 200, { projects: [{ id: 7, name: "hunter2" }] }),
    )
    const error = await failureOf(createClient({ baseUrl, token: "t" }).projects.list())
    expect(error).toMatchObject({ kind: "unexpected", code: "UnexpectedAnswer" })
    expect(error.message).toContain("projects.0.id")
    expect(error.message).not.toContain("hunter2")
  })
})

describe("a call that meets trouble", () => {
  it("a read is repeated after 429 once the server listens again", async () => {
    const { baseUrl, tries } = await listen((_request, response, tryNumber) =>
      tryNumber < 3
        ? answer(response, 429, { message: "Rate limit exceeded" }, { "retry-after": "0" })
        : answer(response, 200, ok),
    )
    await expect(createClient({ baseUrl }).status.get()).resolves.toEqual(ok)
    expect(tries()).toBe(3)
  })

  it("a read is repeated after a broken connection, and gives up after the bound", async () => {
    const { baseUrl, tries } = await listen((request) => request.socket.destroy())
    const error = await failureOf(
      createClient({ baseUrl, retry: { ...fastRetry, maxRetries: 2 } }).status.get(),
    )
    expect(error).toMatchObject({ kind: "unavailable", status: undefined, code: "Unreachable" })
    expect(tries()).toBe(3)
  })

  it("a write is never repeated", async () => {
    const { baseUrl, tries } = await listen((request) => request.socket.destroy())
    await failureOf(
      createClient({ baseUrl, token: "t", retry: fastRetry }).projects.create({ projectName: "x" }),
    )
    expect(tries()).toBe(1)
  })

  it("silence ends at the time limit", async () => {
    const { baseUrl } = await listen(() => {})
    const client = createClient({ baseUrl, timeoutMs: 50, retry: { maxRetries: 0 } })
    expect(await failureOf(client.status.get())).toMatchObject({ kind: "unavailable", code: "Timeout" })
  })

  it("an address where nobody listens is named together with the reason", async () => {
    const client = createClient({ baseUrl: "http://127.0.0.1:1", retry: { maxRetries: 0 } })
    const error = await failureOf(client.status.get())
    expect(error.message).toContain("http://127.0.0.1:1")
    expect(error.kind).toBe("unavailable")
  })

  it("the caller's signal ends it with the caller's reason", async () => {
    const { baseUrl } = await listen(() => {})
    const abort = new AbortController()
    const pending = createClient({ baseUrl, signal: abort.signal }).status.get()
    abort.abort(new Error("enough"))
    await expect(pending).rejects.toThrow("enough")
  })

  it("a redirect is not followed, so a token goes nowhere else", async () => {
    const { baseUrl, tries } = await listen((_request, response) => {
      response.writeHead(302, { location: "/api/status" }).end()
    })
    const client = createClient({ baseUrl, token: "t", retry: { maxRetries: 0 } })
    await failureOf(client.projects.list())
    expect(tries()).toBe(1)
  })
})

describe("a large body", () => {
  const streamOf = (...chunks: readonly string[]) =>
    ReadableStream.from<Uint8Array>(chunks.map((chunk) => Buffer.from(chunk)))

  it("is downloaded while it arrives, and a refusal is an error as always", async () => {
    // Enough for a busy machine to begin an answer.
    const timeoutMs = 2_000
    const { baseUrl } = await listen((request, response) => {
      if (request.url?.startsWith("/api/coffer/v1/projects/p/archive?recipient=age1x") !== true) {
        answer(response, 403, { reqId: "req-1", statusCode: 403, message: "no", error: "PermissionDenied" })
        return
      }
      response.writeHead(200, { "content-type": "application/octet-stream" })
      response.write("one")
      setTimeout(() => response.end("two"), 1.5 * timeoutMs)
    })
    // Longer than the limit of a call: only the time until the body begins is limited.
    const client = createClient({ baseUrl, token: "eyJ", timeoutMs })
    const text = await new Response(await client.archives.download("p", "age1x")).text()
    expect(text).toBe("onetwo")
    const refusal = await failureOf(client.archives.download("p", "age1other"))
    expect(refusal).toMatchObject({ kind: "forbidden", code: "PermissionDenied", requestId: "req-1" })
  })

  it("that breaks off is an error of the stream, never a short body", async () => {
    const { baseUrl } = await listen((_request, response) => {
      response.writeHead(200, { "content-type": "application/octet-stream" })
      response.write("one")
      setTimeout(() => response.destroy(), 20)
    })
    const client = createClient({ baseUrl, token: "eyJ" })
    const body = await client.archives.download("p", "age1x")
    await expect(new Response(body).text()).rejects.toThrow()
  })

  it("is uploaded once, with its headers, and is not repeated", async () => {
    const seen: string[] = []
    const { baseUrl, tries } = await listen((request, response) => {
      request.setEncoding("utf8").on("data", (text: string) => seen.push(text))
      request.on("end", () => {
        expect(request.headers).toMatchObject({
          authorization: "Bearer eyJ",
          "content-type": "application/octet-stream",
          "x-coffer-archive-identity": "AGE-SECRET-KEY-1X",
        })
        answer(response, 503, { reqId: "req-2", statusCode: 503, message: "later", error: "DatabaseError" })
      })
    })
    const client = createClient({ baseUrl, token: "eyJ", retry: fastRetry })
    const of = { identity: "AGE-SECRET-KEY-1X", asCopy: true }
    const refusal = await failureOf(client.archives.upload(streamOf("one", "two"), of))
    expect(refusal).toMatchObject({ kind: "unavailable", code: "DatabaseError" })
    expect(String(refusal)).not.toContain("AGE-SECRET-KEY")
    expect(seen.join("")).toBe("onetwo")
    expect(tries()).toBe(1)
  })
})
