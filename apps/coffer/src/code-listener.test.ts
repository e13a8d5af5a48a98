import { request } from "node:http"
import { connect } from "node:net"
import { afterEach, describe, expect, it } from "vitest"
import { type CodeListener, listenForCode } from "./code-listener.ts"

const state = "s".repeat(43)
const listeners: CodeListener[] = []
afterEach(async () => {
  for (const listener of listeners.splice(0)) await listener.close()
})

async function aListener(signal = new AbortController().signal): Promise<CodeListener> {
  const listener = await listenForCode({ state, port: 0, signal })
  listeners.push(listener)
  return listener
}

type Sent = { readonly method?: string; readonly path: string; readonly host?: string }

function send({ port }: CodeListener, of: Sent): Promise<{ status: number; headers: object; text: string }> {
  const { promise, resolve, reject } = Promise.withResolvers<Awaited<ReturnType<typeof send>>>()
  const headers = { host: of.host ?? `127.0.0.1:${port}` }
  const call = request({ port, host: "127.0.0.1", method: of.method ?? "GET", path: of.path, headers })
  call.once("error", reject).once("response", async (answer) => {
    const chunks = await answer.toArray()
    resolve({
      status: answer.statusCode ?? 0,
      headers: answer.headers,
      text: Buffer.concat(chunks).toString(),
    })
  })
  call.end()
  return promise
}

const right = (code: string) => `/?${new URLSearchParams({ code, state })}`

describe("where a browser hands over the code of a login", () => {
  it("takes the first code that carries the state of this login", async () => {
    const listener = await aListener()
    const answer = await send(listener, { path: right("the code") })
    expect(answer).toMatchObject({
      status: 200,
      headers: {
        "cache-control": "no-store",
        "referrer-policy": "no-referrer",
        "content-security-policy": expect.stringContaining("default-src 'none'"),
      },
    })
    expect(answer.text).not.toContain("the code")
    await send(listener, { path: right("a second one") })
    expect(await listener.code).toBe("the code")
  })

  it.for([
    { what: "the state of another login", path: `/?code=evil&state=${"t".repeat(43)}` },
    { what: "a shorter state", path: "/?code=evil&state=s" },
    { what: "a longer state", path: `/?code=evil&state=${state}s` },
    { what: "no state", path: "/?code=evil" },
    { what: "no code", path: `/?state=${state}` },
    { what: "a refusal of another login", path: `/?error=refused&state=${"t".repeat(43)}` },
    { what: "another path", path: `/other?code=evil&state=${state}` },
    { what: "another method", path: right("evil"), method: "POST" },
    { what: "a name that was made to lead here", path: right("evil"), host: "rebound.evil.test" },
    { what: "another spelling of this host", path: right("evil"), host: "localhost" },
    { what: "markup", path: "/?code=<script>&state=<script>" },
  ])("$what changes nothing, and the wait goes on", async ({ path, ...more }) => {
    const listener = await aListener()
    const refused = await send(listener, { path, ...more })
    expect(refused.status).toBe(404)
    expect(refused.text).not.toMatch(/evil|<script/)
    await send(listener, { path: right("the code") })
    expect(await listener.code).toBe("the code")
  })

  it("a refusal with the state of this login ends the wait", async () => {
    const listener = await aListener()
    expect((await send(listener, { path: `/?error=refused&state=${state}` })).status).toBe(200)
    await expect(listener.code).rejects.toMatchObject({ kind: "unauthenticated" })
  })

  it("a person who cancelled in the browser ends the wait, and it is said who did", async () => {
    const listener = await aListener()
    await send(listener, { path: `/?error=cancelled&state=${state}` })
    await expect(listener.code).rejects.toMatchObject({
      kind: "interrupted",
      message: "cancelled in the browser",
    })
  })

  it("tells whoever brings a code something of that code, whichever came first", async () => {
    const { signal } = new AbortController()
    const toldAtTheEnd = (code: string) => `This was ${code.length} long.`
    const listener = await listenForCode({ state, port: 0, signal, toldAtTheEnd })
    listeners.push(listener)
    expect((await send(listener, { path: right("12345") })).text).toContain("This was 5 long.")
    expect((await send(listener, { path: right("123") })).text).toContain("This was 3 long.")
    expect((await send(listener, { path: "/?code=1&state=s" })).text).not.toContain("This was")
    expect(await listener.code).toBe("12345")
  })

  it("is reached at 127.0.0.1 alone", async () => {
    const { port } = await aListener()
    const refusal = new Promise((resolve) => connect(port, "127.0.0.2").once("error", resolve))
    expect(await refusal).toMatchObject({ code: "ECONNREFUSED" })
  })

  it("ends with the reason of its signal, also one that was there before, and frees its port", async () => {
    for (const abortFirst of [true, false]) {
      const controller = new AbortController()
      if (abortFirst) controller.abort(new Error("enough"))
      const listener = await aListener(controller.signal)
      controller.abort(new Error("enough"))
      await expect(listener.code).rejects.toThrow("enough")
      await listener.close()
      const again = await listenForCode({ state, port: listener.port, signal: new AbortController().signal })
      await again.close()
    }
  })

  it("a port that somebody has is a clear error", async () => {
    const { port } = await aListener()
    const { signal } = new AbortController()
    const taken = listenForCode({ state, port, signal })
    await expect(taken).rejects.toThrow(`--port: ${port} of 127.0.0.1 cannot be had`)
  })

  it.for([
    { what: "says nothing", text: "" },
    { what: "says half of a request", text: "GET / HTTP/1.1\r\nhost: " },
  ])("a connection that $what does not keep it from ending", async ({ text }) => {
    const listener = await aListener()
    const silent = connect(listener.port, "127.0.0.1").on("error", () => {
      // It may be reset: gone is gone.
    })
    await new Promise<void>((resolve) => silent.write(text, () => resolve()))
    const gone = new Promise((resolve) => silent.once("close", resolve))
    await listener.close()
    await gone
  })
})
