/** The past as a user meets it: versions, rollback, restore and trash by the command, with a real server. */
import { mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { ChildProcesses, runCoffer } from "../apps/coffer/src/demo/processes.ts"
import { type RestartableServer, startServer } from "../apps/coffer/src/demo/restartable.ts"

describe("the past, by the command", () => {
  let folder: string
  let server: RestartableServer
  const processes = new ChildProcesses()
  const prod = ["--project", "billing-api", "--env", "prod"]

  const coffer = (...args: string[]) => runCoffer(args, server.env, {})
  const ok = async (...args: string[]) => {
    const finished = await coffer(...args)
    expect(finished, finished.stderr).toMatchObject({ exitCode: 0 })
    return finished.stdout
  }
  const json = async (...args: string[]) => JSON.parse(await ok(...args, "--output", "json"))
  const readValue = async (name: string) => (await ok("secrets", "get", name, ...prod, "--plain")).trim()

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "coffer-history-"))
    server = await startServer(processes, folder)
    const bootstrap = ["bootstrap", "--email", "admin@coffer.test", "--organization", "Acme"]
    const stdin = "correct horse battery staple"
    const { exitCode } = await runCoffer([...bootstrap, "--password-file", "-"], server.env, { stdin })
    expect(exitCode).toBe(0)
    await ok("projects", "create", "Billing API", "--slug", "billing-api")
  })
  afterAll(async () => {
    await processes.stopAll()
    await rm(folder, { recursive: true, force: true })
  })

  it("a secret goes back to an old version, and says which fields differed", async () => {
    await ok("secrets", "set", "A=one", ...prod)
    await ok("secrets", "set", "A=two", ...prod)
    const versions = await json("secrets", "versions", "A", ...prod)
    expect(versions.map((one: { version: number }) => one.version)).toEqual([2, 1])
    expect(JSON.stringify(versions)).not.toMatch(/one|two/)
    expect(await ok("secrets", "diff", "A", "--from", "1", "--to", "2", ...prod)).toBe("value\n")
    expect(await ok("secrets", "diff", "A", "--from", "1", "--to", "2", "--show-values", ...prod)).toMatch(
      /one[\s\S]*two/,
    )
    await ok("secrets", "rollback", "A", "1", ...prod)
    expect(await readValue("A")).toBe("one")
    const refused = await coffer("secrets", "rollback", "A", "first", ...prod)
    expect(refused).toMatchObject({ exitCode: 2 })
    expect(refused.stderr).toContain("<version>")
  })

  it("an environment goes back to a revision after a preview that changes nothing", async () => {
    await ok("secrets", "set", "KEEP=1", ...prod)
    const { revision } = await json("restore", "--to", "1", "--preview", ...prod)
    await ok("secrets", "set", "KEEP=2", "NEW=3", ...prod)
    const preview = await ok("restore", "--to", String(revision), "--preview", ...prod)
    expect(preview).toContain("KEEP")
    expect(await readValue("KEEP")).toBe("2")
    await ok("restore", "--to", String(revision), "--yes", ...prod)
    expect(await readValue("KEEP")).toBe("1")
    expect((await coffer("secrets", "get", "NEW", ...prod)).exitCode).toBe(5)
    expect(await ok("restore", "--to", String(revision), "--preview", ...prod)).toContain("Nothing differs.")
  })

  it("neither --preview nor --yes is a question that is not asked: it is refused", async () => {
    const { exitCode, stderr } = await coffer("restore", "--to", "1", ...prod)
    expect(exitCode).toBe(2)
    expect(stderr).toContain("--preview")
  })

  it("a deleted secret is in the trash and comes back", async () => {
    await ok("secrets", "set", "GONE=4", ...prod)
    await ok("secrets", "delete", "GONE", ...prod)
    const items = await json("trash", "list", ...prod)
    const item = items.find((one: { name: string }) => one.name === "GONE")
    expect(item).toMatchObject({ kind: "secret", place: { environment: "prod", path: "/" } })
    await ok("trash", "restore", "secret", item.id, "--project", "billing-api")
    expect(await readValue("GONE")).toBe("4")
  })
})
