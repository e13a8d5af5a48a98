import { readdirSync, readFileSync } from "node:fs"
import { createServer, type RequestListener, type Server } from "node:http"
import type { AddressInfo } from "node:net"
import { join } from "node:path"
import { afterEach, describe, expect, it } from "vitest"
import { isPublicAddress } from "../network-address.ts"
import { type OutboundRequest, sendOutbound } from "./index.ts"

describe("requests of the server to configured addresses", () => {
  let server: Server | undefined
  let requests = 0

  afterEach(() => {
    server?.closeAllConnections()
    server?.close()
    server = undefined
    requests = 0
  })

  const listen = async (listener: RequestListener): Promise<string> => {
    server = createServer((request, response) => {
      requests += 1
      listener(request, response)
    })
    await new Promise<void>((resolve) => server?.listen(0, "127.0.0.1", resolve))
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  }
  const get = (url: string, options: Partial<OutboundRequest> = {}) =>
    sendOutbound({
      method: "GET",
      url,
      timeoutMs: 2_000,
      maxAnswerBytes: 1_000,
      allowPrivateAddresses: true,
      ...options,
    })

  it("give the whole answer", async () => {
    const url = await listen((request, response) => {
      let body = ""
      request.on("data", (chunk) => {
        body += String(chunk)
      })
      request.on("end", () => response.writeHead(202).end(`${request.method} ${body}`))
    })
    const answer = await get(url, { method: "POST", body: "hello" })
    expect(answer).toMatchObject({ status: 202, body: "POST hello" })
  })

  it.each([
    "127.0.0.1",
    "localhost",
    "[::1]",
    "[::ffff:127.0.0.1]",
    "0.0.0.0",
    "169.254.169.254",
    "10.0.0.1",
  ])("do not reach %s unless that is allowed", async (host) => {
    const url = await listen((_request, response) => response.end())
    const { port } = new URL(url)
    const sent = get(`http://${host}:${port}/`, { allowPrivateAddresses: false })
    await expect(sent).rejects.toMatchObject({ problem: "private-address" })
    expect(requests).toBe(0)
  })

  it("follow no redirect", async () => {
    const url = await listen((_request, response) =>
      response.writeHead(302, { location: "http://169.254.169.254/" }).end(),
    )
    await expect(get(url)).rejects.toMatchObject({ problem: "redirect" })
    expect(requests).toBe(1)
  })

  it("end at their limit of time, also in the middle of an answer", async () => {
    const url = await listen((_request, response) => void response.write("the beginning"))
    await expect(get(url, { timeoutMs: 200 })).rejects.toMatchObject({ problem: "timeout" })
  })

  it("end at their limit of size", async () => {
    const url = await listen((_request, response) => response.end("x".repeat(1_001)))
    await expect(get(url)).rejects.toMatchObject({ problem: "too-large" })
  })

  it("CVE-2026-39396: end at their limit of size, however much would follow and whatever length was promised", async () => {
    let sentBytes = 0
    const url = await listen((_request, response) => {
      response.writeHead(200, { "transfer-encoding": "chunked" })
      const chunk = "x".repeat(64 * 1024)
      const pour = () => {
        while (!response.destroyed && response.write(chunk)) sentBytes += chunk.length
      }
      response.on("drain", pour)
      pour()
    })
    await expect(get(url)).rejects.toMatchObject({ problem: "too-large" })
    expect(sentBytes).toBeLessThan(16 * 1024 * 1024)
  })

  it("CVE-2026-39396: are the only ones that the server sends: key sets, discovery, token reviews, webhooks", () => {
    const root = join(import.meta.dirname, "..")
    const files = readdirSync(root, { recursive: true, encoding: "utf8" }).filter(
      (name) => name.endsWith(".ts") && !/\.test\.ts$|^testing\/|\/testing\/|^outbound\//.test(name),
    )
    expect(files.length).toBeGreaterThan(200)
    const sends = /\bfetch\(|from "undici"|import \{[^}]*\brequest\b[^}]*\} from "node:https?"/
    // Text for browsers, which send it to this server.
    const runsElsewhere = ["features/passkeys/page-files.ts"]
    expect(files.filter((name) => sends.test(readFileSync(join(root, name), "utf8")))).toEqual(runsElsewhere)
  })

  it.each([
    "ftp://example.test/",
    "nonsense",
    "http://user:password@127.0.0.1/",
  ])("refuse the address %s without repeating it", async (url) => {
    const problem = await get(url).catch((error: unknown) => error)
    expect(problem).toMatchObject({ problem: "bad-url" })
    expect(String(problem)).not.toContain("password@")
  })

  it("say that nobody listens", async () => {
    const url = await listen(() => {})
    await new Promise((resolve) => server?.close(resolve))
    await expect(get(url)).rejects.toMatchObject({ problem: "unreachable" })
  })
})

describe("public addresses", () => {
  it.each(["8.8.8.8", "2606:4700::1111"])("%s is one", (address) => {
    expect(isPublicAddress(address)).toBe(true)
  })

  it.each([
    ...["127.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.1.1", "100.64.0.1", "0.0.0.0"],
    ...[
      "224.0.0.1",
      "255.255.255.255",
      "::",
      "::1",
      "fe80::1",
      "fd00::1",
      "::ffff:10.0.0.1",
      "64:ff9b::a00:1",
    ],
    ...["", "example.test", "0x7f.1"],
  ])("%s is none", (address) => {
    expect(isPublicAddress(address)).toBe(false)
  })
})
