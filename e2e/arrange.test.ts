/** Finding secrets and putting them elsewhere, by the command, with a real server. */
import { beforeAll, describe, expect, it } from "vitest"
import { commandLine } from "./command-line.ts"

describe("search, moves and explanations, by the command", () => {
  const project = ["--project", "billing-api"]
  const dev = [...project, "--env", "dev"]
  const prod = [...project, "--env", "prod"]

  const { coffer, ok, json } = commandLine()
  const names = async (...args: string[]) =>
    (await json(["search", ...args, ...project])).map(
      (one: { environment: string; secretPath: string; secretKey: string }) =>
        `${one.environment}:${one.secretPath}:${one.secretKey}`,
    )
  const read = async (name: string, where: readonly string[]) =>
    (await ok(["secrets", "get", name, ...where, "--plain"])).trim()

  beforeAll(async () => {
    await ok(["projects", "create", "Billing API", "--slug", "billing-api"])
    const tree = "api:\n  DB_URL: in-dev\n  DB_USER: app\nLOG_LEVEL: debug\n"
    await ok(["import", "-", "--format", "yaml", ...dev], tree)
    await ok(["secrets", "set", "DB_URL=in-prod", ...prod])
  })

  it("a secret is found by part of its name, by a pattern, by place and by value, and no value is shown", async () => {
    expect(await names("db_")).toEqual(["dev:/api:DB_URL", "dev:/api:DB_USER", "prod:/:DB_URL"])
    expect(await names("*_URL", "--env", "prod")).toEqual(["prod:/:DB_URL"])
    expect(await names("DB", "--env", "dev", "--path", "/api")).toHaveLength(2)
    const found = await ok(["search", "--value-file", "-", ...project], "in-prod\n")
    expect(found).toMatch(/prod[\s\S]*DB_URL/)
    expect(found).not.toContain("in-prod")
    const limited = await coffer(["search", "DB", "--limit", "1", ...project])
    expect(limited.stderr).toContain("Stopped at 1")
  })

  it("a search for nothing, and a limit that is none, are refused by name", async () => {
    const nothing = await coffer(["search", ...project])
    expect(nothing).toMatchObject({ exitCode: 2 })
    expect(nothing.stderr).toContain("--value-file")
    const many = await coffer(["search", "A", "--limit", "many", ...project])
    expect(many).toMatchObject({ exitCode: 2 })
    expect(many.stderr).toContain("--limit")
  })

  it("secrets move with their ids, or not at all when the destination has one of them", async () => {
    const { id } = (await json(["search", "DB_USER", ...project]))[0]
    const to = ["--path", "/api", "--to-env", "prod", "--to-path", "/"]
    const refused = await coffer(["secrets", "move", "DB_URL", "DB_USER", ...dev, ...to])
    expect(refused.exitCode).not.toBe(0)
    expect(refused.stderr).toContain("DB_URL")
    expect(await names("DB_USER")).toEqual(["dev:/api:DB_USER"])
    await ok(["secrets", "move", "DB_USER", ...dev, ...to])
    expect(await json(["search", "DB_USER", ...project])).toMatchObject([{ id, environment: "prod" }])
    const missing = await coffer(["secrets", "move", "NOPE", ...dev, ...to])
    expect(missing).toMatchObject({ exitCode: 5 })
    expect(missing.stderr).toContain("NOPE")
    expect(await coffer(["secrets", "move", "DB_URL", ...dev])).toMatchObject({ exitCode: 2 })
  })

  it("copies skip or replace what is there as told, also of a whole tree", async () => {
    const to = ["--to-env", "staging", "--to-path", "/"]
    const first = await json(["secrets", "copy", "--all", "--recursive", ...dev, ...to])
    expect(first.created).toHaveLength(2)
    expect(first.foldersCreated).toEqual(["/api"])
    const staging = [...project, "--env", "staging"]
    await ok(["secrets", "set", "LOG_LEVEL=warn", ...staging])
    const again = ["secrets", "copy", "LOG_LEVEL", ...dev, ...to]
    expect((await coffer(again)).exitCode).not.toBe(0)
    await ok([...again, "--on-conflict", "skip"])
    expect(await read("LOG_LEVEL", staging)).toBe("warn")
    await ok([...again, "--on-conflict", "overwrite"])
    expect(await read("LOG_LEVEL", staging)).toBe("debug")
    expect(await coffer(["secrets", "copy", ...dev, ...to])).toMatchObject({ exitCode: 2 })
  })

  it("a rename goes through one environment, or through all that have the key", async () => {
    await ok(["secrets", "set", "OLD=1", ...dev])
    await ok(["secrets", "set", "OLD=2", ...prod])
    expect(await json(["secrets", "rename", "OLD", "NEWER", ...dev])).toEqual({ environments: ["dev"] })
    expect(await read("NEWER", dev)).toBe("1")
    await ok(["secrets", "rename", "NEWER", "OLD", ...dev])
    const everywhere = ["secrets", "rename", "OLD", "NEW", "--everywhere", ...dev]
    expect((await json(everywhere)).environments).toEqual(["dev", "prod"])
    expect(await read("NEW", prod)).toBe("2")
  })

  it("why an identity may read in one environment, and not write, is told with the rule", async () => {
    await ok(["identities", "create", "reader", ...project, "--role", "viewer"])
    const about = ["access", "explain", "--identity", "reader", ...project]
    const may = await ok([...about, "--env", "prod", "--path", "/", "--secret", "DB_URL"])
    expect(may).toMatch(/reader may readValue secrets: a rule allows it \(built-in-role viewer\)/)
    expect(await json([...about, "--action", "edit"])).toMatchObject({
      isAllowed: false,
      reason: "no-rule-allows",
    })
    const unknown = await coffer([...about, "--action", "steal"])
    expect(unknown).toMatchObject({ exitCode: 2 })
    expect(unknown.stderr).toContain("action")
    expect(await coffer(["access", "explain", ...project])).toMatchObject({ exitCode: 2 })
    const person = await coffer(["access", "explain", "--user", "Admin@coffer.test", ...project])
    expect(person.stdout).toContain("admin@coffer.test may readValue secrets")
  })

  it("a name is given to a second identity only when that is asked for, and an identity is then named by its id", async () => {
    const { identityId } = await json(["identities", "create", "twin"])
    const again = await coffer(["identities", "create", "twin"])
    expect(again).toMatchObject({ exitCode: 6, stdout: "" })
    expect(again.stderr).toContain(`the name 'twin' is taken (${identityId})`)
    expect(await json(["identities", "list", "twin"])).toHaveLength(1)
    const second = await json(["identities", "create", "twin", "--same-name"])
    const which = await coffer(["identities", "show", "twin"])
    expect(which).toMatchObject({ exitCode: 2 })
    expect(which.stderr).toContain(second.identityId)
    await ok(["identities", "delete", second.identityId, "--yes"])
    const shown = await json(["identities", "show", "twin"])
    expect(shown).toMatchObject({
      id: identityId,
      logins: [{ method: "universal-auth", authors: [{ type: "user", name: "admin@coffer.test" }] }],
    })
    expect(await ok(["identities", "show", "twin"])).toMatch(/universal-auth\W.*admin@coffer\.test\W/)
    await ok(["identities", "delete", "twin", "--yes"])
    expect(await json(["identities", "list", "twin"])).toEqual([])
  })

  it("identities are listed by name, and one that is deleted cannot log in any more", async () => {
    const { identityId, clientId, clientSecret } = await json(["identities", "create", "short-lived"])
    const listed = await json(["identities", "list", "short"])
    expect(listed).toEqual([
      { id: identityId, name: "short-lived", role: "no-access", authMethods: ["universal-auth"] },
    ])
    const asked = await coffer(["identities", "delete", identityId])
    expect(asked).toMatchObject({ exitCode: 2 })
    expect(asked.stderr).toContain("--yes")
    const login = ["login", "--client-id", clientId, "--client-secret-file", "-", "--plain", "--silent"]
    await ok(login, clientSecret)
    await ok(["identities", "delete", identityId, "--yes"])
    expect(await json(["identities", "list", "short"])).toEqual([])
    expect((await coffer(login, clientSecret)).exitCode).not.toBe(0)
  })
})
