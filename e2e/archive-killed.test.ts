/** The server dies with SIGKILL in the middle of an import: nothing of the project is there, then or later. */
import { mkdtemp, readFile, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { DatabaseSync } from "node:sqlite"
import { createClient } from "@coffer/client"
import { createKeyPair } from "@coffer/project-archive"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { readStoredLogin } from "../apps/coffer/src/credentials-file.ts"
import { ChildProcesses, runCoffer } from "../apps/coffer/src/demo/processes.ts"
import { type RestartableServer, startServer } from "../apps/coffer/src/demo/restartable.ts"

describe("an import whose server is killed", () => {
  let folder: string
  let server: RestartableServer
  const processes = new ChildProcesses()

  const ok = async (args: readonly string[], stdin?: string) => {
    const finished = await runCoffer(args, server.env, stdin === undefined ? {} : { stdin })
    expect(finished, finished.stderr).toMatchObject({ exitCode: 0 })
    return finished.stdout
  }
  /** What the database holds of the project, whoever may see it. */
  const rowsOf = (projectId: string) => {
    const database = new DatabaseSync(join(server.dataFolder, "coffer.db"), { readOnly: true })
    try {
      const count = (table: string, column: string) =>
        Number(
          database.prepare(`select count(*) as n from ${table} where ${column} = ?`).get(projectId)?.["n"],
        )
      return { projects: count("project", "id"), versions: count("secret_version", "project_id") }
    } finally {
      database.close()
    }
  }

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "coffer-archive-killed-"))
    server = await startServer(processes, folder)
    const bootstrap = ["bootstrap", "--email", "admin@coffer.test", "--organization", "Acme"]
    await ok([...bootstrap, "--password-file", "-"], "correct horse battery staple")
    await ok(["projects", "create", "Billing API", "--slug", "billing-api"])
    const large = Object.fromEntries(Array.from({ length: 400 }, (_, n) => [`KEY_${n}`, "x".repeat(1_000)]))
    const into = ["--format", "json", "--project", "billing-api", "--env", "prod"]
    await ok(["import", "-", ...into], JSON.stringify(large))
  })
  afterAll(async () => {
    await processes.stopAll()
    await rm(folder, { recursive: true, force: true })
  })

  it("leaves nothing after the next start, and the same archive can then be imported", async () => {
    const { identity, recipient } = await createKeyPair()
    const file = join(folder, "billing.age")
    await ok(["projects", "export", file, "--recipient", recipient, "--project", "billing-api"])
    const { id } = JSON.parse(await ok(["projects", "show", "billing-api", "--output", "json"]))
    await ok(["projects", "delete", "billing-api", "--yes"])
    const login = await readStoredLogin(`${server.env["XDG_CONFIG_HOME"]}/coffer/credentials.json`)
    const client = createClient({ baseUrl: server.url, token: login?.token.reveal() })
    const bytes = await readFile(file)
    // The end is held back: the server has read, checked and written what came before.
    const upload = new ReadableStream<Uint8Array>({
      start: (controller) => controller.enqueue(bytes.subarray(0, bytes.length - 1_000)),
    })
    const refusal = client.archives
      .upload(upload, { identity, asCopy: false })
      .catch((error: unknown) => error)
    await expect.poll(() => rowsOf(id).versions, { timeout: 20_000 }).toBeGreaterThan(0)
    expect(await client.projects.list()).toEqual([])
    await server.process().kill()
    expect(await refusal).toMatchObject({ kind: "unavailable" })
    expect(rowsOf(id)).toMatchObject({ projects: 1 })
    await server.start()
    await expect.poll(() => rowsOf(id), { timeout: 20_000 }).toEqual({ projects: 0, versions: 0 })
    expect(await client.projects.list()).toEqual([])
    const whole = new ReadableStream<Uint8Array>({
      start: (controller) => {
        controller.enqueue(bytes)
        controller.close()
      },
    })
    const imported = await client.archives.upload(whole, { identity, asCopy: false })
    expect(imported).toMatchObject({ project: { id, slug: "billing-api" }, counts: { secrets: 400 } })
    await ok(["audit", "verify", "--data-dir", server.dataFolder])
  })
})
