/** `coffer export` and `coffer import` as a user meets them: real processes, a real server, files on disk. */
import { execFileSync } from "node:child_process"
import { chmod, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { ChildProcesses, type Environment, runCoffer } from "../apps/coffer/src/demo/processes.ts"
import { startServer } from "../apps/coffer/src/demo/restartable.ts"

const VALUE = "canary-it's $HOME\nline 2"

describe("files of secrets", () => {
  let folder: string
  let client: Environment
  const processes = new ChildProcesses()
  const coffer = (args: readonly string[], stdin?: string) =>
    runCoffer(args, client, stdin === undefined ? {} : { stdin })
  const ok = async (...args: string[]) => {
    const finished = await coffer(args)
    expect(finished, finished.stderr).toMatchObject({ exitCode: 0 })
    return finished.stdout
  }
  const prod = ["--project", "files", "--env", "prod"]
  const dev = ["--project", "files", "--env", "dev"]

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "coffer-files-"))
    client = (await startServer(processes, folder)).env
    const bootstrap = [
      "bootstrap",
      "--email",
      "admin@coffer.test",
      "--organization",
      "Acme",
      "--password-file",
      "-",
    ]
    await coffer(bootstrap, "canary-password-5f1c")
    await ok("projects", "create", "Files", "--slug", "files")
  })
  afterAll(async () => {
    await processes.stopAll()
    await rm(folder, { recursive: true, force: true })
  })

  it("a file is previewed, imported and found unchanged the second time", async () => {
    const file = join(folder, "tree.yaml")
    await writeFile(file, `NAME: app\nPIN: 0123\ndb:\n  PASSWORD: ${JSON.stringify(VALUE)}\n`)
    const preview = await coffer(["import", file, ...prod, "--preview"])
    expect(preview.stderr).toContain("nothing was written")
    expect(preview.stdout).not.toContain("canary")
    expect(preview.stdout).toMatch(/\/db .*PASSWORD .*would be created/)
    expect(await ok("export", ...prod, "--recursive")).toBe("")
    expect(await ok("import", file, ...prod)).toMatch(/PASSWORD [^\w]*created/)
    const again = JSON.parse(await ok("import", file, ...prod, "--output", "json")) as object
    expect(again).toMatchObject({ isApplied: true, created: [], changed: [], unchanged: [{}, {}, {}] })
    expect(await ok("secrets", "get", "PASSWORD", "--plain", ...prod, "--path", "/db")).toBe(`${VALUE}\n`)
  })

  it.for([
    { onConflict: "fail", status: "different" },
    { onConflict: "skip", status: "would be skipped" },
    { onConflict: "overwrite", status: "would be updated" },
  ])("what --on-conflict $onConflict does to another value is foretold", async ({ onConflict, status }) => {
    const args = ["import", "-", ...prod, "--preview", "--on-conflict", onConflict]
    const { stdout } = await coffer(args, "NAME=canary-other\n")
    expect(stdout).toMatch(new RegExp(`NAME [^\\w]*${status} `))
  })

  it("a conflict is exit code 2, names the key and changes nothing", async () => {
    const refused = await coffer(["import", "-", ...prod], "NAME=canary-other\nNEW=1\n")
    expect(refused.exitCode).toBe(2)
    expect(refused.stderr).toContain("prod:/NAME")
    expect(refused.stderr).not.toContain("canary")
    expect((await coffer(["secrets", "get", "NEW", ...prod])).exitCode).toBe(5)
  })

  it("what cannot be read is told by its line, and nothing is sent", async () => {
    const refused = await coffer(["import", "-", "--domain", "http://127.0.0.1:1", ...prod], "A=1\ncanary\n")
    expect(refused.exitCode).toBe(2)
    expect(refused.stderr).toContain("line 2 is no KEY=VALUE")
    expect(refused.stderr).not.toContain("canary")
  })

  it("a shell reads what was exported, and every format comes back as it was", async () => {
    const script = await ok("export", ...prod, "--path", "/db", "--format", "dotenv-export")
    const printed = execFileSync("sh", ["-c", `${script}\nprintf %s "$PASSWORD"`], { encoding: "utf8" })
    expect(printed).toBe(VALUE)
    for (const format of ["dotenv", "json", "yaml"]) {
      const file = join(folder, `back.${format}`)
      await ok("export", ...prod, "--path", "/db", "-f", format, "--output-file", file)
      await ok("import", file, ...dev, "--path", `/${format}`, "-f", format)
      expect(await ok("secrets", "get", "PASSWORD", "--plain", ...dev, "--path", `/${format}`)).toBe(
        `${VALUE}\n`,
      )
    }
    expect(await ok("export", ...prod, "--format", "csv")).toBe("Key,Value\nNAME,app\nPIN,0123\n")
    const flat = await coffer(["export", ...dev, "--recursive"])
    expect(flat.exitCode).toBe(2)
    expect(flat.stderr).toContain("'PASSWORD' is in several folders")
  })

  it("an exported file is its owner's alone, also where an open file or a link was, and no draft stays", async () => {
    const [file, link, target] = [join(folder, "open.env"), join(folder, "link.env"), join(folder, "target")]
    await writeFile(file, "old")
    await chmod(file, 0o644)
    await writeFile(target, "untouched")
    await symlink(target, link)
    for (const one of [file, link]) {
      const taken = await coffer(["export", ...prod, "--output-file", one])
      expect(taken.exitCode).toBe(6)
      expect(taken.stderr).toContain(`--output-file: ${one} exists already; --force replaces it`)
      const { stdout, stderr } = await coffer(["export", ...prod, "--output-file", one, "--force"])
      expect(stdout).toBe("")
      expect(stderr).toContain("Wrote 2 secrets")
      expect((await stat(one)).mode & 0o777).toBe(0o600)
      expect(await readFile(one, "utf8")).toBe("NAME='app'\nPIN='0123'\n")
    }
    expect(await readFile(target, "utf8")).toBe("untouched")
    const refused = await coffer(["export", ...prod, "--output-file", join(folder, "nope", "x.env")])
    expect(refused.exitCode).toBe(2)
    expect(refused.stderr).toContain("--output-file")
    expect((await readdir(folder)).filter((name) => name.startsWith(".open.env"))).toEqual([])
  })

  it("what may not be read is neither exported nor printed for programs, and its key is told", async () => {
    await ok("folders", "create", "/shut", ...prod)
    await ok("secrets", "set", "OPEN=1", "SHUT=canary-never", ...prod, "--path", "/shut")
    const role = join(folder, "role.json")
    const rules = [
      { subject: "secrets", action: ["describeSecret", "readValue", "edit"] },
      { subject: "secrets", action: "readValue", inverted: true, conditions: { secretName: "SHUT" } },
    ]
    await writeFile(role, JSON.stringify({ slug: "half", name: "Half", permissions: rules }))
    await ok("roles", "create", "--file", role, "--project", "files")
    const { clientId, clientSecret } = JSON.parse(
      await ok("identities", "create", "half", "--project", "files", "--role", "half", "-o", "json"),
    )
    const env = {
      ...client,
      INFISICAL_UNIVERSAL_AUTH_CLIENT_ID: clientId,
      INFISICAL_UNIVERSAL_AUTH_CLIENT_SECRET: clientSecret,
    }
    const half = (...args: string[]) => runCoffer([...args, ...prod], env)
    for (const args of [["export"], ["secrets", "--plain"]]) {
      const refused = await half(...args, "--path", "/shut")
      expect(refused).toMatchObject({ exitCode: 4, stdout: "" })
      expect(refused.stderr).toContain("you may not read the values of SHUT; nothing was")
    }
    const below = await half("export", "--recursive", "--format", "json")
    expect(below).toMatchObject({ exitCode: 4, stdout: "" })
    expect(below.stderr).toContain("you may not read the values of SHUT; nothing was exported")
    const [open, shut] = JSON.parse((await half("secrets", "--path", "/shut", "-o", "json")).stdout)
    expect(open).toMatchObject({ secretKey: "OPEN", secretValue: "1", secretValueHidden: false })
    expect(shut).toMatchObject({ secretKey: "SHUT", secretValue: null, secretValueHidden: true })
    expect((await half("secrets", "--path", "/shut")).stdout).toContain("(you may not read it)")
    const placeholder = await half("secrets", "set", "SHUT=<hidden-by-infisical>", "--path", "/shut")
    expect(placeholder.stdout).toContain("updated")
  })
})
