/** Faults that a healthy API server does not produce on demand: a raw server plays bytes, nothing more. */
import { createServer, type Server, type Socket } from "node:net"
import { reservePort } from "@coffer/control-plane"
import { afterEach, describe, expect, it } from "vitest"
import type { KubeClient, KubeClientOptions } from "./client.ts"
import { CONFIG_MAPS } from "./core-resources.ts"
import { createKubeClient } from "./create-client.ts"
import { KubeApiError, KubeTransportError } from "./errors.ts"
import { createMetricsRegistry } from "./metrics.ts"
import { waitFor } from "./testing/wait-for.ts"

const KEY = { namespace: "apps", name: "a" }
const OBJECT = JSON.stringify({ metadata: KEY, data: { x: "y" } })

type Play = (socket: Socket, request: string, count: number) => void

const cleanUp: (() => Promise<unknown> | unknown)[] = []
afterEach(async () => {
  for (const end of cleanUp.splice(0).reverse()) await end()
})

/** A client of a server that answers each request by the script. */
async function aClientOf(
  play: Play,
  options: KubeClientOptions & { token?: () => string; port?: number } = {},
) {
  const requests: string[] = []
  const sockets = new Set<Socket>()
  const server: Server = createServer((socket) => {
    sockets.add(socket)
    socket.on("error", () => {})
    socket.on("close", () => sockets.delete(socket))
    let received = ""
    socket.on("data", (chunk) => {
      received += chunk.toString("utf8")
      const head = received.indexOf("\r\n\r\n")
      if (head < 0) return
      const length = Number(/content-length: (\d+)/i.exec(received)?.[1] ?? 0)
      if (received.length < head + 4 + length) return
      requests.push(received)
      received = ""
      play(socket, requests.at(-1) ?? "", requests.length)
    })
  })
  const { token, port: wantedPort = 0, ...clientOptions } = options
  await new Promise<void>((resolve) => server.listen(wantedPort, "127.0.0.1", resolve))
  const address = server.address()
  const port = typeof address === "object" && address ? address.port : 0
  const config = {
    source: "test",
    server: `http://127.0.0.1:${port}`,
    namespace: "apps",
    readToken: token && (async () => token()),
  }
  const client: KubeClient = createKubeClient(config, { random: () => 0, ...clientOptions })
  cleanUp.push(() => new Promise((resolve) => server.close(resolve)))
  cleanUp.push(() => {
    for (const socket of sockets) socket.destroy()
  })
  cleanUp.push(() => client.close())
  return { client, requests, server, port }
}

function answer(status: string, body: string, headers: Record<string, string> = {}): string {
  const all = {
    "content-type": "application/json",
    "content-length": String(Buffer.byteLength(body)),
    ...headers,
  }
  const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`)
  return `HTTP/1.1 ${status}\r\n${lines.join("")}\r\n${body}`
}

const CHUNKED = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n"
const chunk = (text: string) => `${Buffer.byteLength(text).toString(16)}\r\n${text}\r\n`
const added = (name: string) => `${JSON.stringify({ type: "ADDED", object: { metadata: { name } } })}\n`

const tooMany = answer("429 Too Many Requests", "slow down", {
  "retry-after": "0",
  "content-type": "text/plain",
})
const unavailable = answer("503 Service Unavailable", "", { "retry-after": "0" })
const brokenGateway = answer("502 Bad Gateway", "<html>secret page</html>", { "content-type": "text/html" })

describe("a call", () => {
  it("is repeated after 429, also a create: the server did not begin", async () => {
    const { client, requests } = await aClientOf((socket, _request, count) => {
      socket.write(count < 3 ? tooMany : answer("201 Created", OBJECT))
    })
    const created = await client.create(CONFIG_MAPS, { metadata: KEY })
    expect(created.data).toEqual({ x: "y" })
    expect(requests).toHaveLength(3)
  })

  it("is not repeated for ever", async () => {
    const { client, requests } = await aClientOf((socket) => socket.write(tooMany), { maxRetries: 2 })
    const error = await client.get(CONFIG_MAPS, KEY).catch((thrown: unknown) => thrown)
    expect(error).toBeInstanceOf(KubeApiError)
    expect(error).toMatchObject({
      status: 429,
      isTooManyRequests: true,
      retryAfterMs: 0,
      message: "slow down",
    })
    expect(requests).toHaveLength(3)
  })

  it("waits as long as Retry-After says", async () => {
    const { client } = await aClientOf((socket, _request, count) => {
      const busy = answer("429 Too Many Requests", "", { "retry-after": "1" })
      socket.write(count === 1 ? busy : answer("200 OK", OBJECT))
    })
    const startedAt = performance.now()
    await client.get(CONFIG_MAPS, KEY)
    expect(performance.now() - startedAt).toBeGreaterThanOrEqual(990)
  })

  it("is repeated after 503 with Retry-After if doing it twice is harmless", async () => {
    const { client, requests } = await aClientOf((socket, _request, count) => {
      socket.write(count === 1 ? unavailable : answer("200 OK", OBJECT))
    })
    await client.update(CONFIG_MAPS, { metadata: KEY })
    expect(requests).toHaveLength(2)
  })

  it.for<{ what: string; act: (client: KubeClient) => Promise<unknown> }>([
    { what: "a create", act: (client) => client.create(CONFIG_MAPS, { metadata: KEY }) },
    {
      what: "a JSON patch",
      act: (client) =>
        client.patch(CONFIG_MAPS, KEY, { kind: "json", operations: [{ op: "remove", path: "/data" }] }),
    },
  ])("is not repeated after 503 if it is $what", async ({ act }) => {
    const { client, requests } = await aClientOf((socket) => socket.write(unavailable))
    await expect(act(client)).rejects.toMatchObject({ status: 503 })
    expect(requests).toHaveLength(1)
  })

  it("that reads is repeated after a broken gateway, whose page is not quoted", async () => {
    const { client, requests } = await aClientOf((socket) => socket.write(brokenGateway), { maxRetries: 1 })
    await expect(client.get(CONFIG_MAPS, KEY)).rejects.toThrow(/^the API server answered 502$/)
    expect(requests).toHaveLength(2)
  })

  it("that reads is repeated when the connection is cut, one that writes is not", async () => {
    const { client, requests } = await aClientOf((socket, _request, count) => {
      if (count === 1 || count === 3) socket.destroy()
      else socket.write(answer("200 OK", OBJECT))
    })
    expect((await client.get(CONFIG_MAPS, KEY)).data).toEqual({ x: "y" })
    await expect(client.update(CONFIG_MAPS, { metadata: KEY })).rejects.toBeInstanceOf(KubeTransportError)
    expect(requests).toHaveLength(3)
  })

  it("fails when the answer is cut in the middle", async () => {
    const { client } = await aClientOf(
      (socket) => socket.end(answer("200 OK", OBJECT, { "content-length": "9999" })),
      { maxRetries: 0 },
    )
    await expect(client.get(CONFIG_MAPS, KEY)).rejects.toBeInstanceOf(KubeTransportError)
  })

  it("is tried again while nobody listens, whatever the verb", async () => {
    const { client, server, port } = await aClientOf(
      (socket) => socket.write(answer("201 Created", OBJECT)),
      { port: await reservePort() },
    )
    await new Promise((resolve) => server.close(resolve))
    const creating = client.create(CONFIG_MAPS, { metadata: KEY })
    await new Promise((resolve) => setTimeout(resolve, 150))
    await new Promise<void>((resolve) => server.listen(port, "127.0.0.1", resolve))
    expect((await creating).data).toEqual({ x: "y" })
  })

  it("ends after its time even if the answer trickles in byte by byte", async () => {
    const { client } = await aClientOf((socket) => {
      socket.write(answer("200 OK", "{", { "content-length": "9999" }))
      const timer = setInterval(() => socket.write(" "), 20)
      socket.on("close", () => clearInterval(timer))
    })
    const reading = client.get(CONFIG_MAPS, KEY, { timeoutMs: 300 })
    await expect(reading).rejects.toMatchObject({ name: "KubeTransportError", timedOut: true })
    await expect(reading).rejects.toThrow("GET /api/v1/namespaces/apps/configmaps/a: no answer in time")
  })

  it("ends with the reason of the caller's signal", async () => {
    const { client, requests } = await aClientOf(() => {})
    const controller = new AbortController()
    const reading = client.get(CONFIG_MAPS, KEY, { signal: controller.signal })
    await waitFor("the request", () => requests.length === 1)
    const reason = new Error("enough")
    controller.abort(reason)
    await expect(reading).rejects.toBe(reason)
  })

  it("reads the token anew after a 401, once", async () => {
    let token = 0
    const { client, requests } = await aClientOf(
      (socket, request) => {
        const isNew = request.includes("authorization: Bearer token-2")
        socket.write(isNew ? answer("200 OK", OBJECT) : answer("401 Unauthorized", "{}"))
      },
      { token: () => `token-${++token}` },
    )
    await client.get(CONFIG_MAPS, KEY)
    expect(requests).toHaveLength(2)
    token = 50
    await expect(client.get(CONFIG_MAPS, KEY)).rejects.toMatchObject({ isUnauthorized: true })
    expect(requests).toHaveLength(4)
  })

  it("never quotes a body or a token in its error", async () => {
    const { client } = await aClientOf((socket) => socket.write(answer("200 OK", '{"data": S3CRET')), {
      token: () => "T0KEN",
      maxRetries: 0,
    })
    const error = await client.get(CONFIG_MAPS, KEY).catch((thrown: unknown) => thrown as Error)
    const told = `${error} ${(error as Error).stack} ${(error as Error).cause}`
    expect(told).toContain("the answer is not JSON")
    expect(told).not.toMatch(/S3CRET|T0KEN/)
  })

  it("keeps to the client-side limit", async () => {
    const { client } = await aClientOf((socket) => socket.write(answer("200 OK", OBJECT)), {
      qps: 20,
      burst: 2,
    })
    const startedAt = performance.now()
    await Promise.all(Array.from({ length: 8 }, () => client.get(CONFIG_MAPS, KEY)))
    expect(performance.now() - startedAt).toBeGreaterThanOrEqual(290)
  })

  it("is counted by method and status", async () => {
    const metrics = createMetricsRegistry()
    const { client } = await aClientOf((socket) => socket.write(answer("404 Not Found", "{}")), { metrics })
    expect(await client.find(CONFIG_MAPS, KEY)).toBeUndefined()
    expect(metrics.read("rest_client_requests_total", { method: "GET", code: "404" })).toBe(1)
  })
})

describe("a watch", () => {
  const watch = (client: KubeClient, more: object = {}) =>
    client.watch(CONFIG_MAPS, { namespace: "apps", resourceVersion: "1", ...more })

  it("joins events that arrive in pieces", async () => {
    const { client } = await aClientOf(async (socket) => {
      const text = added("größe") + added("b")
      const bytes = Buffer.from(text)
      socket.write(CHUNKED)
      for (let at = 0; at < bytes.length; at += 7) {
        const piece = bytes.subarray(at, at + 7)
        socket.write(
          Buffer.concat([Buffer.from(`${piece.length.toString(16)}\r\n`), piece, Buffer.from("\r\n")]),
        )
        await new Promise((resolve) => setImmediate(resolve))
      }
      socket.write("0\r\n\r\n")
    })
    const names: unknown[] = []
    for await (const event of watch(client))
      if (event.type === "ADDED") names.push(event.object.metadata.name)
    expect(names).toEqual(["größe", "b"])
  })

  it("fails when the connection is cut in the middle of an event", async () => {
    const { client } = await aClientOf((socket) => {
      socket.end(CHUNKED + chunk(added("a")) + chunk('{"type":"ADDED","obj'))
    })
    const events = watch(client)
    expect((await events.next()).value).toMatchObject({ type: "ADDED" })
    await expect(events.next()).rejects.toBeInstanceOf(KubeTransportError)
  })

  it("fails when the line is silent for too long", async () => {
    const { client } = await aClientOf((socket) => socket.write(CHUNKED + chunk(added("a"))))
    let limits = 0
    // However long a busy machine takes for the first event, the silence that counts begins after it.
    const events = watch(client, { idleTimeoutMs: () => (++limits === 1 ? 30_000 : 100) })
    await events.next()
    await expect(events.next()).rejects.toThrow("nothing arrived for too long")
  })

  it("fails when no answer begins in time", async () => {
    const { client } = await aClientOf(() => {}, { requestTimeoutMs: 100 })
    await expect(watch(client).next()).rejects.toMatchObject({ timedOut: true })
  })

  it("turns an ERROR event into the error it is", async () => {
    const status = { kind: "Status", code: 410, reason: "Expired", message: "too old resource version" }
    const { client } = await aClientOf((socket) => {
      socket.write(CHUNKED + chunk(`${JSON.stringify({ type: "ERROR", object: status })}\n`))
    })
    await expect(watch(client).next()).rejects.toMatchObject({ isExpired: true, reason: "Expired" })
  })

  it("ends without an error when the signal fires", async () => {
    const { client } = await aClientOf((socket) => socket.write(CHUNKED + chunk(added("a"))))
    const controller = new AbortController()
    const events = watch(client, { signal: controller.signal })
    await events.next()
    const next = events.next()
    controller.abort()
    expect(await next).toEqual({ done: true, value: undefined })
  })

  it("hangs up when its reader leaves", async () => {
    let closed = false
    const { client } = await aClientOf((socket) => {
      socket.on("close", () => {
        closed = true
      })
      socket.write(CHUNKED + chunk(added("a")))
    })
    for await (const _event of watch(client)) break
    await waitFor("the connection to close", () => closed)
  })

  it("never quotes a line that it cannot read", async () => {
    const { client } = await aClientOf((socket) => socket.write(CHUNKED + chunk('{"data": S3CRET\n')))
    const error = await watch(client)
      .next()
      .catch((thrown: unknown) => thrown as Error)
    expect(error).toBeInstanceOf(KubeTransportError)
    expect(`${(error as Error).stack} ${(error as Error).cause}`).not.toContain("S3CRET")
  })
})
