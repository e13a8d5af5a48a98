import { describeDatabase } from "@coffer/testkit"
import { expect, it } from "vitest"
import { describeImportLimits, describeReadingImports } from "./describe-reading-imports.ts"
import { importInto, importsOf } from "./importing.ts"
import { aMachine, aProject, aSecret } from "./test-app.ts"
import { aWorkbench, type Workbench } from "./workbench.ts"

type Make = () => Promise<Workbench>

/** Rules of secret imports through the HTTP API, on either database. */
export function describeImports(kind: "sqlite" | "postgres"): void {
  describeDatabase(kind, "imports", (open) => {
    const make = async () => aWorkbench(await open())
    describeManaging(make)
    describeReadingImports(make)
    if (kind === "sqlite") describeImportLimits(make)
    describeHistories(make)
    describeChanges(make)
  })
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
