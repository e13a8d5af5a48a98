/** Projects with all that belongs to them, by the command, with a real server. */
import { readFile, stat, writeFile } from "node:fs/promises"
import { createKeyPair } from "@coffer/project-archive"
import { beforeAll, describe, expect, it } from "vitest"
import { commandLine } from "./command-line.ts"

describe("projects, by the command", () => {
  const project = ["--project", "billing-api"]
  const prod = [...project, "--env", "prod"]

  const { coffer, ok, json, fileOf } = commandLine()
  const refused = async (exitCode: number, text: string, args: readonly string[], stdin?: string) => {
    const finished = await coffer(args, stdin)
    expect(finished).toMatchObject({ exitCode, stdout: "" })
    expect(finished.stderr).toContain(text)
  }

  beforeAll(async () => {
    await ok(["projects", "create", "Billing API", "--slug", "billing-api"])
    await ok(["secrets", "set", "DB_URL=in-prod", ...prod])
  })

  it("a project is shown by slug and by id, renamed, and told to who asks for its old slug", async () => {
    const { id } = await json(["projects", "create", "Old name", "--slug", "old-slug"])
    expect(await json(["projects", "show", "old-slug"])).toMatchObject({ id, name: "Old name" })
    const renamed = ["projects", "rename", "old-slug", "--slug", "new-slug", "--name", "New name"]
    expect(await json(renamed)).toMatchObject({ id, slug: "new-slug", name: "New name" })
    expect(await ok(["projects", "show", id])).toMatch(/slug.*new-slug/)
    await refused(5, "did you mean slug 'new-slug'?", ["projects", "show", "old-slug"])
    await refused(6, "already exists", ["projects", "rename", "new-slug", "--slug", "billing-api"])
  })

  it("a protected project stays, and a deletion is asked for or said with --yes", async () => {
    const args = ["projects", "create", "Gone soon", "--slug", "gone-soon", "--protected"]
    expect(await json(args)).toMatchObject({ hasDeleteProtection: true })
    await refused(2, "coffer projects protect gone-soon --off", ["projects", "delete", "gone-soon", "--yes"])
    expect(await json(["projects", "protect", "gone-soon", "--off"])).toMatchObject({
      hasDeleteProtection: false,
    })
    await refused(2, "nobody is there to ask, so say it with --yes", ["projects", "delete", "gone-soon"])
    await ok(["projects", "delete", "gone-soon", "--yes"])
    await refused(5, "not found", ["projects", "show", "gone-soon"])
  })

  it("environments are made, renamed, put into order and deleted", async () => {
    const slugs = async (args: readonly string[]) =>
      (await json(["environments", ...args, ...project])).map((one: { slug: string }) => one.slug)
    expect(await slugs(["list"])).toEqual(["dev", "staging", "prod"])
    expect(await slugs(["create", "qa", "--name", "Quality", "--position", "2"])).toEqual([
      "dev",
      "qa",
      "staging",
      "prod",
    ])
    expect(await slugs(["reorder", "prod", "staging"])).toEqual(["prod", "staging", "dev", "qa"])
    await refused(5, "there are prod, staging, dev, qa", [
      "environments",
      "reorder",
      "dev",
      "nope",
      ...project,
    ])
    expect(await slugs(["rename", "qa", "--slug", "quality"])).toContain("quality")
    await refused(2, "--yes", ["environments", "delete", "quality", ...project])
    expect(await slugs(["delete", "quality", "--yes"])).toEqual(["prod", "staging", "dev"])
  })

  it("folders are made, listed, renamed and deleted; full ones only by force", async () => {
    const folders = (...args: string[]) => ["folders", ...args, ...prod]
    await ok(folders("create", "/app/db"))
    await ok(folders("create", "cache", "--path", "/app"))
    expect((await json(folders("list"))).map((one: { path: string }) => one.path)).toEqual([
      "/app",
      "/app/cache",
      "/app/db",
    ])
    expect(await json(folders("rename", "/app/db", "database"))).toMatchObject({ path: "/app/database" })
    await refused(2, "not empty", folders("delete", "/app"))
    await refused(2, "--yes", folders("delete", "/app", "--force"))
    await ok(folders("delete", "/app", "--force", "--yes"))
    expect(await json(folders("list"))).toEqual([])
    await refused(2, "the root is always there", folders("delete", "/", "--yes"))
  })

  it("a role goes from a file to the server and back, and a typo is told with its place", async () => {
    const file = fileOf("deployer.yaml")
    const text =
      "slug: deployer\nname: Deployer\npermissions:\n  - subject: secrets\n    action: [readValue]\n    conditions: { environment: prod }\n"
    await writeFile(file, text)
    await ok(["roles", "create", "--file", file, ...project])
    const shown = await ok(["roles", "show", "deployer", "--as-file", ...project])
    await writeFile(file, shown.replace("Deployer", "Deploys"))
    expect(await json(["roles", "update", "deployer", "--file", file, ...project])).toMatchObject({
      slug: "deployer",
      name: "Deploys",
      permissions: [{ subject: "secrets", conditions: { environment: "prod" } }],
    })
    expect((await json(["roles", "list", ...project])).map((one: { slug: string }) => one.slug)).toContain(
      "deployer",
    )
    const typo = JSON.stringify({
      slug: "x",
      name: "X",
      permissions: [{ subject: "secrets", action: "raed" }],
    })
    await refused(
      2,
      "permissions.0.action: must be one of",
      ["roles", "create", "--file", "-", ...project],
      typo,
    )
    await ok(["roles", "delete", "deployer", "--yes", ...project])
    await refused(5, "not found", ["roles", "show", "deployer", ...project])
  })

  it("a webhook is made, switched off and on, tested and deleted", async () => {
    await writeFile(fileOf("url.txt"), "https://hooks.invalid/T0/canary-path\n")
    const create = ["webhooks", "create", "--url-file", fileOf("url.txt"), ...prod]
    const { id } = await json(create)
    expect(await json(["webhooks", "list", ...project])).toMatchObject([
      { id, url: "https://hooks.invalid/T0/canary-path", isDisabled: false },
    ])
    expect(await json(["webhooks", "disable", id])).toMatchObject({ isDisabled: true })
    expect(await json(["webhooks", "enable", id])).toMatchObject({ isDisabled: false })
    const tested = await coffer(["webhooks", "test", id])
    expect(tested).toMatchObject({ exitCode: 8, stderr: expect.stringContaining("the test was not taken") })
    expect(await json(["webhooks", "deliveries", id])).toMatchObject([{ event: "test", state: "failed" }])
    await ok(["webhooks", "delete", id, "--yes"])
    await refused(5, "not found", ["webhooks", "test", id])
    await refused(2, "address", [...create.slice(0, 2), "--url", "http://127.0.0.1/x", ...prod])
  })

  it("a project leaves as a file that its passphrase opens, is deleted, and comes back with its history", async () => {
    await ok(["secrets", "set", "DB_URL=changed", ...prod])
    const { id } = await json(["projects", "show", "billing-api"])
    const file = fileOf("billing.coffer.age")
    const passphrase = "correct horse battery staple 2"
    const out = ["projects", "export", file, "--passphrase-file", "-", ...project]
    expect(await json(out, passphrase)).toEqual({ file, versionsOfSecrets: 2 })
    expect((await stat(file)).mode & 0o777).toBe(0o600)
    expect((await readFile(file)).includes("changed")).toBe(false)
    await refused(6, "--force replaces it", out, passphrase)
    await ok(["projects", "delete", "billing-api", "--yes"])
    const back = ["projects", "import", file, "--passphrase-file", "-"]
    await refused(2, "does not open: wrong passphrase", back, "another one")
    const bytes = await readFile(file)
    await writeFile(fileOf("cut.age"), bytes.subarray(0, bytes.length - 1))
    const cut = ["projects", "import", fileOf("cut.age"), "--passphrase-file", "-"]
    await refused(2, "damaged or cut off", cut, passphrase)
    await refused(5, "not found", ["projects", "show", "billing-api"])
    expect(await json(back, passphrase)).toMatchObject({
      id,
      slug: "billing-api",
      isCopy: false,
      counts: { secrets: 1, versions: 2 },
    })
    expect(await ok(["secrets", "get", "DB_URL", ...prod, "--plain"])).toBe("changed\n")
    expect(await ok(["secrets", "versions", "DB_URL", ...prod])).toMatch(/1[\s\S]*2/)
    await refused(6, "exists on this server", back, passphrase)
  }, 120_000)

  it("recipients open it without a passphrase, and a copy stands beside the original", async () => {
    const { identity, recipient } = await createKeyPair()
    await writeFile(fileOf("key.txt"), `# public key: ${recipient}\n${identity}\n`)
    const file = fileOf("for-recipients.age")
    await ok(["projects", "export", file, "--recipient", recipient, ...project])
    await refused(2, "--identity-file is missing", ["projects", "import", file])
    const copy = ["projects", "import", file, "--identity-file", fileOf("key.txt"), "--as-copy"]
    const made = await json([...copy, "--slug", "billing-copy", "--name", "Copy"])
    expect(made).toMatchObject({ slug: "billing-copy", name: "Copy", isCopy: true })
    const where = ["--project", "billing-copy", "--env", "prod", "--plain"]
    expect(await ok(["secrets", "get", "DB_URL", ...where])).toBe("changed\n")
  })
})
