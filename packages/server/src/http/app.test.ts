/** The edge on its own: an application with a few small routes, on a real socket where the socket is what matters. */
import { connect } from "node:net"
import { gzipSync } from "node:zlib"
import { aLog, seededRandom } from "@coffer/testkit"
import type { FastifyInstance } from "fastify"
import { afterEach, describe, expect, it } from "vitest"
import { z } from "zod"
import { createHttpApp, type HttpOptions } from "./app.ts"
import { openEndpoint } from "./endpoint.ts"
import { limits, timeouts } from "./limits.ts"

const open: FastifyInstance[] = []
afterEach(async () => {
  for (const app of open.splice(0)) await app.close()
})

const body = z.looseObject({}).optional()
const query = z.looseObject({})

function anApp(options: Partial<HttpOptions> = {}) {
  const log = aLog()
  const app = createHttpApp({ random: seededRandom("edge"), log, trustedProxies: [], ...options }, [
    (api) => {
      api.post(
        "/echo",
        openEndpoint({ body }, async (call) => ({ body: call.body ?? null })),
      )
      api.get(
        "/query",
        openEndpoint({ query }, async (call) => ({ query: call.query, isPolluted: "polluted" in {} })),
      )
      api.get(
        "/names/:name",
        openEndpoint({}, async (call) => ({ name: call.params["name"] })),
      )
      api.get(
        "/broken",
        openEndpoint({}, async () => {
          throw new Error("the cause stays here")
        }),
      )
    },
  ])
  open.push(app)
  return { app, log }
}

function post(app: FastifyInstance, payload: string | Buffer, headers: Record<string, string> = {}) {
  const type = { "content-type": "application/json" }
  return app.inject({ method: "POST", url: "/api/echo", headers: { ...type, ...headers }, payload })
}

/** Sends bytes as they stand and resolves with all that came back until the server closed. */
function exchange(port: number, bytes: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, "127.0.0.1", () => socket.write(bytes))
    let received = ""
    socket.setEncoding("utf8").on("data", (text: string) => {
      received += text
    })
    socket.on("close", () => resolve(received)).on("error", reject)
  })
}

async function listen(app: FastifyInstance): Promise<number> {
  return Number(new URL(await app.listen({ host: "127.0.0.1", port: 0 })).port)
}

function bodyOf(answer: string) {
  return JSON.parse(answer.slice(answer.indexOf("\r\n\r\n") + 4))
}

const requestId = expect.stringMatching(/^req-[A-Za-z0-9]{14}$/)

describe("a body (CVE-2025-6203, CVE-2025-59043)", () => {
  const nested = (depth: number) => `{"a":${"[".repeat(depth - 1)}${"]".repeat(depth - 1)}}`
  const wide = (values: number) => `{"a":[${"0,".repeat(values - 3)}0]}`

  it.for([
    { what: "as deep as allowed", text: nested(limits.jsonDepth), status: 200 },
    { what: "one deeper", text: nested(limits.jsonDepth + 1), status: 400 },
    { what: "a hundred thousand deep", text: "[".repeat(100_000), status: 400 },
    { what: "with as many values as allowed", text: wide(limits.jsonValues), status: 200 },
    { what: "with too many values", text: wide(limits.jsonValues + 1), status: 400 },
    { what: "of brackets inside of a text", text: `{"a":"${'[{,\\"'.repeat(100_000)}"}`, status: 200 },
    { what: "that is one byte too large", text: `"${"x".repeat(limits.bodyBytes - 1)}"`, status: 413 },
  ])("$what is answered with $status", async ({ text, status }) => {
    const answer = await post(anApp().app, text)
    expect(answer.statusCode).toBe(status)
    if (status !== 200) expect(answer.json()).toMatchObject({ statusCode: status, reqId: requestId })
  })

  it("is counted before it is parsed", async () => {
    const answer = await post(anApp().app, `{"a":${"[0],".repeat(limits.jsonValues)}`)
    expect(answer.json().message).toBe(`The body has more than ${limits.jsonValues} values`)
  })

  it.for([
    '{"__proto__":{"polluted":1}}',
    '{"a":[{"__proto__":{"polluted":1}}]}',
    '{"\\u005f_proto__":{"polluted":1}}',
    '{"constructor":{"prototype":{"polluted":1}}}',
  ])("%s is refused and pollutes nothing", async (text) => {
    expect((await post(anApp().app, text)).statusCode).toBe(400)
    expect("polluted" in {}).toBe(false)
  })

  it("with a member twice means the last one", async () => {
    expect((await post(anApp().app, '{"role":"viewer","role":"admin"}')).json().body).toEqual({
      role: "admin",
    })
  })

  it.for([
    "gzip",
    "deflate",
    "br",
    "zstd",
    "gzip, identity",
  ])("compressed with %s is refused", async (one) => {
    const answer = await post(anApp().app, gzipSync('{"a":1}'), { "content-encoding": one })
    expect(answer.statusCode).toBe(415)
    expect(answer.json()).toMatchObject({ error: "UnsupportedMediaType", reqId: requestId })
    expect(answer.json().message).toContain("content-encoding")
  })

  it.for([
    "application/x-www-form-urlencoded",
    "multipart/form-data; boundary=x",
    "text/plain",
    "text/json",
    "",
  ])("of type '%s' is refused and told what to send", async (type) => {
    const answer = await post(anApp().app, "a=b", { "content-type": type })
    expect(answer.statusCode).toBe(415)
    expect(answer.json().message).toBe("Send JSON, with 'content-type: application/json'")
  })

  it.for([
    "application/json",
    "application/json; charset=utf-8",
    "Application/JSON",
  ])("of type '%s' is JSON", async (type) => {
    expect((await post(anApp().app, '{"a":1}', { "content-type": type })).statusCode).toBe(200)
  })
})

describe("the head of a request", () => {
  const get = (app: FastifyInstance, url: string, headers: Record<string, string> = {}) =>
    app.inject({ method: "GET", url, headers })

  it("has a URL of limited length", async () => {
    const { app } = anApp()
    const fitting = `/api/query?a=${"x".repeat(limits.urlLength - "/api/query?a=".length)}`
    expect((await get(app, fitting)).statusCode).toBe(200)
    const answer = await get(app, `${fitting}x`)
    expect(answer.json()).toMatchObject({ statusCode: 414, error: "UrlTooLong", reqId: requestId })
  })

  it("has a limited number of query parameters", async () => {
    const { app } = anApp()
    const url = (count: number) =>
      `/api/query?${Array.from({ length: count }, (_, n) => `a${n}=1`).join("&")}`
    expect((await get(app, url(limits.queryParameters))).statusCode).toBe(200)
    expect((await get(app, url(limits.queryParameters + 1))).statusCode).toBe(400)
    expect((await get(app, `/api/query?${"&".repeat(limits.queryParameters)}`)).statusCode).toBe(400)
  })

  it("has a limited number of headers", async () => {
    const { app } = anApp()
    const headers = (count: number) =>
      Object.fromEntries(Array.from({ length: count }, (_, n) => [`x-h${n}`, "1"]))
    expect((await get(app, "/api/query", headers(limits.headers - 5))).statusCode).toBe(200)
    const answer = await get(app, "/api/query", headers(limits.headers + 1))
    expect(answer.json()).toMatchObject({ statusCode: 431, error: "HeadersTooLarge" })
  })

  it("pollutes no prototype with its query", async () => {
    const answer = await get(
      anApp().app,
      "/api/query?__proto__[polluted]=1&__proto__=1&constructor.prototype=1",
    )
    expect(answer.json()).toMatchObject({ isPolluted: false })
    expect("polluted" in {}).toBe(false)
  })

  it("means the same with and without a slash at its end", async () => {
    const { app } = anApp()
    for (const url of ["/api/query/", "/api/query/?a=1", "/api/names/x/"]) {
      expect((await get(app, url)).statusCode, url).toBe(200)
    }
    for (const url of ["/api//query", "//api/query", "/API/query", "/api/query//"]) {
      expect((await get(app, url)).statusCode, url).toBe(404)
    }
  })

  it("keeps an encoded slash inside of its name, decoded once", async () => {
    const { app } = anApp()
    expect((await get(app, "/api/names/a%2Fb")).json()).toEqual({ name: "a/b" })
    expect((await get(app, "/api/names/a%252Fb")).json()).toEqual({ name: "a%2Fb" })
    expect((await get(app, "/api/names/a/b")).statusCode).toBe(404)
    expect((await get(app, "/api/names/..%2Fquery")).json()).toEqual({ name: "../query" })
  })
})

describe("an answer", () => {
  const secured = {
    "cache-control": "no-store",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
    "x-request-id": requestId,
  }

  it.for([
    "/api/query",
    "/api/broken",
    "/api/absent",
    "/api/..",
    "/api/names/%",
  ])("to %s has the security headers and the request's id", async (url) => {
    const answer = await anApp().app.inject({ method: "GET", url })
    expect(answer.headers).toMatchObject(secured)
    expect(answer.headers).not.toHaveProperty("strict-transport-security")
    if (answer.statusCode !== 200) expect(answer.json().reqId).toBe(answer.headers["x-request-id"])
  })

  it("asks for HTTPS for ever where the site has it", async () => {
    const answer = await anApp({ isHttpsOnly: true }).app.inject({ url: "/api/query" })
    expect(answer.headers["strict-transport-security"]).toBe("max-age=31536000")
  })

  it("is for pages of no other origin unless they are named", async () => {
    const preflight = (app: FastifyInstance, origin: string) =>
      app.inject({
        method: "OPTIONS",
        url: "/api/echo",
        headers: { origin, "access-control-request-method": "POST" },
      })
    const closed = await preflight(anApp().app, "https://app.acme.test")
    expect(closed.statusCode).toBe(404)
    expect(closed.headers).not.toHaveProperty("access-control-allow-origin")
    const crossOrigin = { origins: ["https://app.acme.test"], headers: ["authorization"] }
    const { app } = anApp({ crossOrigin })
    const named = await preflight(app, "https://app.acme.test")
    expect(named.headers).toMatchObject({
      "access-control-allow-origin": "https://app.acme.test",
      "access-control-allow-headers": "authorization",
    })
    for (const origin of ["https://evil.test", "https://app.acme.test.evil.test", "null"]) {
      expect((await preflight(app, origin)).headers).not.toHaveProperty("access-control-allow-origin")
    }
    const get = await app.inject({ url: "/api/query", headers: { origin: "https://app.acme.test" } })
    expect(get.headers).toMatchObject({ "access-control-allow-origin": "https://app.acme.test", ...secured })
  })
})

describe("the log", () => {
  const url = "/api/names/sEcReT-name?token=sEcReT-query"

  it("has a line for a refusal and for a failure, and none for a success", async () => {
    const { app, log } = anApp()
    await app.inject({ url })
    expect(log.entries).toEqual([])
    await app.inject({ url: "/api/absent?token=sEcReT-query" })
    await app.inject({ url: "/api/broken" })
    const common = { requestId, method: "GET", durationMs: expect.any(Number), address: "127.0.0.1" }
    expect(log.entries).toMatchObject([
      { level: "info", message: "request refused", fields: { ...common, route: "none", status: 404 } },
      {
        level: "error",
        message: "request failed",
        fields: { ...common, route: "/api/broken", status: 500, detail: "the cause stays here" },
      },
    ])
    expect(JSON.stringify(log.entries)).not.toContain("sEcReT")
  })

  it("has a line for every request on demand, with the pattern of its route and never its URL", async () => {
    const { app, log } = anApp({ logsRequests: true })
    await app.inject({ url })
    const fields = { requestId, method: "GET", route: "/api/names/:name", status: 200 }
    expect(log.entries).toMatchObject([{ level: "info", message: "request", fields }])
    expect(JSON.stringify(log.entries)).not.toContain("sEcReT")
  })
})

describe("a connection", () => {
  const impatient = { ...timeouts, headMs: 150, requestMs: 300, checkMs: 50 }

  it.for([
    { what: "a head that never ends", bytes: "GET /api/query HTTP/1.1\r\nhost: a\r\nx-slow: " },
    {
      what: "a body that never comes",
      bytes:
        "POST /api/echo HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\ncontent-length: 9\r\n\r\n{",
    },
  ])("with $what is ended", async ({ bytes }) => {
    const { app, log } = anApp({ timeouts: impatient })
    const answer = await exchange(await listen(app), bytes)
    expect(answer).toMatch(/^HTTP\/1\.1 408 /)
    expect(bodyOf(answer)).toMatchObject({ statusCode: 408, error: "RequestTimeout", reqId: requestId })
    expect(log.entries[0]).toMatchObject({ message: "request refused", fields: { status: 408 } })
  })

  it.for([
    {
      what: "headers too large",
      bytes: `GET / HTTP/1.1\r\nx: ${"x".repeat(limits.headBytes)}\r\n\r\n`,
      status: 431,
    },
    { what: "no HTTP", bytes: "sEcReT\r\n\r\n", status: 400 },
    {
      what: "two lengths",
      bytes: "POST /api/echo HTTP/1.1\r\nhost: a\r\ncontent-length: 2\r\ncontent-length: 3\r\n\r\n{}",
      status: 400,
    },
    {
      what: "a length and chunks",
      bytes:
        "POST /api/echo HTTP/1.1\r\nhost: a\r\ncontent-length: 2\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
      status: 400,
    },
    { what: "no host", bytes: "GET /api/query HTTP/1.1\r\nconnection: close\r\n\r\n", status: 400 },
    { what: "a space before the colon", bytes: "GET /api/query HTTP/1.1\r\nhost : a\r\n\r\n", status: 400 },
  ])("with $what is answered in the standard body and ended", async ({ bytes, status }) => {
    const { app, log } = anApp()
    const answer = await exchange(await listen(app), bytes)
    expect(answer).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `))
    expect(JSON.stringify(log.entries)).not.toContain("sEcReT")
    if (!answer.endsWith("\r\n\r\n"))
      expect(bodyOf(answer)).toMatchObject({ statusCode: status, reqId: requestId })
  })

  it("that chunks more than a body may hold is refused before the end", async () => {
    const { app } = anApp()
    const head =
      "POST /api/echo HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n"
    const chunk = `10000\r\n${"x".repeat(0x10000)}\r\n`
    const answer = await exchange(await listen(app), head + chunk.repeat(17))
    expect(bodyOf(answer)).toMatchObject({ statusCode: 413, error: "PayloadTooLarge" })
  })

  it("above the limit is closed", async () => {
    const { app } = anApp({ maxConnections: 1 })
    const port = await listen(app)
    const first = connect(port, "127.0.0.1")
    await new Promise((resolve) => first.on("connect", resolve))
    expect(await exchange(port, "GET /api/query HTTP/1.1\r\nhost: a\r\n\r\n").catch(() => "")).toBe("")
    first.destroy()
  })
})
