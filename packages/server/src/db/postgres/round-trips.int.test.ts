import { describeDatabase } from "@coffer/testkit"
import pg from "pg"
import { afterEach, expect, it, vi } from "vitest"
import { aMachine, anInstance, aProject } from "../../testing/test-app.ts"
import { aWorkbench } from "../../testing/workbench.ts"

/** What each connection was asked from now on, in its order: the beginnings of the texts. */
function watchConnections(): () => readonly string[][] {
  const query: (...parameters: unknown[]) => unknown = pg.Client.prototype.query
  const asked = new Map<unknown, string[]>()
  vi.spyOn(pg.Client.prototype, "query").mockImplementation(function (
    this: unknown,
    ...parameters: unknown[]
  ) {
    const [what] = parameters
    const text = typeof what === "object" && what !== null && "text" in what ? what.text : what
    const texts = asked.get(this) ?? []
    asked.set(this, texts)
    texts.push(beginningOf(String(text)))
    return query.apply(this, parameters)
  })
  return () => [...asked.values()]
}

function beginningOf(sql: string): string {
  const words =
    /^\s*(begin|commit|with\s+\w+|update "\w+"|insert into "\w+"|select .{1,60}? from "\w+")/.exec(sql)
  return words?.[1]?.replace(/\s+/g, " ") ?? sql
}

describeDatabase("postgres", "round trips", (open) => {
  afterEach(() => vi.restoreAllMocks())

  it("of a write of one secret are eight, begin, audit and commit included", async () => {
    const instance = await anInstance(await open())
    const project = await aProject(instance)
    const { test } = instance
    const { token } = await aMachine(instance, { project: project.id, role: "admin" })
    const place = { projectId: project.id, environment: "dev", secretPath: "/" }
    await test.ok("POST", "/v4/secrets/KEY", { token, body: { ...place, secretValue: "0" } })
    await test.ok("PATCH", "/v4/secrets/KEY", { token, body: { ...place, secretValue: "1" } })
    const asked = watchConnections()
    const { secret } = await test.ok("PATCH", "/v4/secrets/KEY", {
      token,
      body: { ...place, secretValue: "2" },
    })
    const writes = asked().filter((texts) => texts.includes('update "project"'))
    expect(writes).toEqual([
      [
        "begin",
        'update "project"',
        'select "epoch" from "identity"',
        'select * from "secret"',
        "with first",
        'insert into "change"',
        "with event",
        "commit",
      ],
    ])
    expect(secret).toMatchObject({ version: 3, secretValue: "2" })
    const where = `projectId=${project.id}&environment=dev`
    const second = await test.ok("GET", `/v4/secrets/KEY?${where}&version=2`, { token })
    expect(second.secret).toMatchObject({ version: 2, secretValue: "1" })
  })

  it("of an import that changes 10,000 secrets are some for hundreds of them, so that it ends in time", async () => {
    const bench = await aWorkbench(await open())
    const importAll = (value: string, onConflict: string) => {
      const content = Array.from({ length: 10_000 }, (_, index) => `KEY_${index}=${value} ${index}\n`).join(
        "",
      )
      const body = { format: "dotenv", content, onConflict }
      return bench.ok("POST", `/coffer/v1/projects/${bench.project}/import`, body)
    }
    await importAll("old", "fail")
    const asked = watchConnections()
    const { changed } = await importAll("new", "overwrite")
    expect(changed).toHaveLength(10_000)
    const [texts = []] = asked().filter((ofOne) => ofOne.includes('update "project"'))
    expect(texts.length).toBeLessThan(150)
    expect(texts.filter((text) => text === 'update "secret"')).toHaveLength(20)
    expect((await bench.read("KEY_9999")).body.secret).toMatchObject({ version: 2, secretValue: "new 9999" })
  })

  it("of moves of 1,000 secrets, alone or with their folder, are some for hundreds of them", async () => {
    const bench = await aWorkbench(await open())
    const content = Array.from({ length: 1_000 }, (_, index) => `KEY_${index}=value ${index}\n`).join("")
    await bench.folder("/app")
    await bench.ok("POST", `/coffer/v1/projects/${bench.project}/import`, { format: "dotenv", content })
    const { secrets } = (await bench.list()).body
    const secretIds = secrets.map((secret: { id: string }) => secret.id)
    const asked = watchConnections()
    const updates = () =>
      asked().flatMap((texts) => texts.filter((text) => text === 'update "secret"')).length
    await bench.ok("POST", "/v4/secrets/move", {
      sourceEnvironment: "prod",
      sourceSecretPath: "/",
      destinationEnvironment: "prod",
      destinationSecretPath: "/app",
      secretIds,
    })
    expect(updates()).toBe(2)
    expect((await bench.list()).body.secrets).toEqual([])
    const moved = (await bench.read("KEY_999", "&secretPath=/app")).body.secret
    expect(moved).toMatchObject({ version: 2, secretValue: "value 999" })
    const { status } = await bench.call("POST", `/coffer/v1/projects/${bench.project}/folders/move`, {
      path: "/app",
      destinationEnvironment: "dev",
      destinationPath: "/",
    })
    expect([status, updates()]).toEqual([200, 4])
    expect(asked().flat().length).toBeLessThan(120)
    const at = `projectId=${bench.project}&environment=dev&secretPath=/app`
    const { body } = await bench.call("GET", `/v4/secrets/KEY_999?${at}`)
    expect(body.secret).toMatchObject({ id: moved.id, version: 3, secretValue: "value 999" })
    const rows = await bench.instance.test.storage.database.reader
      .selectFrom("secret")
      .innerJoin("environment", "environment.id", "secret.environment_id")
      .select("slug")
      .distinct()
      .execute()
    expect(rows).toEqual([{ slug: "dev" }])
  })

  it("of a batch that renames 1,000 secrets, each to the name of the next, are some for hundreds of them", async () => {
    const bench = await aWorkbench(await open())
    const content = Array.from({ length: 1_000 }, (_, index) => `KEY_${index}=value ${index}\n`).join("")
    await bench.ok("POST", `/coffer/v1/projects/${bench.project}/import`, { format: "dotenv", content })
    const secrets = Array.from({ length: 1_000 }, (_, index) => ({
      secretKey: `KEY_${index}`,
      newSecretName: `KEY_${(index + 1) % 1_000}`,
    }))
    const asked = watchConnections()
    await bench.ok("PATCH", "/v4/secrets/batch", { secrets })
    const [texts = []] = asked().filter((ofOne) => ofOne.includes('update "project"'))
    expect(texts.filter((text) => text === 'update "secret"')).toHaveLength(4)
    expect(texts.length).toBeLessThan(30)
    expect((await bench.read("KEY_0")).body.secret).toMatchObject({ version: 2, secretValue: "value 999" })
  })
})
