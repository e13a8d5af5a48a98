import { describeDatabase } from "@coffer/testkit"
import { expect, it } from "vitest"
import { pruneHistory } from "../features/history/index.ts"
import { aMachine, aSecret } from "./test-app.ts"
import { aWorkbench, type Workbench } from "./workbench.ts"

type Make = () => Promise<Workbench>

/** What was deleted, and the past of single secrets, on either database. */
export function describeTrash(kind: "sqlite" | "postgres"): void {
  describeDatabase(kind, "the trash", (open) => {
    describeTrashOf(async () => aWorkbench(await open()))
  })
  describeDatabase(kind, "versions of a secret", (open) => {
    describeVersions(async () => aWorkbench(await open()))
  })
}

const own = (bench: Workbench) => `/coffer/v1/projects/${bench.project}`

async function trashOf(bench: Workbench, more = "") {
  return await bench.ok("GET", `${own(bench)}/trash?${more}`)
}

function back(bench: Workbench, kind: string, id: string) {
  return bench.call("POST", `${own(bench)}/trash/restore`, { kind, id })
}

function describeTrashOf(make: Make): void {
  it("a deleted secret is listed with who and when, and comes back with id, value and history", async () => {
    const bench = await make()
    const { id } = await bench.put("A", "1")
    await bench.ok("PATCH", "/v4/secrets/A", { secretValue: "2", secretComment: "why" })
    await bench.ok("DELETE", "/v4/secrets/A", {})
    const { items } = await trashOf(bench)
    expect(items).toEqual([
      {
        kind: "secret",
        id,
        name: "A",
        place: { environment: "prod", path: "/" },
        deletedBy: { type: "identity", id: bench.instance.adminId },
        deletedAt: new Date(bench.instance.test.clock.now()).toISOString(),
        revision: 4,
        partOf: null,
      },
    ])
    expect((await back(bench, "secret", id)).status).toBe(200)
    expect((await bench.read("A")).body.secret).toMatchObject({
      id,
      version: 4,
      secretValue: "2",
      secretComment: "why",
    })
    expect((await bench.read("A", "&version=1")).body.secret.secretValue).toBe("1")
    expect((await trashOf(bench)).items).toEqual([])
    expect((await back(bench, "secret", id)).status).toBe(404)
  })

  it("a secret does not push another one away: the answer says what to do", async () => {
    const bench = await make()
    const { id } = await bench.put("A", "1")
    await bench.ok("DELETE", "/v4/secrets/A", {})
    await bench.put("A", "other")
    expect(await back(bench, "secret", id)).toMatchObject({
      status: 409,
      body: { error: "RestoreConflict", message: expect.stringContaining("rename or delete it") },
    })
    expect((await bench.read("A")).body.secret.secretValue).toBe("other")
  })

  it("a folder comes back with what went with it, and not with what went before", async () => {
    const bench = await make()
    await bench.folder("/app")
    await bench.folder("/app/db")
    await bench.folder("/other")
    const early = await bench.put("EARLY", "0", "/app")
    const late = await bench.put("LATE", "1", "/app/db")
    await bench.ok("POST", "/v2/secret-imports", {
      path: "/app",
      import: { environment: "prod", path: "/other" },
    })
    await bench.ok("DELETE", "/v4/secrets/EARLY", { secretPath: "/app" })
    await bench.ok("DELETE", "/v1/folders/app", { path: "/", forceDelete: true })
    const { items } = await trashOf(bench)
    expect(items.map((one: { name: string }) => one.name)).toEqual(["app", "EARLY"])
    const all = (await trashOf(bench, "all=true")).items
    expect(all.map((one: { name: string }) => one.name).sort()).toEqual(["EARLY", "LATE", "app", "db"])
    const folder = items[0]
    expect((await back(bench, "folder", folder.id)).status).toBe(200)
    expect((await bench.read("LATE", "&secretPath=/app/db")).body.secret).toMatchObject({
      id: late.id,
      secretValue: "1",
    })
    expect((await bench.read("EARLY", "&secretPath=/app")).status).toBe(404)
    const imports = await bench.ok(
      "GET",
      `/v2/secret-imports?projectId=${bench.project}&environment=prod&path=/app`,
    )
    expect(imports.secretImports).toHaveLength(1)
    expect((await back(bench, "secret", early.id)).status).toBe(200)
  })

  it("a secret brings the folders above it back", async () => {
    const bench = await make()
    await bench.folder("/a/b")
    const { id } = await bench.put("K", "1", "/a/b")
    await bench.ok("DELETE", "/v1/folders/a", { path: "/", forceDelete: true })
    expect((await back(bench, "secret", id)).status).toBe(200)
    expect((await bench.read("K", "&secretPath=/a/b")).body.secret).toMatchObject({ id, secretValue: "1" })
  })

  it("a deleted environment comes back with everything in it", async () => {
    const bench = await make()
    await bench.folder("/app")
    const { id } = await bench.put("K", "1", "/app")
    const project = await bench.ok("GET", `/v1/projects/${bench.project}`)
    const prod = project.project.environments.find((one: { slug: string }) => one.slug === "prod").id
    await bench.ok("DELETE", `/v1/projects/${bench.project}/environments/${prod}`)
    expect((await bench.read("K", "&secretPath=/app")).status).toBe(404)
    expect(await back(bench, "secret", id)).toMatchObject({
      status: 409,
      body: { message: expect.stringContaining("environment") },
    })
    expect((await back(bench, "environment", prod)).status).toBe(200)
    expect((await bench.read("K", "&secretPath=/app")).body.secret).toMatchObject({ id, secretValue: "1" })
  })

  it("after the days of the project the values are gone for good, and the limit of versions holds", async () => {
    const bench = await make()
    const { clock, storage } = bench.instance.test
    const { id } = await bench.put("A", "1")
    await bench.put("B", "0")
    for (const secretValue of ["1", "2", "3", "4"]) await bench.ok("PATCH", "/v4/secrets/B", { secretValue })
    await bench.ok("DELETE", "/v4/secrets/A", {})
    await bench.ok("PATCH", `${own(bench)}/history`, { trashDays: 7, versionLimit: 2 })
    expect(await pruneHistory({ database: storage.database, clock })).toBe(1)
    expect((await bench.read("B", "&version=4")).body.secret.secretValue).toBe("3")
    expect((await bench.read("B", "&version=3")).status).toBe(404)
    expect((await trashOf(bench)).items).toHaveLength(1)
    clock.advance(8 * 86_400_000)
    expect(await pruneHistory({ database: storage.database, clock })).toBe(1)
    expect(await pruneHistory({ database: storage.database, clock })).toBe(0)
    expect((await trashOf(bench)).items).toEqual([])
    expect((await back(bench, "secret", id)).status).toBe(404)
    const url = `${own(bench)}/restore?environment=prod&revision=3`
    expect((await bench.ok("GET", url)).restore).toMatchObject({ lostKeys: ["A", "B"] })
  })

  it("who may not create secrets brings none back, and who may know of none sees none", async () => {
    const bench = await make()
    const { id } = await bench.put("A", "1")
    await bench.ok("DELETE", "/v4/secrets/A", {})
    const { test } = bench.instance
    const viewer = await aMachine(bench.instance, { project: bench.project, role: "viewer" })
    const nobody = await aMachine(bench.instance, { project: bench.project, role: "no-access" })
    const body = { kind: "secret", id }
    const url = `${own(bench)}/trash`
    expect((await test.ok("GET", url, { token: viewer.token })).items).toHaveLength(1)
    expect((await test.call("POST", `${url}/restore`, { token: viewer.token, body })).status).toBe(403)
    expect((await test.call("GET", url, { token: nobody.token })).status).toBe(403)
  })
}

function describeVersions(make: Make): void {
  it("versions say who changed what and when; values are shown to those who ask and may", async () => {
    const bench = await make()
    const { id } = await bench.put("A", "one")
    await bench.ok("PATCH", "/v4/secrets/A", { secretValue: "two", newSecretName: "B" })
    await bench.ok("PATCH", "/v4/secrets/B", { secretComment: "why" })
    const url = `${own(bench)}/history/secrets/${id}`
    const plain = await bench.ok("GET", url)
    expect(plain.totalCount).toBe(3)
    expect(
      plain.versions.map((one: Record<string, unknown>) => [one["version"], one["changedFields"]]),
    ).toEqual([
      [3, ["comment"]],
      [2, ["key", "value"]],
      [1, null],
    ])
    expect(JSON.stringify(plain)).not.toMatch(/one|two/)
    const shown = await bench.ok("GET", `${url}?includeValue=true&limit=2`)
    expect(shown.versions.map((one: { secretValue: string }) => one.secretValue)).toEqual(["two", "two"])
    const diff = await bench.ok("GET", `${url}/diff?from=1&to=3`)
    expect(diff.changedFields).toEqual(["key", "value", "comment"])
    const event = await bench.instance.test.lastEvent()
    expect(event).toMatchObject({ type: "compare-secret-versions", metadata: { areValuesShown: false } })
    expect((await bench.call("GET", `${url}/diff?from=1&to=9`)).status).toBe(404)
  })

  it("a rollback is a new version with the old content and name, under the same id", async () => {
    const bench = await make()
    const { id } = await bench.put("A", "one")
    await bench.ok("PATCH", "/v4/secrets/A", { secretValue: "two", newSecretName: "B" })
    const url = `${own(bench)}/history/secrets/${id}/rollback`
    const answer = await bench.ok("POST", url, { version: 1 })
    expect(answer).toMatchObject({ secret: { secretKey: "A", version: 3 }, changedFields: ["key", "value"] })
    expect((await bench.read("A")).body.secret).toMatchObject({ id, version: 3, secretValue: "one" })
    expect((await bench.call("POST", url, { version: 1 })).status).toBe(400)
    await bench.ok("PATCH", "/v4/secrets/A", { newSecretName: "C" })
    await aSecret(bench.instance, { project: bench.project, key: "A", value: "other" })
    expect(await bench.call("POST", url, { version: 1 })).toMatchObject({
      status: 400,
      body: { message: "Secret with name 'A' already exists" },
    })
    const viewer = await aMachine(bench.instance, { project: bench.project, role: "viewer" })
    const call = { token: viewer.token, body: { version: 2 } }
    expect((await bench.instance.test.call("POST", url, call)).status).toBe(403)
  })
}
