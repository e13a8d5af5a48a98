/** The product as `npm run build` makes it: one folder of bundled files, run without the sources. */
import { type ChildProcess, execFileSync, spawn } from "node:child_process"
import { once } from "node:events"
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { dirname, join } from "node:path"
import { fileURLToPath } from "node:url"
import { afterAll, beforeAll, describe, expect, it } from "vitest"

const root = join(dirname(fileURLToPath(import.meta.url)), "..")
const output = join(root, ".coffer", "build-under-test")
const main = join(output, "main.js")

type Json = Readonly<Record<string, unknown>>

describe("the bundled product", () => {
  let folder: string
  let env: NodeJS.ProcessEnv
  let server: ChildProcess
  let url: string
  let printed = ""

  beforeAll(async () => {
    execFileSync(process.execPath, [join(root, "tools/build/main.ts"), output])
    folder = mkdtempSync(join(tmpdir(), "coffer-build-"))
    env = { ...process.env, COFFER_DATA_DIR: folder, HOST: "127.0.0.1", PORT: "0" }
    server = spawn(process.execPath, [main, "server"], { env, stdio: ["ignore", "ignore", "pipe"] })
    url = await new Promise<string>((resolve, reject) => {
      server.once("exit", () => reject(new Error(`the server ended:\n${printed}`)))
      server.stderr?.on("data", (chunk: Buffer) => {
        printed += chunk.toString("utf8")
        const [, address] = /Coffer is listening on (\S+);/.exec(printed) ?? []
        if (address !== undefined) resolve(address)
      })
    })
  }, 120_000)

  afterAll(async () => {
    if (server.exitCode === null) {
      server.kill("SIGTERM")
      await once(server, "exit")
    }
    rmSync(folder, { recursive: true, force: true })
    rmSync(output, { recursive: true, force: true })
  })

  const send = async (method: string, path: string, options: { body?: Json; token?: string } = {}) => {
    const answer = await fetch(url + path, {
      method,
      headers: {
        ...(options.body === undefined ? {} : { "content-type": "application/json" }),
        ...(options.token === undefined ? {} : { authorization: `Bearer ${options.token}` }),
      },
      ...(options.body === undefined ? {} : { body: JSON.stringify(options.body) }),
    })
    return { status: answer.status, text: await answer.text() }
  }

  const setUp = async (): Promise<string> => {
    const body = { email: "admin@coffer.test", password: "build-under-test", organization: "Acme" }
    const { text } = await send("POST", "/api/v1/admin/bootstrap", { body })
    return (JSON.parse(text) as { identity: { credentials: { token: string } } }).identity.credentials.token
  }

  it("serves the page that explains its routes", async () => {
    const page = await send("GET", "/api/docs")
    expect(page.status).toBe(200)
    const [, script = ""] = /src="([^"]+\.js)"/.exec(page.text) ?? []
    expect((await send("GET", new URL(script, `${url}/api/docs`).pathname)).status).toBe(200)
  })

  it("answers reads under load, copies its log back in a thread, and its audit log verifies", async () => {
    const token = await setUp()
    const body = { projectName: "Build", slug: "build" }
    const { text } = await send("POST", "/api/v1/projects", { body, token })
    const { project } = JSON.parse(text) as { project: { id: string } }
    const read = () => send("GET", `/api/v1/projects/${project.id}`, { token })
    let hasThread = false
    for (let round = 0; round < 60 || (!hasThread && round < 1_000); round += 1) {
      const answers = await Promise.all(Array.from({ length: 24 }, read))
      expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]))
      // Elsewhere nobody lists threads by name.
      hasThread ||= process.platform !== "linux" || threadsOf(server).includes("WorkerThread")
    }
    expect(hasThread).toBe(true)
    expect(printed).not.toContain("write-ahead log")
    const report = execFileSync(process.execPath, [main, "audit", "verify"], { env, encoding: "utf8" })
    expect(report).toMatch(/\b\d{4,} events/)
  })
})

function threadsOf({ pid }: ChildProcess): readonly string[] {
  return readdirSync(`/proc/${pid}/task`).map((task) =>
    readFileSync(`/proc/${pid}/task/${task}/comm`, "utf8").trim(),
  )
}
