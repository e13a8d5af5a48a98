/**
 * The first run from elsewhere than the server's own machine: over an address of this machine that is not loopback, and
 * through a reverse proxy beside the server. Whoever reaches the port first must not own it; whoever reads what the
 * server printed may.
 */
import { mkdtemp, rm } from "node:fs/promises"
import { createServer, request, type Server } from "node:http"
import type { AddressInfo } from "node:net"
import { networkInterfaces, tmpdir } from "node:os"
import { join } from "node:path"
import { describeWithTools, type Tool } from "@coffer/testkit"
import { afterEach, beforeEach, describe, expect, it } from "vitest"
import { ChildProcesses, runCoffer } from "../apps/coffer/src/demo/processes.ts"
import { type RestartableServer, startServer } from "../apps/coffer/src/demo/restartable.ts"

const PASSWORD = "first-run-password"
const network: Tool = {
  name: "an IPv4 address other than loopback",
  hint: "connect this machine to a network",
  find: addressOfThisMachine,
}
const bootstrap = ["bootstrap", "--email", "admin@coffer.test", "--organization", "Acme"]

describe("the first run", () => {
  let folder: string
  let processes: ChildProcesses
  let proxy: Server | undefined

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "coffer-first-run-"))
    processes = new ChildProcesses()
  })
  afterEach(async () => {
    proxy?.closeAllConnections()
    proxy?.close()
    proxy = undefined
    await processes.stopAll()
    await rm(folder, { recursive: true, force: true })
  })

  const claim = (server: RestartableServer, domain: string, options: { setupToken?: string } = {}) => {
    const token = options.setupToken === undefined ? {} : { COFFER_SETUP_TOKEN: options.setupToken }
    const args = [...bootstrap, "--domain", domain, "--password-file", "-"]
    return runCoffer(args, { ...server.env, ...token }, { stdin: PASSWORD })
  }

  /** Refused without the token and with a wrong one; good with the printed one, which is then worth nothing. */
  const expectTokenToDecide = async (server: RestartableServer, domain: string) => {
    const [, setupToken = ""] = /setup token: (\S+)/.exec(server.process().output()) ?? []
    expect(setupToken).not.toBe("")
    const without = await claim(server, domain)
    expect(without).toMatchObject({ exitCode: 4, stdout: "" })
    expect(without.stderr).toContain("--setup-token-file or COFFER_SETUP_TOKEN")
    const wrong = await claim(server, domain, { setupToken: "canary-guess" })
    expect(wrong).toMatchObject({ exitCode: 4, stdout: "" })
    expect(wrong.stderr).toContain("none of this server's")
    expect(wrong.stderr).not.toContain("canary-guess")
    const right = await claim(server, domain, { setupToken })
    expect({ exitCode: right.exitCode, stderr: right.stderr }).toEqual({ exitCode: 0, stderr: "" })
    expect((await runCoffer(["login", "status", "--domain", domain], server.env)).exitCode).toBe(0)
    const again = await claim(server, domain, { setupToken })
    expect(again.exitCode).toBe(6)
    const logged = server
      .process()
      .output()
      .split("\n")
      .filter((line) => line.startsWith("{"))
    expect(logged.join("\n")).not.toContain(setupToken)
  }

  it.for([
    { proxies: "no proxy is trusted", settings: {} },
    { proxies: "the proxy is trusted", settings: { TRUSTED_PROXY_CIDRS: "127.0.0.0/8,::1" } },
  ])("through a reverse proxy beside the server needs the token, when $proxies", async ({ settings }) => {
    const server = await startServer(processes, folder, settings)
    proxy = await startProxy(server.url, { "x-forwarded-for": "203.0.113.9" })
    await expectTokenToDecide(server, addressOf(proxy))
  })

  it("logs the person in, whose projects are there again after the next login; nobody holds another token", async () => {
    const server = await startServer(processes, folder)
    expect((await claim(server, server.url)).exitCode).toBe(0)
    const coffer = (...args: string[]) =>
      runCoffer([...args, "--domain", server.url], server.env, { stdin: PASSWORD })
    const status = await coffer("login", "status", "--output", "json")
    expect(JSON.parse(status.stdout)).toMatchObject({ name: "admin@coffer.test" })
    expect((await coffer("projects", "create", "Billing", "--slug", "billing")).exitCode).toBe(0)
    expect((await runCoffer(["logout"], server.env)).exitCode).toBe(0)
    await coffer("login", "--email", "admin@coffer.test", "--password-file", "-")
    expect((await coffer("secrets", "--project", "billing")).exitCode).toBe(0)
    const type = ["--type", "revoke-identity-access-token", "--format", "csv"]
    const events = await runCoffer(["audit", "export", "--data-dir", server.dataFolder, ...type], server.env)
    expect(events.stdout).toContain("Instance Admin Identity")
  })

  it("a forwarded address that claims to be loopback opens nothing", async () => {
    const server = await startServer(processes, folder, { TRUSTED_PROXY_CIDRS: "127.0.0.0/8" })
    proxy = await startProxy(server.url, { "x-forwarded-for": "127.0.0.1" })
    expect((await claim(server, addressOf(proxy))).exitCode).toBe(4)
    expect((await claim(server, server.url)).exitCode).toBe(0)
  })

  describeWithTools([network], "over another address of the server's machine", () => {
    const elsewhere = (server: RestartableServer) =>
      `http://${addressOfThisMachine() ?? ""}:${new URL(server.url).port}`

    it("needs the printed setup token", async () => {
      const server = await startServer(processes, folder, { HOST: "0.0.0.0" })
      await expectTokenToDecide(server, elsewhere(server))
    })

    it("takes the token that an earlier start printed", async () => {
      const server = await startServer(processes, folder, { HOST: "0.0.0.0" })
      const [, earlier = ""] = /setup token: (\S+)/.exec(server.process().output()) ?? []
      await server.process().kill()
      await server.start()
      expect((await claim(server, elsewhere(server), { setupToken: earlier })).exitCode).toBe(0)
    })
  })
})

function addressOfThisMachine(): string | undefined {
  const all = Object.values(networkInterfaces()).flatMap((addresses) => addresses ?? [])
  return all.find(({ internal, family }) => !internal && family === "IPv4")?.address
}

/** As a web server in front of Coffer: the connection to Coffer comes from loopback, under Coffer's own host name. */
async function startProxy(target: string, headers: Readonly<Record<string, string>>): Promise<Server> {
  const server = createServer((incoming, answer) => {
    const { host: _replaced, ...kept } = incoming.headers
    const options = { method: incoming.method ?? "GET", headers: { ...kept, ...headers } }
    const onward = request(new URL(incoming.url ?? "/", target), options, (answered) => {
      answer.writeHead(answered.statusCode ?? 502, answered.headers)
      answered.pipe(answer)
    })
    onward.on("error", () => answer.destroy())
    incoming.pipe(onward)
  })
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
  return server
}

function addressOf(server: Server): string {
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}
