import { describeDatabase } from "@coffer/testkit"
import { expect, it } from "vitest"
import { aMachine, TestApp } from "./test-app.ts"
import { aWorkbench, type Workbench } from "./workbench.ts"

type Make = () => Promise<Workbench>

/** Rules of secrets, folders and environments through the HTTP API, on either database. */
export function describeSecrets(kind: "sqlite" | "postgres"): void {
  describeDatabase(kind, "secrets", (open) => {
    const make = async () => aWorkbench(await open())
    describeWrites(make)
    describeReads(make)
    describeHistory(make)
    describePlaces(make)
    describeShared(make)
  })
}

/** Creating and changing. */
function describeWrites(make: Make): void {
  it("creating what exists is a 400 and changes nothing", async () => {
    const bench = await make()
    await bench.put("A", "1")
    const again = await bench.call("POST", "/v3/secrets/raw/A", { secretValue: "2" })
    expect(again).toMatchObject({
      status: 400,
      body: { error: "CreateSecret", message: "Secret already exist" },
    })
    const secrets = [
      { secretKey: "NEW", secretValue: "1" },
      { secretKey: "A", secretValue: "2" },
    ]
    const batch = await bench.call("POST", "/v3/secrets/batch/raw", { secrets })
    expect(batch).toMatchObject({ status: 400, body: { message: "Secret already exist: A" } })
    expect((await bench.list()).body.secrets).toMatchObject([
      { secretKey: "A", secretValue: "1", version: 1 },
    ])
  })

  it.for([
    { sent: " a b ", stored: "a b" },
    { sent: "-----BEGIN-----\nx\n-----END-----\n", stored: "-----BEGIN-----\nx\n-----END-----\n" },
    { sent: "a\n\n\n", stored: "a\n" },
    { sent: "", stored: "" },
    { sent: "ünï\u0000cödé 😀", stored: "ünï\u0000cödé 😀" },
  ])("the value $sent comes back as $stored", async ({ sent, stored }) => {
    const bench = await make()
    expect((await bench.put("A", sent)).secretValue).toBe(stored)
    expect((await bench.read("A")).body.secret.secretValue).toBe(stored)
  })

  it("a field that is left out is unchanged, and a rename keeps the id", async () => {
    const bench = await make()
    const metadata = [
      { key: "owner", value: "payments", isEncrypted: false },
      { key: "pin", value: "1234", isEncrypted: true },
    ]
    const body = {
      secretValue: "1",
      secretComment: "why",
      secretMetadata: metadata,
      secretReminderNote: "rotate",
    }
    const { secret } = await bench.ok("POST", "/v3/secrets/raw/A", { ...body, skipMultilineEncoding: null })
    expect(secret).toMatchObject({ skipMultilineEncoding: false, secretMetadata: metadata })
    const renamed = await bench.ok("PATCH", "/v3/secrets/raw/A", { newSecretName: "B" })
    expect(renamed.secret).toMatchObject({
      id: secret.id,
      secretKey: "B",
      version: 2,
      secretValue: "1",
      secretComment: "why",
      secretMetadata: metadata,
      secretReminderNote: "rotate",
    })
    expect((await bench.read("A")).status).toBe(404)
    await bench.put("A", "other")
    const clash = await bench.call("PATCH", "/v3/secrets/raw/B", { newSecretName: "A" })
    expect(clash).toMatchObject({ status: 400, body: { error: "UpdateSecret" } })
    const missing = await bench.call("PATCH", "/v3/secrets/raw/NOPE", { secretValue: "1" })
    expect(missing).toMatchObject({ status: 404, body: { message: "Secret with name 'NOPE' not found" } })
  })

  it("a batch of updates fails, adds or skips what is missing, as its mode says", async () => {
    const bench = await make()
    await bench.folder("/sub")
    await bench.put("A", "1")
    await bench.put("S", "1", "/sub")
    const secrets = [
      { secretKey: "A", secretValue: "2" },
      { secretKey: "NEW", secretValue: "n" },
      { secretKey: "S", secretValue: "2", secretPath: "/sub" },
    ]
    expect((await bench.call("PATCH", "/v4/secrets/batch", { secrets })).status).toBe(404)
    expect((await bench.read("A")).body.secret.version).toBe(1)
    await bench.ok("PATCH", "/v4/secrets/batch", { secrets, mode: "ignore" })
    expect((await bench.read("NEW")).status).toBe(404)
    await bench.ok("PATCH", "/v4/secrets/batch", { secrets, mode: "upsert" })
    expect((await bench.read("NEW")).body.secret).toMatchObject({ secretValue: "n", version: 1 })
    expect((await bench.read("S", "&secretPath=/sub")).body.secret).toMatchObject({ version: 3 })
    const gone = { secrets: [{ secretKey: "A" }, { secretKey: "NOPE" }] }
    expect((await bench.call("DELETE", "/v4/secrets/batch", gone)).status).toBe(404)
    expect((await bench.read("A")).status).toBe(200)
  })
}

/** Listing and reading. */
function describeReads(make: Make): void {
  it("what is missing is named: environment, folder or secret; a list of a missing folder is empty", async () => {
    const bench = await make()
    const { project } = bench
    const environment = `Environment with slug 'nope' in project with ID ${project} not found`
    const folder = "Folder with path '/nope' in environment with slug 'prod' not found"
    const get = (query: string) => bench.call("GET", `/v3/secrets/raw/A?workspaceId=${project}&${query}`)
    expect((await get("environment=nope")).body.message).toBe(environment)
    expect((await get("environment=prod&secretPath=/nope")).body.message).toBe(folder)
    expect((await get("environment=prod")).body.message).toBe("Secret with name 'A' not found")
    const write = await bench.call("POST", "/v3/secrets/raw/A", { secretPath: "/nope", secretValue: "1" })
    expect(write).toMatchObject({ status: 404, body: { message: folder } })
    expect((await bench.list("&secretPath=/nope")).body).toMatchObject({ secrets: [], imports: [] })
    const list = await bench.call("GET", `/v3/secrets/raw?workspaceId=${project}&environment=nope`)
    expect(list).toMatchObject({ status: 404, body: { message: environment } })
    expect((await bench.call("GET", "/v3/secrets/raw?environment=prod")).status).toBe(400)
    expect((await bench.call("GET", `/v3/secrets/raw?workspaceId=${project}`)).status).toBe(400)
  })

  it("a recursive list is by path, then by key, and holds what lies below", async () => {
    const bench = await make()
    for (const path of ["/b", "/a/deep", "/a-b"]) await bench.folder(path)
    await bench.put("Z", "1")
    await bench.put("A", "1", "/b")
    await bench.put("B", "1", "/a/deep")
    await bench.put("A", "2", "/a/deep")
    await bench.put("M", "1", "/a-b")
    const names = async (more: string) =>
      (await bench.list(more)).body.secrets.map(
        (secret: { secretPath: string; secretKey: string }) => `${secret.secretPath} ${secret.secretKey}`,
      )
    expect(await names("&recursive=true")).toEqual(["/ Z", "/a-b M", "/a/deep A", "/a/deep B", "/b A"])
    expect(await names("&recursive=true&secretPath=/a")).toEqual(["/a/deep A", "/a/deep B"])
    expect(await names("")).toEqual(["/ Z"])
  })

  it("references are expanded where they are asked for, and the log says what was read", async () => {
    const bench = await make()
    const { test } = bench.instance
    for (const path of ["/db", "/app"]) await bench.folder(path)
    await bench.put("HOST", "db.internal", "/db")
    await bench.put("PORT", "5432", "/db")
    await bench.put("ADDRESS", "${HOST}:${PORT}", "/db")
    await bench.put("NAME", "billing", "/", "dev")
    await bench.put("URL", "postgres://${prod.db.ADDRESS}/${dev.NAME}?x=${NOPE}&y=$z&z=${bad name}", "/app")
    await bench.put("LOOP", "a-${LOOP2}-b")
    await bench.put("LOOP2", "${LOOP}")
    const url = await bench.read("URL", "&secretPath=/app")
    expect(url.body.secret.secretValue).toBe("postgres://db.internal:5432/billing?x=&y=$z&z=${bad name}")
    expect((await test.lastEvent())?.metadata).toMatchObject({
      references: ["dev:/NAME", "prod:/db/ADDRESS", "prod:/db/HOST", "prod:/db/PORT"],
    })
    const raw = await bench.read("URL", "&secretPath=/app&expandSecretReferences=false")
    expect(raw.body.secret.secretValue).toContain("${prod.db.ADDRESS}")
    expect((await bench.read("LOOP")).body.secret.secretValue).toBe("a--b")
    const list = await bench.list("&secretPath=/db")
    expect(list.body.secrets[0].secretValue).toBe("db.internal:5432")
  })

  it("a value that is not wanted is not opened, and lists filter by metadata", async () => {
    const bench = await make()
    const metadata = [
      { key: "team", value: "a" },
      { key: "tier", value: "1" },
    ]
    await bench.ok("POST", "/v4/secrets/A", { secretValue: "1", secretMetadata: metadata })
    await bench.put("B", "2")
    const hidden = (await bench.list("&viewSecretValue=false")).body.secrets[0]
    expect(hidden).toMatchObject({ secretValue: "<hidden-by-infisical>", secretValueHidden: true })
    const filtered = await bench.list(
      `&metadataFilter=${encodeURIComponent("key=team,value=a|key=tier,value=1")}`,
    )
    expect(filtered.body.secrets).toMatchObject([{ secretKey: "A", secretValueHidden: false }])
    expect((await bench.list("&metadataFilter=x")).status).toBe(400)
    expect((await bench.list("&includeImports=yes")).status).toBe(422)
  })
}

/** What is kept, and what tampering meets. */
function describeHistory(make: Make): void {
  it("history keeps every version and every deletion, by revision", async () => {
    const bench = await make()
    const created = await bench.put("A", "1")
    await bench.ok("PATCH", "/v3/secrets/raw/A", { secretValue: "2" })
    const { secretVersions } = await bench.ok("GET", `/v1/secret/${created.id}/secret-versions`)
    expect(secretVersions.map((version: { version: number }) => version.version)).toEqual([2, 1])
    expect(JSON.stringify(secretVersions)).not.toContain("secretValue")
    await bench.ok("DELETE", "/v3/secrets/raw/A", {})
    const { reader } = bench.instance.test.storage.database
    const versions = await reader
      .selectFrom("secret_version")
      .select(["version", "op", "value_sealed", "revision"])
      .where("secret_id", "=", created.id)
      .orderBy("version")
      .execute()
    expect(versions.map((version) => [version.op, version.value_sealed === null])).toEqual([
      ["create", false],
      ["update", false],
      ["delete", true],
    ])
    const changes = await reader
      .selectFrom("change")
      .select(["revision", "kind", "path", "keys"])
      .where("project_id", "=", bench.project)
      .where("kind", "like", "secret:%")
      .orderBy("revision")
      .execute()
    expect(changes.map(({ kind, path, keys }) => [kind, path, keys])).toEqual([
      ["secret:create", "/", '["A"]'],
      ["secret:update", "/", '["A"]'],
      ["secret:delete", "/", '["A"]'],
    ])
    expect(versions.map((version) => version.revision)).toEqual(changes.map((change) => change.revision))
    const again = await bench.put("A", "3")
    expect(again.id).not.toBe(created.id)
  })

  it("a ciphertext that was moved does not open, nor under another name", async () => {
    const bench = await make()
    const { storage } = bench.instance.test
    const [a, b] = [await bench.put("A", "value-a"), await bench.put("B", "value-b")]
    const row = (id: string) =>
      storage.database.reader.selectFrom("secret").selectAll().where("id", "=", id).executeTakeFirstOrThrow()
    const [rowA, rowB] = [await row(a.id), await row(b.id)]
    const readFresh = async (key: string) => {
      const fresh = new TestApp(storage)
      const url = `/v4/secrets/${key}?projectId=${bench.project}&environment=prod`
      return await fresh.call("GET", url, { token: bench.instance.adminToken })
    }
    const change = (id: string, columns: Partial<typeof rowA>) =>
      storage.database.write(async ({ db }) => {
        await db.updateTable("secret").set(columns).where("id", "=", id).execute()
      })
    await change(a.id, { value_sealed: rowB.value_sealed })
    const moved = await readFresh("A")
    expect(moved.status).toBeGreaterThanOrEqual(500)
    expect(moved.text).not.toContain("value-b")
    await change(a.id, { value_sealed: rowA.value_sealed })
    expect((await readFresh("A")).body.secret.secretValue).toBe("value-a")
    await change(a.id, { key: "TEMP" })
    await change(b.id, { key: "A" })
    const renamed = await readFresh("A")
    expect(renamed.status).toBe(500)
    expect(renamed.text).not.toContain("value-b")
  })

  it("the audit log tells members who did what, newest first, and that it was looked at", async () => {
    const bench = await make()
    await bench.put("A", "1")
    await bench.read("A")
    const url = `/v1/organization/audit-logs?projectId=${bench.project}`
    const { auditLogs } = await bench.ok("GET", `${url}&eventType=get-secret,create-secret`)
    const types = auditLogs.map((log: { event: { type: string } }) => log.event.type)
    expect([...types].sort()).toEqual(["create-secret", "get-secret"])
    expect(auditLogs[0]).toMatchObject({
      projectId: bench.project,
      projectName: "Billing API",
      actor: {
        type: "identity",
        metadata: { identityId: bench.instance.adminId, authMethod: "token-auth" },
      },
      event: { metadata: { environment: "prod", secretPath: "/", secretKey: "A", secretVersion: 1 } },
    })
    expect(await bench.instance.test.lastEvent()).toMatchObject({ type: "view-audit-logs" })
    expect((await bench.ok("GET", `${url}&secretKey=NOPE`)).auditLogs).toEqual([])
    const span = "&startDate=2025-01-01T00:00:00Z&endDate=2024-01-01T00:00:00Z"
    expect((await bench.call("GET", url + span)).status).toBe(422)
  })
}

/** Folders and environments. */
function describePlaces(make: Make): void {
  it("folders are made with what is missing above, once, and deleted with what is below", async () => {
    const bench = await make()
    const first = await bench.folder("/api/worker")
    expect(first.folder).toMatchObject({
      name: "worker",
      path: "/api/worker",
      version: 1,
      isReserved: false,
    })
    expect((await bench.folder("/api/worker")).folder.id).toBe(first.folder.id)
    await bench.put("A", "1", "/api/worker")
    const query = `workspaceId=${bench.project}&environment=prod`
    const { folders } = await bench.ok("GET", `/v1/folders?${query}&recursive=true`)
    expect(folders.map((folder: { relativePath: string }) => folder.relativePath)).toEqual([
      "/api",
      "/api/worker",
    ])
    expect((await bench.ok("GET", `/v1/folders/${first.folder.id}`)).folder).toMatchObject({
      environment: { envSlug: "prod" },
      projectId: bench.project,
    })
    for (const name of ["a b", "a/b", "..", ""]) {
      expect((await bench.call("POST", "/v1/folders", { name })).status).toBe(422)
    }
    const renamed = await bench.ok("PATCH", `/v1/folders/${first.folder.id}`, { name: "jobs" })
    expect(renamed.folder).toMatchObject({ name: "jobs", version: 2 })
    expect((await bench.read("A", "&secretPath=/api/jobs")).body.secret.secretValue).toBe("1")
    const full = await bench.call("DELETE", "/v2/folders/api", { path: "/" })
    expect(full).toMatchObject({ status: 400, body: { error: "DeleteFolder" } })
    expect((await bench.read("A", "&secretPath=/api/jobs")).status).toBe(200)
    await bench.ok("DELETE", "/v1/folders/api", { path: "/" })
    expect((await bench.list("&recursive=true")).body.secrets).toEqual([])
    const { reader } = bench.instance.test.storage.database
    const gone = await reader.selectFrom("folder_version").select("name").where("op", "=", "delete").execute()
    expect(gone.map((folder) => folder.name).sort()).toEqual(["api", "jobs"])
  })

  it("environments are made, renamed and deleted with their secrets", async () => {
    const bench = await make()
    const path = `/v1/projects/${bench.project}/environments`
    const body = { name: "QA", slug: "qa" }
    const { environment } = await bench.ok("POST", path, body)
    expect(environment).toMatchObject({ name: "QA", slug: "qa", position: 4, projectId: bench.project })
    expect((await bench.call("POST", path, body)).status).toBe(400)
    expect((await bench.call("POST", path, { name: "x", slug: "Not A Slug" })).status).toBe(422)
    await bench.put("A", "1", "/", "qa")
    await bench.ok("PATCH", `${path}/${environment.id}`, { slug: "quality" })
    const url = (slug: string) => `/v4/secrets/A?projectId=${bench.project}&environment=${slug}`
    expect((await bench.call("GET", url("quality"))).body.secret.environment).toBe("quality")
    expect((await bench.call("GET", url("qa"))).status).toBe(404)
    await bench.ok("DELETE", `${path}/${environment.id}`)
    expect((await bench.call("GET", url("quality"))).status).toBe(404)
    expect((await bench.ok("GET", `/v1/projects/${bench.project}`)).project.environments).toHaveLength(3)
  })
}

/** Rules of a project, writers at once, and validators. */
function describeShared(make: Make): void {
  it("a project that wants upper case refuses other keys", async () => {
    const bench = await make()
    await bench.ok("PATCH", `/v1/projects/${bench.project}`, { autoCapitalization: true })
    const answer = await bench.call("POST", "/v3/secrets/raw/lower", { secretValue: "1" })
    expect(answer.status).toBe(400)
    expect(answer.body.message).toMatch(/^Secret name must be in UPPERCASE per project requirements/)
  })

  it("many writers of one project lose no write", async () => {
    const bench = await make()
    await bench.put("COUNTER", "0")
    const keys = Array.from({ length: 20 }, (_, index) => `KEY_${index}`)
    const answers = await Promise.all([
      ...keys.map((key) => bench.call("POST", `/v3/secrets/raw/${key}`, { secretValue: key })),
      ...keys.map((key) => bench.call("PATCH", "/v3/secrets/raw/COUNTER", { secretValue: key })),
    ])
    expect(answers.every((answer) => answer.status === 200)).toBe(true)
    const { secrets } = (await bench.list()).body
    expect(secrets).toHaveLength(21)
    expect(secrets[0]).toMatchObject({ secretKey: "COUNTER", version: 21 })
  })

  it("an ETag lasts as long as nothing changed, also over new logins, and a 304 is audited", async () => {
    const bench = await make()
    const { instance, project } = bench
    const { test } = instance
    await bench.put("A", "1")
    const machine = await aMachine(instance, { project })
    const url = `/v3/secrets/raw?workspaceId=${project}&environment=prod`
    const first = await test.call("GET", url, { token: machine.token })
    const etag = String(first.headers["etag"])
    expect(etag).toMatch(/^"[\w-]+"$/)
    const body = { clientId: machine.clientId, clientSecret: machine.clientSecret }
    await test.ok("POST", "/v1/auth/token/revoke", { body: { accessToken: machine.token } })
    const { accessToken: token } = await test.ok("POST", "/v1/auth/universal-auth/login", { body })
    const before = (await test.auditEvents()).length
    const headers = { "if-none-match": etag }
    const second = await test.call("GET", url, { token, headers })
    expect(second).toMatchObject({ status: 304, text: "" })
    expect(second.headers["etag"]).toBe(etag)
    expect((await test.auditEvents()).length).toBe(before + 1)
    expect(await test.lastEvent()).toMatchObject({ type: "get-secrets", metadata: { numberOfSecrets: 1 } })
    await bench.ok("PATCH", "/v3/secrets/raw/A", { secretValue: "2" })
    expect((await test.call("GET", url, { token, headers })).status).toBe(200)
    const path = `/v1/projects/${project}/memberships/identities/${machine.id}`
    await bench.ok("PATCH", path, { roles: [{ role: "no-access" }] })
    expect((await test.call("GET", url, { token, headers })).status).toBe(403)
  })
}
