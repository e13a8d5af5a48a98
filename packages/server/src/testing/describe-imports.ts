import { describeDatabase } from "@coffer/testkit"
import { expect, it } from "vitest"
import { aMachine, aProject, aSecret } from "./test-app.ts"
import { aWorkbench, type Workbench } from "./workbench.ts"

type Make = () => Promise<Workbench>
type Shown = { readonly secretPath: string; readonly environment: string; readonly secrets: readonly Item[] }
type Item = { readonly secretKey: string; readonly secretValue: string }

/** Rules of secret imports through the HTTP API, on either database. */
export function describeImports(kind: "sqlite" | "postgres"): void {
  describeDatabase(kind, "imports", (open) => {
    const make = async () => aWorkbench(await open())
    describeManaging(make)
    describeReading(make)
    describeFilters(make)
    describeHistories(make)
    describeChanges(make)
  })
}

async function importInto(bench: Workbench, path: string, from: string, environment = "prod") {
  const body = { path, import: { environment, path: from } }
  return (await bench.ok("POST", "/v2/secret-imports", body)).secretImport
}

/** `environment:path KEY=value ...` of every import that a list shows. */
async function importsOf(bench: Workbench, path: string, more = ""): Promise<readonly string[]> {
  const { body } = await bench.list(`&secretPath=${path}${more}`)
  return body.imports.map((one: Shown) =>
    [
      `${one.environment}:${one.secretPath}`,
      ...one.secrets.map((s) => `${s.secretKey}=${s.secretValue}`),
    ].join(" "),
  )
}

/** Creating, ordering and removing. */
function describeManaging(make: Make): void {
  it("imports are made, shown, moved, pointed elsewhere and removed, and each change is a version", async () => {
    const bench = await make()
    for (const path of ["/app", "/a", "/b", "/c"]) await bench.folder(path)
    const a = await importInto(bench, "/app", "/a")
    const b = await importInto(bench, "/app", "/b")
    const c = await importInto(bench, "/app", "/c")
    expect(a).toMatchObject({
      importPath: "/a",
      importEnv: { slug: "prod" },
      position: 1,
      isReplication: false,
    })
    const query = `projectId=${bench.project}&environment=prod&path=/app`
    const paths = async () => {
      const { secretImports } = await bench.ok("GET", `/v2/secret-imports?${query}`)
      return secretImports.map(
        (one: { position: number; importPath: string }) => `${one.position}${one.importPath}`,
      )
    }
    expect(await paths()).toEqual(["1/a", "2/b", "3/c"])
    await bench.ok("PATCH", `/v2/secret-imports/${c.id}`, { path: "/app", import: { position: 1 } })
    expect(await paths()).toEqual(["1/c", "2/a", "3/b"])
    const moved = await bench.ok("PATCH", `/v1/secret-imports/${a.id}`, {
      path: "/app",
      import: { environment: "dev", path: "/" },
    })
    expect(moved.secretImport).toMatchObject({
      id: a.id,
      importPath: "/",
      importEnv: { slug: "dev" },
      version: 3,
    })
    const removed = await bench.ok("DELETE", `/v2/secret-imports/${c.id}`, { path: "/app" })
    expect(removed.secretImport.id).toBe(c.id)
    expect(await paths()).toEqual(["1/", "2/b"])
    const one = await bench.ok("GET", `/v1/secret-imports/${b.id}`)
    expect(one.secretImport).toMatchObject({
      projectId: bench.project,
      secretPath: "/app",
      environment: { slug: "prod" },
    })
    const { reader } = bench.instance.test.storage.database
    const versions = await reader
      .selectFrom("secret_import_version")
      .select(["version", "op", "position", "import_path"])
      .where("import_id", "=", c.id)
      .orderBy("version")
      .execute()
    expect(versions.map((one) => [one.version, one.op, one.position])).toEqual([
      [1, "create", 3],
      [2, "update", 1],
      [3, "delete", 1],
    ])
    const changes = await reader
      .selectFrom("change")
      .select(["kind", "path"])
      .where("kind", "=", "secret:import-mutation")
      .execute()
    expect(changes).toEqual(
      Array.from({ length: 6 }, () => ({ kind: "secret:import-mutation", path: "/app" })),
    )
    const events = (await bench.instance.test.auditEvents()).filter((event) => event.type.includes("-import"))
    expect(events.map((event) => event.type)).toContain("update-secret-import")
    expect(events[0]?.metadata).toMatchObject({
      importFromEnvironment: "prod",
      importFromSecretPath: "/a",
      importToEnvironment: "prod",
      importToSecretPath: "/app",
    })
  })

  it("what cannot be imported is refused and named", async () => {
    const bench = await make()
    await bench.folder("/app")
    await bench.folder("/a")
    const attempt = (source: object, path = "/app") =>
      bench.call("POST", "/v2/secret-imports", { path, import: source })
    expect(await attempt({ environment: "prod", path: "/app" })).toMatchObject({
      status: 400,
      body: { message: "A folder cannot import itself" },
    })
    expect(await attempt({ environment: "prod", path: "/nope" })).toMatchObject({
      status: 404,
      body: { message: "Folder with path '/nope' in environment with slug 'prod' not found" },
    })
    expect((await attempt({ environment: "nope", path: "/" })).body.message).toContain(
      "Environment with slug 'nope'",
    )
    expect((await attempt({ environment: "prod", path: "/a" }, "/nope")).status).toBe(404)
    expect((await attempt({ environment: "prod", path: "/../a" })).status).toBe(422)
    expect((await attempt({ environment: "prod" })).status).toBe(422)
    const made = await importInto(bench, "/app", "/a")
    expect((await attempt({ environment: "prod", path: "/a/" })).body.message).toContain("already imported")
    const patch = (path: string, source: object) =>
      bench.call("PATCH", `/v2/secret-imports/${made.id}`, { path, import: source })
    expect((await patch("/app", { position: 2 })).body.message).toBe("import.position must be from 1 to 1")
    expect((await patch("/app", { position: 0 })).status).toBe(422)
    expect((await patch("/app", { path: "/app" })).status).toBe(400)
    expect((await patch("/", { position: 1 })).status).toBe(404)
    expect((await bench.call("DELETE", `/v2/secret-imports/${made.id}`, { path: "/" })).status).toBe(404)
    expect((await bench.call("GET", "/v2/secret-imports/nope")).status).toBe(404)
    expect(await importsOf(bench, "/app")).toEqual(["prod:/a"])
  })

  it("an import needs the right to read its source", async () => {
    const bench = await make()
    const { instance, project } = bench
    await bench.folder("/app")
    const rule = (subject: string, action: string[], environment: string) => ({
      subject,
      action,
      conditions: { environment },
    })
    const permissions = [
      rule("secret-imports", ["create", "read"], "prod"),
      rule("secrets", ["describeSecret", "readValue"], "prod"),
    ]
    const role = { slug: "importer", name: "Importer", permissions }
    await bench.ok("POST", `/v1/projects/${project}/roles`, role)
    const { token } = await aMachine(instance, { project, role: "importer" })
    const attempt = (environment: string) =>
      instance.test.call("POST", "/v2/secret-imports", {
        token,
        body: { projectId: project, environment: "prod", path: "/app", import: { environment, path: "/" } },
      })
    expect(await attempt("dev")).toMatchObject({
      status: 403,
      body: { message: "You are not allowed to readValue on secrets" },
    })
    expect((await attempt("prod")).status).toBe(200)
  })
}

/** What reads show. */
function describeReading(make: Make): void {
  it("a list shows imports in their order, nested ones inside the import that leads to them", async () => {
    const bench = await make()
    for (const path of ["/app", "/a", "/b", "/deep"]) await bench.folder(path)
    await bench.put("KEY", "app", "/app")
    await bench.put("KEY", "a", "/a")
    await bench.put("A", "a", "/a")
    await bench.put("KEY", "deep", "/deep")
    await bench.put("DEEP", "deep", "/deep")
    await bench.put("B", "b", "/b")
    await bench.put("DEV", "dev", "/", "dev")
    await importInto(bench, "/app", "/b")
    await importInto(bench, "/app", "/a")
    await importInto(bench, "/app", "/", "dev")
    await importInto(bench, "/a", "/deep")
    const expected = ["prod:/b B=b", "prod:/a A=a KEY=a DEEP=deep", "dev:/ DEV=dev"]
    expect(await importsOf(bench, "/app")).toEqual(expected)
    const v3 = `/v3/secrets/raw?workspaceId=${bench.project}&environment=prod&secretPath=/app`
    expect(await bench.ok("GET", v3)).not.toHaveProperty("imports")
    const { imports, secrets } = await bench.ok("GET", `${v3}&include_imports=true`)
    expect(secrets).toMatchObject([{ secretKey: "KEY", secretValue: "app", secretPath: "/app" }])
    expect(imports.map((one: Shown) => one.secretPath)).toEqual(["/b", "/a", "/"])
    expect(imports[2]).toMatchObject({ environment: "dev", folderId: expect.any(String) })
    const [item] = imports[1].secrets
    expect(item).toMatchObject({ workspace: bench.project, environment: "prod", type: "shared", version: 1 })
    for (const absent of ["createdAt", "updatedAt", "tags", "secretPath"])
      expect(item).not.toHaveProperty(absent)
    expect(await bench.instance.test.lastEvent()).toMatchObject({
      type: "get-secrets",
      metadata: { numberOfSecrets: 1, numberOfImportedSecrets: 5, imports: ["prod:/b", "prod:/a", "dev:/"] },
    })
    const only = `projectId=${bench.project}&environment=prod&path=/app`
    for (const url of [`/v2/secret-imports/secrets?${only}`, `/v2/secret-imports/secrets/raw?${only}`]) {
      expect((await bench.ok("GET", url)).secrets).toEqual(imports)
    }
  })

  it("a single read prefers its own folder, then the last import, and says where it found it", async () => {
    const bench = await make()
    for (const path of ["/app", "/a", "/b", "/deep"]) await bench.folder(path)
    await bench.put("OWN", "app", "/app")
    for (const path of ["/a", "/b"]) {
      await bench.put("OWN", path, path)
      await bench.put("BOTH", path, path)
    }
    await bench.put("DEEP", "deep", "/deep")
    await importInto(bench, "/app", "/a")
    await importInto(bench, "/app", "/b")
    await importInto(bench, "/a", "/deep")
    const read = async (key: string, more = "") =>
      (await bench.read(key, `&secretPath=/app${more}`)).body.secret
    expect(await read("OWN")).toMatchObject({ secretValue: "app", secretPath: "/app" })
    expect(await read("BOTH")).toMatchObject({ secretValue: "/b", secretPath: "/b" })
    expect(await read("DEEP")).toMatchObject({ secretValue: "deep", secretPath: "/deep" })
    expect(await bench.instance.test.lastEvent()).toMatchObject({
      type: "get-secret",
      metadata: { environment: "prod", secretPath: "/deep", secretKey: "DEEP" },
    })
    expect((await bench.read("BOTH", "&secretPath=/app&includeImports=false")).status).toBe(404)
    const v3 = (more: string) =>
      bench.call(
        "GET",
        `/v3/secrets/raw/BOTH?workspaceId=${bench.project}&environment=prod&secretPath=/app${more}`,
      )
    expect((await v3("")).status).toBe(404)
    expect((await v3("&include_imports=true")).body.secret.secretValue).toBe("/b")
    expect((await v3("&includeImports=true")).body.secret.secretValue).toBe("/b")
  })

  it("cycles end, and a folder that is imported twice by one import counts once", async () => {
    const bench = await make()
    for (const path of ["/a", "/b", "/c"]) await bench.folder(path)
    for (const path of ["/a", "/b", "/c"]) await bench.put(path.slice(1).toUpperCase(), path, path)
    await importInto(bench, "/a", "/b")
    await importInto(bench, "/b", "/c")
    await importInto(bench, "/b", "/a")
    await importInto(bench, "/c", "/a")
    await importInto(bench, "/c", "/b")
    await importInto(bench, "/a", "/c")
    expect(await importsOf(bench, "/a")).toEqual(["prod:/b B=/b C=/c", "prod:/c C=/c B=/b"])
    expect(await importsOf(bench, "/b")).toEqual(["prod:/c C=/c A=/a", "prod:/a A=/a C=/c"])
    expect((await bench.read("NOPE", "&secretPath=/a")).status).toBe(404)
    const names = await importsOf(bench, "/", "&recursive=true")
    expect(names).toHaveLength(6)
  })

  it("sources that may not be read are left out of lists and not found by single reads", async () => {
    const bench = await make()
    const { instance, project } = bench
    for (const path of ["/app", "/open", "/closed"]) await bench.folder(path)
    await bench.put("OPEN", "1", "/open")
    await bench.put("CLOSED", "2", "/closed")
    await bench.put("HIDDEN", "3", "/open")
    await importInto(bench, "/app", "/open")
    await importInto(bench, "/app", "/closed")
    const permissions = [
      { subject: "secrets", action: ["describeSecret", "readValue"] },
      {
        subject: "secrets",
        action: ["describeSecret", "readValue"],
        inverted: true,
        conditions: { secretPath: "/closed" },
      },
      { subject: "secrets", action: "readValue", inverted: true, conditions: { secretName: "HIDDEN" } },
    ]
    await bench.ok("POST", `/v1/projects/${project}/roles`, { slug: "some", name: "Some", permissions })
    const { token } = await aMachine(instance, { project, role: "some" })
    const place = `projectId=${project}&environment=prod&secretPath=/app`
    const list = await instance.test.ok("GET", `/v4/secrets?${place}`, { token })
    expect(list.imports).toMatchObject([{ secretPath: "/open", secrets: [{ secretKey: "OPEN" }] }])
    const get = (key: string) => instance.test.call("GET", `/v4/secrets/${key}?${place}`, { token })
    expect((await get("OPEN")).status).toBe(200)
    expect((await get("CLOSED")).status).toBe(404)
    expect((await get("HIDDEN")).status).toBe(404)
    const hidden = await instance.test.ok("GET", `/v4/secrets?${place}&viewSecretValue=false`, { token })
    expect(JSON.stringify(hidden)).not.toContain("CLOSED")
    expect(hidden.imports[0].secrets.map((one: Item) => `${one.secretKey}=${one.secretValue}`)).toEqual([
      "HIDDEN=<hidden-by-infisical>",
      "OPEN=<hidden-by-infisical>",
    ])
  })

  it("a folder that was imported and is gone shows as empty, and works again when it is back", async () => {
    const bench = await make()
    for (const path of ["/app", "/a"]) await bench.folder(path)
    await bench.put("A", "1", "/a")
    await importInto(bench, "/app", "/a")
    await bench.ok("DELETE", "/v1/folders/a", { path: "/" })
    expect(await importsOf(bench, "/app")).toEqual(["prod:/a"])
    expect((await bench.list("&secretPath=/app")).body.imports[0]).not.toHaveProperty("folderId")
    expect((await bench.read("A", "&secretPath=/app")).status).toBe(404)
    await bench.folder("/a")
    await bench.put("A", "2", "/a")
    expect(await importsOf(bench, "/app")).toEqual(["prod:/a A=2"])
  })
}

/** Lists that choose. */
function describeFilters(make: Make): void {
  it("tags and metadata choose among secrets and imported ones alike", async () => {
    const bench = await make()
    for (const path of ["/app", "/a"]) await bench.folder(path)
    const tag = async (slug: string) =>
      (await bench.ok("POST", `/v1/projects/${bench.project}/tags`, { slug, color: "" })).tag.id
    const [one, two] = [await tag("one"), await tag("two")]
    const put = (key: string, secretPath: string, tagIds: string[], secretMetadata: object[]) =>
      bench.ok("POST", `/v4/secrets/${key}`, { secretValue: key, secretPath, tagIds, secretMetadata })
    const team = { key: "team", value: "a" }
    await put("ONE", "/app", [one], [team])
    await put("BOTH", "/app", [one, two], [team, { key: "tier", value: "1" }])
    await put("NONE", "/app", [], [{ ...team, isEncrypted: true }])
    await put("TWO", "/a", [two], [team])
    await put("PLAIN", "/a", [], [])
    await importInto(bench, "/app", "/a")
    const keys = async (more: string) => {
      const { body, status } = await bench.list(`&secretPath=/app${more}`)
      expect(status).toBe(200)
      return [...body.secrets, ...body.imports[0].secrets].map((secret: Item) => secret.secretKey)
    }
    const filter = (text: string) => `&metadataFilter=${encodeURIComponent(text)}`
    expect(await keys("&tagSlugs=two")).toEqual(["BOTH", "TWO"])
    expect(await keys("&tagSlugs=one,two,unknown")).toEqual(["BOTH", "ONE", "TWO"])
    expect(await keys("&tagSlugs=unknown")).toEqual([])
    expect(await keys("&tagSlugs=")).toHaveLength(5)
    expect(await keys(filter("key=team,value=a"))).toEqual(["BOTH", "ONE", "TWO"])
    expect(await keys(filter("key=team,value=a|key=tier,value=1"))).toEqual(["BOTH"])
    expect(await keys(`&tagSlugs=two${filter("key=tier,value=1")}`)).toEqual(["BOTH"])
    const eleven = Array.from({ length: 11 }, () => "key=a,value=b").join("|")
    expect((await bench.list(filter(eleven))).status).toBe(400)
  })

  it("a recursive list goes twenty levels deep, and shows the imports of every folder", async () => {
    const bench = await make()
    const levels = Array.from({ length: 22 }, (_, index) => `l${index + 1}`)
    const pathAt = (depth: number) => `/${levels.slice(0, depth).join("/")}`
    await bench.folder(pathAt(22))
    for (const depth of [1, 20, 21]) await bench.put(`D${depth}`, "x", pathAt(depth))
    await bench.folder("/shared")
    await bench.put("S", "s", "/shared")
    await importInto(bench, pathAt(2), "/shared")
    await importInto(bench, pathAt(21), "/shared")
    const list = async (path: string) => {
      const { body } = await bench.list(`&recursive=true&secretPath=${path}`)
      return [body.secrets.map((one: Item) => one.secretKey), body.imports.length]
    }
    expect(await list("/")).toEqual([["D1", "D20", "S"], 1])
    expect(await list(pathAt(1))).toEqual([["D1", "D20", "D21"], 2])
  })
}

/** Histories. */
function describeHistories(make: Make): void {
  it("the history of a secret is shown to those who may know of the secret, where it is or was", async () => {
    const bench = await make()
    const { instance, project } = bench
    for (const path of ["/open", "/closed"]) await bench.folder(path)
    const open = await bench.put("A", "1", "/open")
    const closed = await bench.put("A", "1", "/closed")
    await bench.ok("DELETE", "/v4/secrets/A", { secretPath: "/open" })
    const permissions = [
      { subject: "secrets", action: "describeSecret", conditions: { secretPath: "/open" } },
    ]
    await bench.ok("POST", `/v1/projects/${project}/roles`, { slug: "some", name: "Some", permissions })
    const { token } = await aMachine(instance, { project, role: "some" })
    const history = (id: string) => instance.test.call("GET", `/v1/secret/${id}/secret-versions`, { token })
    expect((await history(open.id)).body.secretVersions).toHaveLength(2)
    expect((await history(closed.id)).status).toBe(403)
    await bench.ok("DELETE", "/v1/folders/open", { path: "/" })
    expect((await history(open.id)).status).toBe(403)
    expect((await bench.ok("GET", `/v1/secret/${open.id}/secret-versions`)).secretVersions).toHaveLength(2)
  })
}

/** What other changes do to imports, and imports to validators. */
function describeChanges(make: Make): void {
  it("imports follow a folder that is renamed (INF#3255)", async () => {
    const bench = await make()
    for (const path of ["/app", "/shared/db", "/shared-not"]) await bench.folder(path)
    await bench.put("HOST", "h", "/shared/db")
    await bench.put("NOT", "n", "/shared-not")
    await importInto(bench, "/app", "/shared/db")
    await importInto(bench, "/app", "/shared-not")
    await bench.ok("PATCH", "/v1/folders/shared", { path: "/", name: "common" })
    expect(await importsOf(bench, "/app")).toEqual(["prod:/common/db HOST=h", "prod:/shared-not NOT=n"])
  })

  it("a folder or an environment that is deleted takes its imports along, with tombstones", async () => {
    const bench = await make()
    for (const path of ["/app", "/a"]) await bench.folder(path)
    const first = await importInto(bench, "/app", "/", "dev")
    const second = await importInto(bench, "/app", "/a")
    const full = await bench.call("DELETE", "/v2/folders/app", { path: "/" })
    expect(full).toMatchObject({ status: 400, body: { error: "DeleteFolder" } })
    const { environments } = (await bench.ok("GET", `/v1/projects/${bench.project}`)).project
    const dev = environments.find((one: { slug: string }) => one.slug === "dev").id
    await bench.ok("DELETE", `/v1/projects/${bench.project}/environments/${dev}`)
    const query = `projectId=${bench.project}&environment=prod&path=/app`
    const { secretImports } = await bench.ok("GET", `/v2/secret-imports?${query}`)
    expect(secretImports).toMatchObject([{ id: second.id, position: 1, version: 2 }])
    await bench.ok("DELETE", "/v1/folders/app", { path: "/" })
    const { reader } = bench.instance.test.storage.database
    const gone = await reader
      .selectFrom("secret_import_version")
      .select("import_id")
      .where("op", "=", "delete")
      .execute()
    expect(gone.map((one) => one.import_id).sort()).toEqual([first.id, second.id].sort())
  })

  it("an ETag lasts until something that the answer shows could have changed, imported or not", async () => {
    const bench = await make()
    for (const path of ["/app", "/a"]) await bench.folder(path)
    await bench.put("A", "1", "/a")
    const url = `/v4/secrets?projectId=${bench.project}&environment=prod&secretPath=/app`
    const etagOf = async () => {
      const first = await bench.call("GET", url)
      const etag = String(first.headers["etag"])
      const { adminToken: token, test } = bench.instance
      expect((await test.call("GET", url, { token, headers: { "if-none-match": etag } })).status).toBe(304)
      return etag
    }
    const seen = [await etagOf()]
    const made = await importInto(bench, "/app", "/a")
    seen.push(await etagOf())
    await bench.ok("PATCH", "/v3/secrets/raw/A", { secretPath: "/a", secretValue: "2" })
    seen.push(await etagOf())
    await bench.ok("DELETE", `/v2/secret-imports/${made.id}`, { path: "/app" })
    seen.push(await etagOf())
    expect(new Set(seen).size).toBe(4)
    const { id: other } = await aProject(bench.instance, { name: "Other" })
    await aSecret(bench.instance, { project: other, key: "X", value: "1" })
    expect(await etagOf()).toBe(seen[3])
  })

  it("an import is seen at once by servers that had the project in memory", async () => {
    const bench = await make()
    for (const path of ["/app", "/a"]) await bench.folder(path)
    await bench.put("A", "1", "/a")
    expect(await importsOf(bench, "/app")).toEqual([])
    await importInto(bench, "/app", "/a")
    expect(await importsOf(bench, "/app")).toEqual(["prod:/a A=1"])
  })
}
