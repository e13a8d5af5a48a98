import { expect, it } from "vitest"
import { type ImportedItem, importInto, importsOf, type ShownImport } from "./importing.ts"
import { aMachine } from "./test-app.ts"
import type { Workbench } from "./workbench.ts"

/** What lists and single reads show of imports. */
export function describeReadingImports(make: () => Promise<Workbench>): void {
  describeReading(make)
  describeFilters(make)
}

/** A few folders that import one another can show a secret as often as they like. No matter of the database. */
export function describeImportLimits(make: () => Promise<Workbench>): void {
  const everything = "&recursive=true&includeImports=true"

  /** Folders that all import `/shared`. */
  async function importers(bench: Workbench, count: number, of = "f"): Promise<void> {
    for (let n = 0; n < count; n += 1) {
      await bench.folder(`/${of}${n}`)
      await importInto(bench, `/${of}${n}`, "/shared")
    }
  }

  it("imports show a bounded number of characters, and the refusal says what to do", async () => {
    const bench = await make()
    await bench.folder("/shared")
    for (let n = 0; n < 8; n += 1) await bench.put(`LARGE_${n}`, "x".repeat(1_000_000), "/shared")
    await importers(bench, 8)
    expect((await bench.list(everything)).status).toBe(200)
    await importers(bench, 1, "last")
    const refused = await bench.list(everything)
    expect(refused).toMatchObject({ status: 400, body: { error: "BadRequest" } })
    expect(refused.body.message).toMatch(/more than 67108864 characters; list the folders one by one/)
    expect((await bench.list(`${everything}&viewSecretValue=false`)).status).toBe(200)
    expect((await bench.list("&secretPath=/last0&includeImports=true")).body.imports[0].secrets).toHaveLength(
      8,
    )
  })

  it("metadata counts among the characters that imports show", async () => {
    const bench = await make()
    await bench.folder("/shared")
    const secretMetadata = Array.from({ length: 100 }, (_, n) => ({ key: `k${n}`, value: "x".repeat(1_000) }))
    for (let n = 0; n < 10; n += 1) {
      const place = { secretPath: "/shared", secretValue: "v" }
      await bench.ok("POST", `/v4/secrets/KEY_${n}`, { ...place, secretMetadata })
    }
    await importers(bench, 68)
    const refused = await bench.list(everything)
    expect(refused.status).toBe(400)
    expect(refused.body.message).toMatch(/more than 67108864 characters/)
  })

  it("imports show a bounded number of secrets", async () => {
    const bench = await make()
    await bench.folder("/shared")
    const secrets = Array.from({ length: 500 }, (_, n) => ({ secretKey: `KEY_${n}`, secretValue: "v" }))
    await bench.ok("POST", "/v4/secrets/batch", { secretPath: "/shared", secrets })
    await importers(bench, 100)
    const names = `${everything}&viewSecretValue=false`
    expect((await bench.list(names)).status).toBe(200)
    await importers(bench, 1, "last")
    const refused = await bench.list(names)
    expect(refused.status).toBe(400)
    expect(refused.body.message).toMatch(/more than 50000 secrets/)
  })
}

/** What reads show. */
function describeReading(make: () => Promise<Workbench>): void {
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
    expect(imports.map((one: ShownImport) => one.secretPath)).toEqual(["/b", "/a", "/"])
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
    expect(
      hidden.imports[0].secrets.map((one: ImportedItem) => `${one.secretKey}=${one.secretValue}`),
    ).toEqual(["HIDDEN=<hidden-by-infisical>", "OPEN=<hidden-by-infisical>"])
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
function describeFilters(make: () => Promise<Workbench>): void {
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
      return [...body.secrets, ...body.imports[0].secrets].map((secret: ImportedItem) => secret.secretKey)
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
      return [body.secrets.map((one: ImportedItem) => one.secretKey), body.imports.length]
    }
    expect(await list("/")).toEqual([["D1", "D20", "S"], 1])
    expect(await list(pathAt(1))).toEqual([["D1", "D20", "D21"], 2])
  })
}
