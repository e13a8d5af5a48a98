import { describeDatabase } from "@coffer/testkit"
import { expect, it } from "vitest"
import { aMachine } from "./test-app.ts"
import { aWorkbench, type Workbench } from "./workbench.ts"

type Make = () => Promise<Workbench>

/** Moving secrets between folders and environments, on either database. */
export function describeMoves(kind: "sqlite" | "postgres"): void {
  describeDatabase(kind, "moving secrets", (open) => {
    const make = async () => aWorkbench(await open())
    describeSecretMoves(make)
    describeFolderMoves(make)
    describeCopies(make)
    describeRenames(make)
  })
}

/** The body of a move from the root of dev to a folder of prod. */
const fromTo = (secretIds: readonly string[], more: object = {}) => ({
  sourceEnvironment: "dev",
  sourceSecretPath: "/",
  destinationEnvironment: "prod",
  destinationSecretPath: "/app",
  secretIds,
  ...more,
})

function describeSecretMoves(make: Make): void {
  it("a moved secret keeps its id, value and history, and is gone where it was", async () => {
    const bench = await make()
    await bench.folder("/app")
    const secret = await bench.put("A", "1", "/", "dev")
    await bench.ok("PATCH", "/v4/secrets/A", { environment: "dev", secretValue: "2", secretComment: "why" })
    const answer = await bench.ok("POST", "/v4/secrets/move", fromTo([secret.id]))
    expect(answer).toEqual({ isSourceUpdated: true, isDestinationUpdated: true })
    const moved = (await bench.read("A", "&secretPath=/app")).body.secret
    expect(moved).toMatchObject({ id: secret.id, version: 3, secretValue: "2", secretComment: "why" })
    const old = await bench.read("A", "&secretPath=/app&version=1")
    expect(old.body.secret.secretValue).toBe("1")
    const gone = await bench.call("GET", `/v4/secrets/A?projectId=${bench.project}&environment=dev`)
    expect(gone.status).toBe(404)
    const changes = await bench.instance.test.storage.database.reader
      .selectFrom("change")
      .select(["kind", "path", "keys"])
      .where("project_id", "=", bench.project)
      .orderBy("revision", "desc")
      .orderBy("ordinal")
      .limit(2)
      .execute()
    expect(changes).toEqual([
      { kind: "secret:delete", path: "/", keys: '["A"]' },
      { kind: "secret:create", path: "/app", keys: '["A"]' },
    ])
    const events = await bench.instance.test.auditEvents()
    expect(events.find((event) => event.type === "move-secrets")?.metadata).toMatchObject({
      sourceEnvironment: "dev",
      destinationSecretPath: "/app",
      secretIds: [secret.id],
      secretKeys: ["A"],
    })
  })

  it("all names that are taken are told at once, and nothing moves", async () => {
    const bench = await make()
    await bench.folder("/app")
    const ids: string[] = []
    for (const key of ["A", "B", "C"]) ids.push((await bench.put(key, key, "/", "dev")).id)
    const old = await bench.put("A", "old", "/app")
    await bench.put("C", "old", "/app")
    const refused = await bench.call("POST", "/v4/secrets/move", fromTo(ids))
    expect(refused).toMatchObject({
      status: 400,
      body: { message: "Already in '/app' of environment 'prod': A, C", details: { secretKeys: ["A", "C"] } },
    })
    expect((await bench.read("B", "&secretPath=/app")).status).toBe(404)
    expect((await bench.read("A", "&secretPath=/app")).body.secret).toMatchObject({ id: old.id, version: 1 })
    await bench.ok("POST", "/v4/secrets/move", fromTo(ids, { shouldOverwrite: true }))
    const { secrets } = (await bench.list("&secretPath=/app")).body
    expect(secrets.map((one: { id: string; secretValue: string }) => [one.id, one.secretValue])).toEqual([
      [ids[0], "A"],
      [ids[1], "B"],
      [ids[2], "C"],
    ])
    const versions = await bench.ok("GET", `/v1/secret/${old.id}/secret-versions`)
    expect(versions.secretVersions[0]).toMatchObject({ version: 2, isDeleted: true })
  })

  it("what is missing is named, and a move to the same folder is refused", async () => {
    const bench = await make()
    await bench.folder("/app")
    const { id } = await bench.put("A", "1", "/", "dev")
    const move = (body: object) => bench.call("POST", "/v4/secrets/move", { ...fromTo([id]), ...body })
    expect(await move({ secretIds: [id, "nope"] })).toMatchObject({
      status: 404,
      body: { message: "Secrets with ID 'nope' not found in '/'" },
    })
    expect((await move({ destinationSecretPath: "/nope" })).body.message).toContain("'/nope'")
    expect((await move({ sourceEnvironment: "nope" })).body.message).toContain("'nope'")
    expect((await move({ destinationEnvironment: "dev", destinationSecretPath: "/" })).status).toBe(400)
    expect((await move({ secretIds: [] })).status).toBe(422)
    expect((await move({ secretIds: [id, id] })).status).toBe(400)
    expect((await bench.call("GET", `/v4/secrets/A?projectId=${bench.project}&environment=dev`)).status).toBe(
      200,
    )
  })

  it("who may not read a secret cannot move it to where it may", async () => {
    const bench = await make()
    await bench.folder("/app")
    const secret = await bench.put("A", "1", "/", "dev")
    const { test } = bench.instance
    const role = {
      slug: "mover",
      name: "Mover",
      permissions: [
        { subject: "secrets", action: ["create", "edit", "delete", "describeSecret"] },
        { subject: "secrets", action: "readValue", conditions: { environment: "prod" } },
      ],
    }
    await bench.ok("POST", `/v1/projects/${bench.project}/roles`, role)
    const { token } = await aMachine(bench.instance, { project: bench.project, role: "mover" })
    const body = { projectId: bench.project, ...fromTo([secret.id]) }
    const refused = await test.call("POST", "/v4/secrets/move", { token, body })
    expect(refused).toMatchObject({ status: 403, body: { error: "PermissionDenied" } })
    expect((await bench.read("A", "&secretPath=/app")).status).toBe(404)
  })
}

/** Paths and values of an environment. */
async function contents(bench: Workbench, environment: string): Promise<Readonly<Record<string, string>>> {
  const url = `/v4/secrets?projectId=${bench.project}&environment=${environment}&recursive=true`
  const { secrets } = await bench.ok("GET", url)
  return Object.fromEntries(
    secrets.map((one: { secretPath: string; secretKey: string; secretValue: string }) => [
      `${one.secretPath === "/" ? "" : one.secretPath}/${one.secretKey}`,
      one.secretValue,
    ]),
  )
}

async function aTree(bench: Workbench): Promise<void> {
  await bench.folder("/app/db")
  await bench.folder("/other")
  await bench.put("NAME", "app", "/app")
  await bench.put("PASSWORD", "secret", "/app/db")
}

function describeFolderMoves(make: Make): void {
  const move = (bench: Workbench, body: object) =>
    bench.call("POST", `/coffer/v1/projects/${bench.project}/folders/move`, { ...body })

  it("a folder moves with everything below it, under its id, and both places are told", async () => {
    const bench = await make()
    await aTree(bench)
    const before = (await bench.read("PASSWORD", "&secretPath=/app/db")).body.secret
    const answer = await move(bench, { path: "/app", destinationPath: "/other" })
    expect(answer.body.folder).toMatchObject({ name: "app", path: "/other/app", version: 2 })
    expect(await contents(bench, "prod")).toEqual({
      "/other/app/NAME": "app",
      "/other/app/db/PASSWORD": "secret",
    })
    const after = (await bench.read("PASSWORD", "&secretPath=/other/app/db")).body.secret
    expect(after).toMatchObject({ id: before.id, version: 1 })
    const { folderVersions } = await bench.ok("GET", `/coffer/v1/folders/${answer.body.folder.id}/versions`)
    expect(folderVersions.map((one: { version: number }) => one.version)).toEqual([2, 1])
    const changes = await bench.instance.test.storage.database.reader
      .selectFrom("change")
      .select(["kind", "path"])
      .where("project_id", "=", bench.project)
      .orderBy("revision", "desc")
      .orderBy("ordinal")
      .limit(5)
      .execute()
    expect(changes.map(({ kind, path }) => `${kind} ${path}`)).toEqual([
      "secret:delete /app",
      "secret:create /other/app",
      "secret:delete /app/db",
      "secret:create /other/app/db",
      "folder /other/app",
    ])
  })

  it("a folder moves to another environment, and its secrets still open there", async () => {
    const bench = await make()
    await aTree(bench)
    const old = (await bench.read("PASSWORD", "&secretPath=/app/db")).body.secret
    const to = { destinationEnvironment: "dev", destinationPath: "/" }
    expect((await move(bench, { path: "/app", ...to })).status).toBe(200)
    expect(await contents(bench, "prod")).toEqual({})
    expect(await contents(bench, "dev")).toEqual({ "/app/NAME": "app", "/app/db/PASSWORD": "secret" })
    const url = `/v4/secrets/PASSWORD?projectId=${bench.project}&environment=dev&secretPath=/app/db`
    expect((await bench.call("GET", url)).body.secret).toMatchObject({ id: old.id, version: 2 })
    await bench.ok("PATCH", "/v4/secrets/PASSWORD", {
      environment: "dev",
      secretPath: "/app/db",
      secretValue: "new",
    })
    expect((await contents(bench, "dev"))["/app/db/PASSWORD"]).toBe("new")
  })

  it("a folder is not moved into itself, onto another one, nor from nowhere, and the root stays", async () => {
    const bench = await make()
    await aTree(bench)
    await bench.folder("/other/app")
    for (const body of [
      { path: "/app", destinationPath: "/app/db" },
      { path: "/app", destinationPath: "/app" },
      { path: "/app", destinationPath: "/other" },
      { path: "/app", destinationPath: "/" },
      { path: "/", destinationPath: "/other" },
    ]) {
      expect(await move(bench, body), body.destinationPath).toMatchObject({
        status: 400,
        body: { error: "UpdateFolder" },
      })
    }
    expect((await move(bench, { path: "/nope", destinationPath: "/" })).status).toBe(404)
    expect((await move(bench, { path: "/app", destinationPath: "/nope" })).status).toBe(404)
    expect(await contents(bench, "prod")).toEqual({ "/app/NAME": "app", "/app/db/PASSWORD": "secret" })
  })

  it("whoever may not read a folder's secrets can neither move it nor rename it away from its rules", async () => {
    const bench = await make()
    await aTree(bench)
    const permissions = [
      { subject: "secrets", action: ["read", "create", "edit", "delete"] },
      {
        subject: "secrets",
        action: "readValue",
        inverted: true,
        conditions: { secretPath: { $glob: "/app/**" } },
      },
      { subject: "secret-folders", action: ["read", "create", "edit", "delete"] },
    ]
    const role = { slug: "tidy", name: "Tidy", permissions }
    await bench.ok("POST", `/v1/projects/${bench.project}/roles`, role)
    const { token } = await aMachine(bench.instance, { project: bench.project, role: "tidy" })
    const { test } = bench.instance
    const place = { projectId: bench.project, environment: "prod" }
    const moved = await test.call("POST", `/coffer/v1/projects/${bench.project}/folders/move`, {
      token,
      body: { ...place, path: "/app", destinationPath: "/other" },
    })
    expect(moved.status).toBe(403)
    const renamed = await test.call("PATCH", "/v2/folders/app", {
      token,
      body: { ...place, path: "/", name: "open" },
    })
    expect(renamed.status).toBe(403)
    expect(Object.keys(await contents(bench, "prod"))).toContain("/app/NAME")
  })

  it("several folders are renamed at once, or none", async () => {
    const bench = await make()
    await aTree(bench)
    const query = `workspaceId=${bench.project}&environment=prod`
    const { folders } = await bench.ok("GET", `/v1/folders?${query}`)
    const id = (name: string) => folders.find((folder: { name: string }) => folder.name === name).id
    const rename = (list: readonly { id: string; name: string }[]) =>
      bench.call("PATCH", "/v2/folders/batch", {
        folders: list.map((one) => ({ ...one, environment: "prod", path: "/" })),
      })
    const clash = await rename([
      { id: id("app"), name: "same" },
      { id: id("other"), name: "same" },
    ])
    expect(clash).toMatchObject({
      status: 400,
      body: { message: "Folder with specified name already exists" },
    })
    expect(
      (
        await rename([
          { id: id("app"), name: "x" },
          { id: "nope", name: "y" },
        ])
      ).status,
    ).toBe(404)
    expect(Object.keys(await contents(bench, "prod"))).toEqual(["/app/NAME", "/app/db/PASSWORD"])
    const done = await rename([
      { id: id("app"), name: "service" },
      { id: id("other"), name: "rest" },
    ])
    expect(done.body.folders.map((folder: { name: string }) => folder.name)).toEqual(["service", "rest"])
    expect(Object.keys(await contents(bench, "prod"))).toEqual(["/service/NAME", "/service/db/PASSWORD"])
  })
}

function describeCopies(make: Make): void {
  const copy = (bench: Workbench, body: object) =>
    bench.call("POST", `/coffer/v1/projects/${bench.project}/secrets/copy`, {
      sourceEnvironment: "prod",
      sourceSecretPath: "/app",
      destinationEnvironment: "dev",
      destinationSecretPath: "/copy",
      ...body,
    })

  it("a folder is copied with its sub-folders (INF#926), under new ids", async () => {
    const bench = await make()
    await aTree(bench)
    const { tag } = await bench.ok("POST", `/v1/projects/${bench.project}/tags`, { slug: "team" })
    await bench.ok("PATCH", "/v4/secrets/NAME", {
      secretPath: "/app",
      secretComment: "why",
      tagIds: [tag.id],
      secretMetadata: [{ key: "pin", value: "1", isEncrypted: true }],
    })
    const answer = await copy(bench, { recursive: true })
    expect(answer.body).toEqual({
      created: [
        { secretPath: "/copy", secretKey: "NAME" },
        { secretPath: "/copy/db", secretKey: "PASSWORD" },
      ],
      overwritten: [],
      skipped: [],
      foldersCreated: ["/copy", "/copy/db"],
    })
    expect(await contents(bench, "dev")).toEqual({ "/copy/NAME": "app", "/copy/db/PASSWORD": "secret" })
    expect(await contents(bench, "prod")).toEqual({ "/app/NAME": "app", "/app/db/PASSWORD": "secret" })
    const url = `/v4/secrets/NAME?projectId=${bench.project}&environment=dev&secretPath=/copy`
    const [made, old] = [
      (await bench.call("GET", url)).body.secret,
      (await bench.read("NAME", "&secretPath=/app")).body.secret,
    ]
    expect(made.id).not.toBe(old.id)
    expect(made).toMatchObject({
      version: 1,
      secretComment: "why",
      tags: [{ slug: "team" }],
      secretMetadata: [{ key: "pin", value: "1", isEncrypted: true }],
    })
  })

  it("conflicts fail all at once, are skipped, or are overwritten under the id that was there", async () => {
    const bench = await make()
    await aTree(bench)
    await bench.ok("POST", "/v1/folders", { environment: "dev", name: "db", path: "/copy" })
    const old = await bench.put("NAME", "old", "/copy", "dev")
    await bench.put("PASSWORD", "old", "/copy/db", "dev")
    const before = await contents(bench, "dev")
    const refused = await copy(bench, { recursive: true })
    expect(refused).toMatchObject({
      status: 400,
      body: { message: "Already there: dev:/copy/NAME, dev:/copy/db/PASSWORD" },
    })
    expect(refused.body.details.conflicts).toHaveLength(2)
    const skipped = await copy(bench, { recursive: true, onConflict: "skip" })
    expect(skipped.body).toMatchObject({ created: [], overwritten: [], skipped: [{}, {}] })
    expect(await contents(bench, "dev")).toEqual(before)
    const done = await copy(bench, { recursive: true, onConflict: "overwrite" })
    expect(done.body).toMatchObject({ created: [], overwritten: [{}, {}], skipped: [] })
    const url = `/v4/secrets/NAME?projectId=${bench.project}&environment=dev&secretPath=/copy`
    const { secret } = (await bench.call("GET", url)).body
    expect(secret).toMatchObject({ id: old.id, version: 2, secretValue: "app" })
  })

  it("only what is named is copied, and nothing into itself or from nowhere", async () => {
    const bench = await make()
    await aTree(bench)
    const { id } = (await bench.read("NAME", "&secretPath=/app")).body.secret
    expect((await copy(bench, { secretIds: [id], recursive: true })).body.foldersCreated).toEqual(["/copy"])
    expect(await contents(bench, "dev")).toEqual({ "/copy/NAME": "app" })
    expect((await copy(bench, { secretIds: [id, "nope"] })).status).toBe(404)
    const inside = { destinationEnvironment: "prod", destinationSecretPath: "/app/db/x", recursive: true }
    expect((await copy(bench, inside)).status).toBe(400)
    expect((await copy(bench, { sourceSecretPath: "/nope" })).status).toBe(404)
    expect((await copy(bench, { destinationEnvironment: "nope" })).status).toBe(404)
  })
}

function describeRenames(make: Make): void {
  it("a key gets its new name in every environment that has it, or in none", async () => {
    const bench = await make()
    const rename = (body: object) =>
      bench.call("POST", `/coffer/v1/projects/${bench.project}/secrets/rename`, {
        secretKey: "OLD",
        newSecretKey: "NEW",
        ...body,
      })
    const made = await bench.put("OLD", "p")
    await bench.put("OLD", "d", "/", "dev")
    await bench.put("NEW", "taken", "/", "dev")
    const refused = await rename({})
    expect(refused).toMatchObject({ status: 400, body: { message: "Already there: dev:/NEW" } })
    expect(await contents(bench, "prod")).toEqual({ "/OLD": "p" })
    expect((await rename({ environments: ["prod", "staging"] })).status).toBe(404)
    expect((await rename({ secretKey: "NOPE" })).status).toBe(404)
    expect((await rename({ newSecretKey: "a/b" })).status).toBe(422)
    await bench.ok("DELETE", "/v4/secrets/NEW", { environment: "dev" })
    expect((await rename({})).body).toEqual({ environments: ["dev", "prod"] })
    expect(await contents(bench, "dev")).toEqual({ "/NEW": "d" })
    expect((await bench.read("NEW")).body.secret).toMatchObject({ id: made.id, version: 2 })
  })
}
