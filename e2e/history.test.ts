/** The past as a user meets it: versions, rollback, restore and trash by the command, with a real server. */
import { beforeAll, describe, expect, it } from "vitest"
import { commandLine } from "./command-line.ts"

describe("the past, by the command", () => {
  const prod = ["--project", "billing-api", "--env", "prod"]

  const line = commandLine()
  const coffer = (...args: string[]) => line.coffer(args)
  const ok = (...args: string[]) => line.ok(args)
  const json = (...args: string[]) => line.json(args)
  const readValue = async (name: string) => (await ok("secrets", "get", name, ...prod, "--plain")).trim()

  beforeAll(() => ok("projects", "create", "Billing API", "--slug", "billing-api"))

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

  it("versions and trash say who, by name, and where", async () => {
    await ok("secrets", "set", "WHO=1", ...prod)
    const versions = await ok("secrets", "versions", "WHO", ...prod)
    expect(versions).toMatch(/1 .*admin@coffer\.test .*create .*WHO .*prod:\/ /)
    expect(versions).not.toMatch(/user [0-9a-f-]{36}/)
    await ok("secrets", "delete", "WHO", ...prod)
    const trash = await ok("trash", "list", "--project", "billing-api")
    expect(trash).toMatch(/secret .*WHO .*prod:\/ .*admin@coffer\.test /)
  })

  it("a folder comes back by its path, an environment by its slug", async () => {
    const inProject = ["--project", "billing-api"]
    await ok("folders", "create", "/app/db", ...prod)
    await ok("folders", "delete", "/app/db", "--yes", ...prod)
    await ok("trash", "restore", "folder", "/app/db", ...inProject)
    expect(await ok("folders", "list", ...prod)).toContain("/app/db")
    await ok("environments", "create", "load", "--name", "Load tests", ...inProject)
    await ok("environments", "delete", "load", "--yes", ...inProject)
    await ok("trash", "restore", "environment", "load", ...inProject)
    expect(await ok("environments", "list", ...inProject)).toContain("Load tests")
  })

  it("the newest two versions are compared unless others are named", async () => {
    await ok("secrets", "set", "CHANGING=one", ...prod)
    const diff = (...args: string[]) =>
      coffer("secrets", "diff", "CHANGING", "--show-values", ...args, ...prod)
    const first = await diff()
    expect(first).toMatchObject({ exitCode: 2 })
    expect(first.stderr).toContain("there is no version of CHANGING before version 1")
    for (const value of ["two", "three"]) await ok("secrets", "set", `CHANGING=${value}`, ...prod)
    expect((await diff()).stdout).toMatch(/2 .*two[\s\S]*3 .*three/)
    expect((await diff("--to", "2")).stdout).toMatch(/1 .*one[\s\S]*2 .*two/)
    expect((await diff("--from", "1")).stdout).toMatch(/1 .*one[\s\S]*3 .*three/)
  })

  it("what was deleted comes back by its name, unless the name says too little", async () => {
    const restore = (...args: string[]) => coffer("trash", "restore", ...args, "--project", "billing-api")
    for (const env of ["dev", "prod"]) {
      await ok("secrets", "set", "TWICE=5", "--project", "billing-api", "--env", env)
      await ok("secrets", "delete", "TWICE", "--project", "billing-api", "--env", env)
    }
    const unclear = await restore("secret", "TWICE")
    expect(unclear).toMatchObject({ exitCode: 2, stdout: "" })
    expect(unclear.stderr).toMatch(/several are called TWICE; give --env, .*\(prod:\/, .*\(dev:\/, /)
    expect((await restore("secret", "TWICE", "--env", "prod")).exitCode).toBe(0)
    expect(await readValue("TWICE")).toBe("5")
    expect((await restore("secret", "NEVER")).exitCode).toBe(5)
    expect((await restore("sekret", "NEVER")).exitCode).toBe(2)
  })
})
