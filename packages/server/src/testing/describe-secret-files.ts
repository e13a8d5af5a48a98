import { describeDatabase } from "@coffer/testkit"
import { expect, it } from "vitest"
import { aMachine } from "./test-app.ts"
import { aWorkbench, type Workbench } from "./workbench.ts"

type Make = () => Promise<Workbench>
type Json = Readonly<Record<string, unknown>>

/** Files of secrets, in and out, on either database. */
export function describeSecretFiles(kind: "sqlite" | "postgres"): void {
  describeDatabase(kind, "files of secrets", (open) => {
    const make = async () => aWorkbench(await open())
    describeImport(make)
    describeExport(make)
  })
}

const importFile = (bench: Workbench, body: Json) =>
  bench.call("POST", `/coffer/v1/projects/${bench.project}/import`, { format: "dotenv", ...body })

const exportFile = (bench: Workbench, more = "") =>
  bench.call("GET", `/coffer/v1/projects/${bench.project}/export?environment=prod${more}`)

const revisionOf = async (bench: Workbench) =>
  await bench.instance.test.storage.database.reader
    .selectFrom("project")
    .select("revision")
    .where("id", "=", bench.project)
    .executeTakeFirstOrThrow()

function describeImport(make: Make): void {
  it("a preview tells what would happen, shows no value and writes nothing", async () => {
    const bench = await make()
    await bench.put("SAME", "1")
    await bench.put("OTHER", "canary-old")
    const before = await revisionOf(bench)
    const content = '{"NEW": "canary-new", "SAME": "1", "OTHER": "canary-next", "db": {"in": {"P": "x"}}}'
    const answer = await importFile(bench, { format: "json", content, preview: true })
    expect(answer.body).toEqual({
      isApplied: false,
      created: [
        { secretPath: "/", secretKey: "NEW" },
        { secretPath: "/db/in", secretKey: "P" },
      ],
      changed: [{ secretPath: "/", secretKey: "OTHER" }],
      unchanged: [{ secretPath: "/", secretKey: "SAME" }],
      foldersCreated: ["/db", "/db/in"],
    })
    expect(answer.text).not.toContain("canary")
    expect(await revisionOf(bench)).toEqual(before)
    expect((await bench.list("&recursive=true")).body.secrets).toHaveLength(2)
    expect(await bench.instance.test.auditEvents()).toContainEqual(
      expect.objectContaining({
        type: "preview-import",
        metadata: { environment: "prod", secretPath: "/", numberOfSecrets: 4 },
      }),
    )
  })

  it("a conflict fails the whole import and is named, with all others", async () => {
    const bench = await make()
    await bench.put("A", "1")
    await bench.put("B", "1")
    const refused = await importFile(bench, { content: "NEW=1\nA=canary-2\nB=canary-2\n" })
    expect(refused).toMatchObject({ status: 400, body: { message: "Already there: prod:/A, prod:/B" } })
    expect(refused.text).not.toContain("canary")
    expect((await bench.read("NEW")).status).toBe(404)
    expect((await importFile(bench, { content: "NEW=1\nA=1\n" })).body).toMatchObject({
      isApplied: true,
      created: [{ secretKey: "NEW" }],
      unchanged: [{ secretKey: "A" }],
    })
  })

  it("what is skipped stays, what is overwritten keeps its id, and the second run writes nothing", async () => {
    const bench = await make()
    const old = await bench.put("A", "1")
    const content = "A=2\nNEW='line 1\nline 2\n'\n"
    const skipped = await importFile(bench, { content, onConflict: "skip" })
    expect(skipped.body).toMatchObject({ created: [{ secretKey: "NEW" }], changed: [{ secretKey: "A" }] })
    expect((await bench.read("A")).body.secret.secretValue).toBe("1")
    await importFile(bench, { content, onConflict: "overwrite" })
    expect((await bench.read("A")).body.secret).toMatchObject({ id: old.id, version: 2, secretValue: "2" })
    expect((await bench.read("NEW")).body.secret).toMatchObject({
      version: 1,
      secretValue: "line 1\nline 2\n",
    })
    const again = await importFile(bench, { content, onConflict: "overwrite" })
    expect(again.body).toMatchObject({ created: [], changed: [], unchanged: [{}, {}] })
    expect((await bench.read("A")).body.secret.version).toBe(2)
    expect(await bench.instance.test.auditEvents()).toContainEqual(
      expect.objectContaining({
        type: "import-secrets",
        metadata: expect.objectContaining({ overwritten: [{ secretPath: "/", secretKey: "A" }] }),
      }),
    )
  })

  it("more secrets than a statement takes are changed, each to its own value and under its id", async () => {
    const bench = await make()
    const { clock, storage } = bench.instance.test
    const keys = Array.from({ length: 1_201 }, (_, index) => `KEY_${index}`)
    const file = (value: (key: string) => string) => keys.map((key) => `${key}=${value(key)}\n`).join("")
    const idsOf = async () => {
      const { secrets } = (await bench.list()).body
      return new Map<string, string>(secrets.map((one: Json) => [one["secretKey"], one["id"]]))
    }
    await importFile(bench, { content: file((key) => `old ${key}`) })
    const metadata = (await bench.instance.test.lastEvent())?.metadata
    expect(metadata).toMatchObject({ numberOfCreated: 1_201, numberOfOverwritten: 0, overwritten: [] })
    expect(metadata?.["created"]).toHaveLength(1_000)
    const ids = await idsOf()
    for (const secretKey of ["KEY_0", "KEY_1200"])
      await bench.ok("PATCH", `/v4/secrets/${secretKey}`, { secretReminderRepeatDays: 7 })
    clock.advance(60_000)
    const content = file((key) => (key === "KEY_0" ? `old ${key}` : `new ${key}`))
    const { body } = await importFile(bench, { content, onConflict: "overwrite" })
    expect([body.created.length, body.changed.length, body.unchanged.length]).toEqual([0, 1_200, 1])
    expect(await idsOf()).toEqual(ids)
    const { secrets } = (await bench.list()).body
    const values = new Map(secrets.map((one: Json) => [one["secretKey"], one["secretValue"]]))
    expect(values).toEqual(new Map(keys.map((key) => [key, key === "KEY_0" ? `old ${key}` : `new ${key}`])))
    for (const [key, version] of [
      ["KEY_1", 2],
      ["KEY_1200", 3],
    ] as const) {
      expect((await bench.read(key)).body.secret).toMatchObject({ version, secretValue: `new ${key}` })
      const before = (await bench.read(key, `&version=${version - 1}`)).body.secret
      expect(before).toMatchObject({ version: version - 1, secretValue: `old ${key}` })
    }
    const rows = await storage.database.reader.selectFrom("secret_reminder").selectAll().execute()
    const countsFrom = new Map(rows.map((row) => [row.secret_id, row.counts_from]))
    const [first = "", last = ""] = [ids.get("KEY_0"), ids.get("KEY_1200")]
    expect(countsFrom).toEqual(
      new Map([
        [first, clock.now() - 60_000],
        [last, clock.now()],
      ]),
    )
  })

  it("nested objects become folders below the one that was named, which is made if it is missing", async () => {
    const bench = await make()
    const content = "NAME: app\ndb:\n  PASSWORD: 0123\n"
    const answer = await importFile(bench, { format: "yaml", content, secretPath: "/app" })
    expect(answer.body.foldersCreated).toEqual(["/app", "/app/db"])
    const { secret } = (await bench.read("PASSWORD", "&secretPath=/app/db")).body
    expect(secret.secretValue).toBe("0123")
  })

  it.for([
    { format: "dotenv", content: "A=1\ncanary", problem: "body.content: line 2 is no KEY=VALUE" },
    { format: "dotenv", content: "A:B=canary", problem: "body.content: the key 'A:B' must not contain" },
    { format: "dotenv", content: "# nothing", problem: "body.content: the file holds no secret" },
    { format: "json", content: '{"a b": {"C": "canary"}}', problem: "'a b' holds other values" },
    { format: "json", content: '{"..": {"C": "canary"}}', problem: "body.content: the folder '/..'" },
    { format: "yaml", content: "A: [canary", problem: "body.content: line" },
    { format: "xml", content: "canary", problem: "body.format" },
  ])("a $format file that cannot be is refused: $problem", async ({ format, content, problem }) => {
    const bench = await make()
    const answer = await importFile(bench, { format, content })
    expect(answer.status).toBe(422)
    expect(answer.body.message).toContain(problem)
    expect(answer.text).not.toContain("canary")
  })

  it("whoever may not read values finds none out by importing", async () => {
    const bench = await make()
    await bench.put("A", "1")
    const permissions = [{ subject: "secrets", action: ["describeSecret", "create", "edit"] }]
    const role = { slug: "writer", name: "Writer", permissions }
    await bench.ok("POST", `/v1/projects/${bench.project}/roles`, role)
    const { token } = await aMachine(bench.instance, { project: bench.project, role: "writer" })
    for (const preview of [true, false]) {
      const body = { environment: "prod", format: "dotenv", content: "A=1", onConflict: "skip", preview }
      const url = `/coffer/v1/projects/${bench.project}/import`
      const answer = await bench.instance.test.call("POST", url, { token, body })
      expect(answer.body).toMatchObject({ changed: [{ secretKey: "A" }], unchanged: [] })
    }
  })
}

function describeExport(make: Make): void {
  it("a folder is exported in every format, and what is exported is read again", async () => {
    const bench = await make()
    await bench.folder("/db")
    await bench.put("NAME", "it's $HOME")
    await bench.put("URL", "x-${NAME}")
    await bench.put("PASSWORD", "p", "/db")
    expect((await exportFile(bench)).body).toEqual({
      fileName: "secrets.env",
      content: "NAME=`it's $HOME`\nURL=`x-it's $HOME`\n",
    })
    const raw = await exportFile(bench, "&expandSecretReferences=false&format=csv")
    expect(raw.body.content).toBe("Key,Value\nNAME,it's $HOME\nURL,x-${NAME}\n")
    const yaml = (await exportFile(bench, "&format=yaml&recursive=true&expandSecretReferences=false")).body
    const answer = await importFile(bench, { format: "yaml", content: yaml.content, environment: "dev" })
    expect(answer.body.created).toHaveLength(3)
    const back = await bench.call(
      "GET",
      `/coffer/v1/projects/${bench.project}/export?environment=dev&format=yaml&recursive=true&expandSecretReferences=false`,
    )
    expect(back.body.content).toBe(yaml.content)
  })

  it("a format that cannot hold a key says so, and an unknown one is a 422", async () => {
    const bench = await make()
    await bench.put("A B", "canary")
    const refused = await exportFile(bench, "&format=dotenv-export")
    expect(refused).toMatchObject({
      status: 400,
      body: { message: "a shell script cannot hold the keys 'A B'" },
    })
    expect(refused.text).not.toContain("canary")
    expect((await exportFile(bench, "&format=xml")).status).toBe(422)
  })

  it("a value that may not be read fails the export: a file with gaps would pass for the whole", async () => {
    const bench = await make()
    await bench.put("OPEN", "1")
    await bench.put("CLOSED", "canary")
    const permissions = [
      { subject: "secrets", action: "read" },
      { subject: "secrets", action: "readValue", inverted: true, conditions: { secretName: "CLOSED" } },
    ]
    await bench.ok("POST", `/v1/projects/${bench.project}/roles`, { slug: "some", name: "Some", permissions })
    const { token } = await aMachine(bench.instance, { project: bench.project, role: "some" })
    const url = `/coffer/v1/projects/${bench.project}/export?environment=prod`
    const answer = await bench.instance.test.call("GET", url, { token })
    expect(answer).toMatchObject({ status: 403, body: { details: ["CLOSED"] } })
    await bench.folder("/below")
    await bench.put("CLOSED", "canary", "/below")
    const below = await bench.instance.test.call("GET", `${url}&recursive=true&format=json`, { token })
    expect(below).toMatchObject({ status: 403, body: { details: ["CLOSED", "CLOSED"] } })
  })
}
