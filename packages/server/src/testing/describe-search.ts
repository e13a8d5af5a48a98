import { inspect } from "node:util"
import { describeDatabase } from "@coffer/testkit"
import { expect, it } from "vitest"
import { searchSecrets } from "../features/search/service.ts"
import { aMachine } from "./test-app.ts"
import { aWorkbench, type Workbench } from "./workbench.ts"

type Make = () => Promise<Workbench>
type Json = Readonly<Record<string, unknown>>
type Found = { readonly environment: string; readonly secretPath: string; readonly secretKey: string }

/** Search and references backwards through the HTTP API, on either database. */
export function describeSearch(kind: "sqlite" | "postgres"): void {
  describeDatabase(kind, "search", (open) => {
    const make = async () => aWorkbench(await open())
    describeMatching(make)
    describeLargeProjects(make)
    describeReferencesOf(make)
  })
}

const search = (bench: Workbench, body: Json, token = bench.instance.adminToken) =>
  bench.instance.test.call("POST", `/coffer/v1/projects/${bench.project}/search`, { token, body })

/** `environment:path KEY` of what was found. */
async function namesFound(bench: Workbench, body: Json, token?: string): Promise<readonly string[]> {
  const answer = await search(bench, body, token)
  expect(answer.status, answer.text).toBe(200)
  return answer.body.secrets.map((one: Found) => `${one.environment}:${one.secretPath} ${one.secretKey}`)
}

/** A project with secrets in several places. */
async function aFilledProject(make: Make): Promise<Workbench> {
  const bench = await make()
  await bench.folder("/db/main")
  const { tag } = await bench.ok("POST", `/v1/projects/${bench.project}/tags`, {
    slug: "backend",
    color: "#0a0",
  })
  await bench.put("API_KEY", "needle-in-dev", "/", "dev")
  await bench.ok("POST", "/v4/secrets/API_KEY", {
    secretValue: "needle-in-prod",
    tagIds: [tag.id],
    secretMetadata: [
      { key: "team", value: "payments" },
      { key: "pin", value: "hidden-pair", isEncrypted: true },
    ],
  })
  await bench.put("DB_PASSWORD", "straw", "/db/main")
  await bench.put("DB_USER", "a needle", "/db/main")
  return bench
}

function describeMatching(make: Make): void {
  it("finds secrets of all environments and folders by name, tag, metadata and value, and shows no value", async () => {
    const bench = await aFilledProject(make)
    const all = ["dev:/ API_KEY", "prod:/ API_KEY", "prod:/db/main DB_PASSWORD", "prod:/db/main DB_USER"]
    const [inDev, inProd, password, user] = all
    const table: readonly (readonly [Json, readonly (string | undefined)[]])[] = [
      [{}, all],
      [{ key: { contains: "_pass" } }, [password]],
      [{ key: { prefix: "db" } }, [password, user]],
      [{ key: { prefix: "B" } }, []],
      [{ key: { glob: "*_k?y" } }, [inDev, inProd]],
      [{ key: { glob: "API" } }, []],
      [{ key: { glob: "**" } }, all],
      [{ tags: ["backend", "nope"] }, [inProd]],
      [{ metadata: [{ key: "team", value: "payments" }] }, [inProd]],
      [{ metadata: [{ key: "team", value: "other" }] }, []],
      [{ metadata: [{ key: "pin" }] }, [inProd]],
      [{ metadata: [{ key: "pin", value: "hidden-pair" }] }, []],
      [{ value: { contains: "needle" } }, [inDev, inProd, user]],
      [{ value: { contains: "Needle" } }, []],
      [{ value: { contains: "needle" }, key: { prefix: "DB" } }, [user]],
      [{ environment: "dev" }, [inDev]],
      [{ secretPath: "/db" }, [password, user]],
      [{ secretPath: "/nope" }, []],
    ]
    for (const [body, expected] of table) {
      expect(await namesFound(bench, body), JSON.stringify(body)).toEqual(expected)
    }
    const answer = await search(bench, { value: { contains: "needle" } })
    expect(answer.text).not.toContain("needle")
    expect(answer.body.secrets[1]).toMatchObject({ tags: [{ slug: "backend" }], version: 1 })
  })

  it("what cannot be searched for is refused by the name of its field, without what was sent", async () => {
    const bench = await aFilledProject(make)
    const wrong = [
      { key: {} },
      { key: { contains: "CANARY", prefix: "CANARY" } },
      { key: { contains: "" } },
      { value: { contains: "" } },
      { value: "CANARY" },
      { limit: 0 },
      { limit: 201 },
      { cursor: "CANARY" },
      { cursor: Buffer.from('["a"]').toString("base64url") },
    ]
    for (const body of wrong) {
      const answer = await search(bench, body)
      expect(answer.status, JSON.stringify(body)).toBe("cursor" in body ? 400 : 422)
      expect(answer.text).not.toContain("CANARY")
    }
    expect((await search(bench, { environment: "nope" })).status).toBe(404)
  })

  it("finds only what the caller may know of, and by value only what it may read", async () => {
    const bench = await aFilledProject(make)
    const { project, instance } = bench
    const permissions = [
      { subject: "secrets", action: "describeSecret" },
      {
        subject: "secrets",
        action: "describeSecret",
        inverted: true,
        conditions: { secretName: "DB_PASSWORD" },
      },
      { subject: "secrets", action: "readValue", conditions: { environment: "dev" } },
    ]
    await bench.ok("POST", `/v1/projects/${project}/roles`, { slug: "some", name: "Some", permissions })
    const some = await aMachine(instance, { project, role: "some" })
    expect(await namesFound(bench, {}, some.token)).toEqual([
      "dev:/ API_KEY",
      "prod:/ API_KEY",
      "prod:/db/main DB_USER",
    ])
    expect(await namesFound(bench, { value: { contains: "needle" } }, some.token)).toEqual(["dev:/ API_KEY"])
    const nobody = await aMachine(instance, { project, role: "no-access" })
    expect((await search(bench, {}, nobody.token)).status).toBe(403)
    const stranger = await aMachine(instance, { orgRole: "admin" })
    expect((await search(bench, {}, stranger.token)).status).toBe(403)
  })

  it("what was searched for is in no log, what was found is counted in one event", async () => {
    const bench = await aFilledProject(make)
    const { test } = bench.instance
    const before = (await test.auditEvents()).length
    await search(bench, { value: { contains: "needle" }, key: { contains: "CANARY-query" } })
    await search(bench, { value: { contains: "needle-in" } })
    const events = await test.auditEvents()
    expect(events).toHaveLength(before + 2)
    expect(events.at(-1)).toMatchObject({
      type: "search-secrets",
      projectId: bench.project,
      metadata: { isByValue: true, numberOfSecrets: 2, numberOfSearchedSecrets: 4 },
    })
    const written = JSON.stringify(events.slice(before)) + inspect(test.storage.log.entries, { depth: null })
    expect(written).not.toContain("needle")
    expect(written).not.toContain("CANARY")
  })
}

/** Fills folders by batches; `count` secrets in all. */
async function fill(bench: Workbench, count: number): Promise<void> {
  const perFolder = 1_000
  for (let from = 0; from < count; from += perFolder) {
    const secretPath = `/f${from / perFolder}`
    await bench.folder(secretPath)
    const secrets = Array.from({ length: perFolder }, (_, index) => ({
      secretKey: `KEY_${String(from + index).padStart(6, "0")}`,
      secretValue: `value-${from + index}`,
    }))
    await bench.ok("POST", "/v4/secrets/batch", { secretPath, secrets })
  }
}

function describeLargeProjects(make: Make): void {
  it("a search over 10,000 secrets goes page by page, and others are served all the while", async () => {
    const bench = await make()
    await fill(bench, 10_000)
    const found: string[] = []
    let cursor: string | null = null
    let pages = 0
    do {
      const turns = countTurns()
      const body: Json = { value: { contains: "value-" }, limit: 200, ...(cursor === null ? {} : { cursor }) }
      const answer = await search(bench, body)
      const { searched, nextCursor, secrets } = answer.body
      found.push(...secrets.map((one: Found) => one.secretKey))
      expect(turns.stop()).toBeGreaterThanOrEqual(Math.floor((searched * 2) / 250))
      cursor = nextCursor
      pages += 1
    } while (cursor !== null && pages < 100)
    expect(found).toEqual(
      Array.from({ length: 10_000 }, (_, index) => `KEY_${String(index).padStart(6, "0")}`),
    )

    const turns = countTurns()
    const rare = await search(bench, { value: { contains: "value-9999" } })
    expect(rare.body).toMatchObject({ secrets: [], searched: 5_000 })
    expect(turns.stop()).toBeGreaterThanOrEqual(40)
    const rest = await search(bench, { value: { contains: "value-9999" }, cursor: rare.body.nextCursor })
    expect(rest.body).toMatchObject({
      secrets: [{ secretKey: "KEY_009999" }],
      searched: 5_000,
      nextCursor: null,
    })
  })

  it("a search that nobody waits for any more ends with its slice", async () => {
    const bench = await make()
    await fill(bench, 2_000)
    const { test, adminToken } = bench.instance
    const session = await sessionOf(bench, adminToken)
    let asked = 0
    const wait = searchSecrets(test.app.features, session, {
      projectId: bench.project,
      criteria: { key: undefined, tags: [], metadata: [], valueContains: "nothing" },
      environment: undefined,
      path: "/",
      after: undefined,
      limit: 10,
      isAbandoned: () => {
        asked += 1
        // Who is gone stays gone, also when the search is made again because the data moved.
        return asked >= 3
      },
    })
    await expect(wait).rejects.toThrow("The caller went away")
    expect(asked).toBeGreaterThanOrEqual(3)
    expect(asked).toBeLessThan(8)
    expect((await test.auditEvents()).some((event) => event.type === "search-secrets")).toBe(false)
  })
}

async function sessionOf({ instance }: Workbench, token: string) {
  const { TokenAuthenticator } = await import("../features/tokens/index.ts")
  const source = { ipAddress: "127.0.0.1", userAgent: "test", requestId: "req-test" } as never
  const origin = { source, route: "POST /test" }
  return await new TokenAuthenticator(instance.test.app.features).authenticate(`Bearer ${token}`, origin)
}

/** How often the event loop comes round: each turn could have served someone else. */
function countTurns(): { stop(): number } {
  let turns = 0
  let timer = setImmediate(function turn() {
    turns += 1
    timer = setImmediate(turn)
  })
  return {
    stop: () => {
      clearImmediate(timer)
      return turns
    },
  }
}

function describeReferencesOf(make: Make): void {
  it("a secret is found by its id, with its place, as long as it exists", async () => {
    const bench = await make()
    const { instance, project } = bench
    await bench.folder("/app")
    await bench.put("HOST", "h", "/app")
    const made = await bench.put("A", "${HOST}!", "/app")
    const byId = (more = "", token = instance.adminToken) =>
      instance.test.call("GET", `/v4/secrets/id/${made.id}?${more}`, { token })
    expect((await byId()).body.secret).toMatchObject({
      id: made.id,
      secretPath: "/app",
      secretValue: "${HOST}!",
    })
    expect((await byId("expandSecretReferences=true")).body.secret.secretValue).toBe("h!")
    expect((await byId("viewSecretValue=false")).body.secret).toMatchObject({ secretValueHidden: true })
    const nobody = await aMachine(instance, { project, role: "no-access" })
    expect((await byId("", nobody.token)).status).toBe(403)
    const stranger = await aMachine(instance)
    expect((await byId("", stranger.token)).status).toBe(403)
    await bench.ok("DELETE", "/v4/secrets/A", { secretPath: "/app" })
    expect(await byId()).toMatchObject({
      status: 404,
      body: { message: `Secret with ID '${made.id}' not found` },
    })
  })

  it("references are shown in both directions, values only to those who may read them", async () => {
    const bench = await make()
    const { instance, project } = bench
    for (const path of ["/db", "/app"]) await bench.folder(path)
    await bench.put("HOST", "h", "/db")
    const url = await bench.put("URL", "pg://${HOST}:${prod.db.PORT}", "/db")
    const app = await bench.put("DB", "${prod.db.URL}", "/app")
    const importing = await bench.put("ALSO", "x-${URL}", "/app")
    await bench.put("OTHER", "${prod.db.HOST} URL", "/app")
    await bench.put("LOOP", "${LOOP}")
    await bench.ok("POST", "/v2/secret-imports", {
      path: "/app",
      import: { environment: "prod", path: "/db" },
    })
    const place = (path: string) => `?projectId=${project}&environment=prod&secretPath=${path}`
    const backwards = await bench.ok("GET", `/v4/secrets/URL/secret-references${place("/db")}`)
    expect(backwards).toMatchObject({ totalCount: 2 })
    expect(backwards.references).toEqual(
      [importing, app].map((one) => ({
        secretKey: one.secretKey,
        secretId: one.id,
        environment: "prod",
        secretPath: "/app",
        referenceType: "secret",
      })),
    )
    expect(url.id).not.toBe(app.id)
    const tree = await bench.ok("GET", `/v4/secrets/DB/secret-reference-tree${place("/app")}`)
    const at = (key: string, secretPath: string) => ({ key, environment: "prod", secretPath })
    expect(tree).toEqual({
      value: "pg://h:",
      tree: {
        ...at("DB", "/app"),
        value: "${prod.db.URL}",
        children: [
          {
            ...at("URL", "/db"),
            value: "pg://${HOST}:${prod.db.PORT}",
            children: [
              { ...at("HOST", "/db"), value: "h", children: [] },
              { ...at("PORT", "/db"), children: [] },
            ],
          },
        ],
      },
    })
    const loop = await bench.ok("GET", `/v4/secrets/LOOP/secret-reference-tree${place("/")}`)
    expect(loop.tree.children).toEqual([{ ...at("LOOP", "/"), value: "${LOOP}", children: [] }])
    const permissions = [
      { subject: "secrets", action: ["describeSecret", "readValue"] },
      {
        subject: "secrets",
        action: "readValue",
        inverted: true,
        conditions: { secretName: { $in: ["URL", "ALSO"] } },
      },
    ]
    await bench.ok("POST", `/v1/projects/${project}/roles`, { slug: "some", name: "Some", permissions })
    const { token } = await aMachine(instance, { project, role: "some" })
    const get = (url: string) => instance.test.ok("GET", url, { token })
    const partly = await get(`/v4/secrets/DB/secret-reference-tree${place("/app")}`)
    expect(partly).toEqual({
      tree: {
        ...at("DB", "/app"),
        value: "${prod.db.URL}",
        children: [{ ...at("URL", "/db"), children: [] }],
      },
    })
    const hidden = await get(`/v4/secrets/URL/secret-reference-tree${place("/db")}`)
    expect(hidden).toEqual({ tree: { ...at("URL", "/db"), children: [] } })
    const visible = await get(`/v4/secrets/HOST/secret-references${place("/db")}`)
    expect(visible.references.map((one: Found) => one.secretKey)).toEqual(["OTHER"])
  })
}
