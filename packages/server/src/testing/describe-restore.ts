import { describeDatabase } from "@coffer/testkit"
import fc from "fast-check"
import { expect, it } from "vitest"
import { aMachine } from "./test-app.ts"
import { aWorkbench, type Workbench } from "./workbench.ts"

/** Point-in-time restore on either database. */
export function describeRestore(kind: "sqlite" | "postgres"): void {
  describeDatabase(kind, "restore", (open) => {
    describeOneRestore(async () => aWorkbench(await open()))
    it("a restore to any revision gives exactly what was there, whatever happened since", async () => {
      const bench = await aWorkbench(await open())
      let runs = 0
      await fc.assert(
        fc.asyncProperty(fc.array(operation, { minLength: 4, maxLength: 14 }), async (operations) => {
          runs += 1
          await checkAllRevisions(bench, await bench.another(`run-${runs}`), operations)
        }),
        { numRuns: 20 },
      )
    }, 120_000)
  })
}

const keys = ["A", "B", "C"]
const paths = ["/", "/x", "/x/y", "/z"]
const key = fc.constantFrom(...keys)
const path = fc.constantFrom(...paths)
const environment = fc.constantFrom("prod", "dev")
const operation = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({
      does: fc.constant("put" as const),
      key,
      path,
      value: fc.string({ maxLength: 5 }),
    }),
  },
  { weight: 2, arbitrary: fc.record({ does: fc.constant("rename" as const), key, path, to: key }) },
  { weight: 2, arbitrary: fc.record({ does: fc.constant("move" as const), key, path, to: path }) },
  { weight: 2, arbitrary: fc.record({ does: fc.constant("delete" as const), key, path }) },
  { weight: 3, arbitrary: fc.record({ does: fc.constant("folder" as const), path }) },
  {
    weight: 1,
    arbitrary: fc.record({
      does: fc.constant("rename-folder" as const),
      path,
      name: fc.constantFrom("x", "y", "z", "w"),
    }),
  },
  { weight: 1, arbitrary: fc.record({ does: fc.constant("delete-folder" as const), path }) },
  { weight: 1, arbitrary: fc.record({ does: fc.constant("import" as const), path, from: path }) },
  { weight: 1, arbitrary: fc.record({ does: fc.constant("move-folder" as const), path, from: environment }) },
)
type Operation = typeof operation extends fc.Arbitrary<infer T> ? T : never

/** Whether it succeeds depends on what is there; both are fine. */
async function perform(bench: Workbench, one: Operation): Promise<void> {
  const at = { secretPath: one.path }
  switch (one.does) {
    case "put":
      await bench.call("PATCH", "/v4/secrets/batch", {
        ...at,
        mode: "upsert",
        secrets: [{ secretKey: one.key, secretValue: one.value, secretComment: `about ${one.value}` }],
      })
      return
    case "rename":
      await bench.call("PATCH", `/v4/secrets/${one.key}`, { ...at, newSecretName: one.to })
      return
    case "move": {
      const found = await bench.read(one.key, `&secretPath=${one.path}`)
      await bench.call("POST", "/v4/secrets/move", {
        sourceEnvironment: "prod",
        sourceSecretPath: one.path,
        destinationEnvironment: "prod",
        destinationSecretPath: one.to,
        secretIds: [found.body.secret?.id ?? "none"],
        shouldOverwrite: true,
      })
      return
    }
    case "delete":
      await bench.call("DELETE", `/v4/secrets/${one.key}`, at)
      return
    case "folder":
      if (one.path !== "/") await bench.folder(one.path)
      return
    case "rename-folder":
      await bench.call("PATCH", `/v1/folders/${nameOf(one.path)}`, { path: above(one.path), name: one.name })
      return
    case "delete-folder":
      await bench.call("DELETE", `/v1/folders/${nameOf(one.path)}`, {
        path: above(one.path),
        forceDelete: true,
      })
      return
    case "move-folder":
      await bench.call("POST", `/coffer/v1/projects/${bench.project}/folders/move`, {
        environment: one.from,
        path: one.path,
        destinationEnvironment: one.from === "prod" ? "dev" : "prod",
        destinationPath: "/",
      })
      return
    case "import":
      await bench.call("POST", "/v2/secret-imports", {
        path: one.path,
        import: { environment: "prod", path: one.from },
      })
  }
}

const nameOf = (path: string) => path.slice(path.lastIndexOf("/") + 1) || "none"
const above = (path: string) => path.slice(0, path.lastIndexOf("/")) || "/"

/** Everything of an environment that a restore must bring back: ids, names, places, values, comments, imports. */
async function stateOf(bench: Workbench): Promise<unknown> {
  const { secrets } = (await bench.list("&recursive=true&expandSecretReferences=false&includeImports=false"))
    .body
  const query = `projectId=${bench.project}&workspaceId=${bench.project}&environment=prod&recursive=true&path=/`
  const { folders } = (await bench.call("GET", `/v1/folders?${query}`)).body
  const imports = await bench.instance.test.storage.database.reader
    .selectFrom("secret_import as i")
    .innerJoin("folder as f", "f.id", "i.folder_id")
    .select(["i.id", "i.folder_id", "i.import_path", "i.position"])
    .where("i.project_id", "=", bench.project)
    .orderBy("i.id")
    .execute()
  return {
    secrets: secrets
      .map((one: Record<string, unknown>) => [
        one["id"],
        one["secretPath"],
        one["secretKey"],
        one["secretValue"],
        one["secretComment"],
      ])
      .sort(),
    folders: folders.map((one: Record<string, unknown>) => [one["id"], one["path"], one["parentId"]]).sort(),
    imports,
  }
}

async function revisionOf(bench: Workbench): Promise<number> {
  const { revision } = await bench.instance.test.storage.database.reader
    .selectFrom("project")
    .select("revision")
    .where("id", "=", bench.project)
    .executeTakeFirstOrThrow()
  return revision
}

async function checkAllRevisions(
  _: Workbench,
  bench: Workbench,
  operations: readonly Operation[],
): Promise<void> {
  const model = new Map<number, unknown>([[await revisionOf(bench), await stateOf(bench)]])
  for (const one of operations) {
    await perform(bench, one)
    model.set(await revisionOf(bench), await stateOf(bench))
  }
  for (const [revision, expected] of model) {
    const preview = await previewOf(bench, `revision=${revision}`)
    const body = { environment: "prod", revision, expectedRevision: preview.revision }
    if (preview.conflicts.length > 0) {
      // Something of this environment would have to go where another one's folder is now.
      const before = await stateOf(bench)
      expect((await bench.call("POST", restoreUrl(bench), body)).status).toBe(409)
      expect(await stateOf(bench)).toEqual(before)
      continue
    }
    await bench.ok("POST", restoreUrl(bench), body)
    expect(await stateOf(bench)).toEqual(expected)
    expect((await previewOf(bench, `revision=${revision}`)).items).toEqual([])
  }
}

const restoreUrl = (bench: Workbench) => `/coffer/v1/projects/${bench.project}/restore`

async function previewOf(bench: Workbench, more: string) {
  return (await bench.ok("GET", `${restoreUrl(bench)}?environment=prod&${more}`)).restore
}

function describeOneRestore(make: () => Promise<Workbench>): void {
  it("yesterday comes back: values, names, places and what was deleted, each under its id", async () => {
    const bench = await make()
    const { clock } = bench.instance.test
    await bench.folder("/app")
    const a = await bench.put("A", "1")
    const b = await bench.put("B", "2", "/app")
    const yesterday = clock.now()
    clock.advance(86_400_000)
    await bench.ok("PATCH", "/v4/secrets/A", { secretValue: "changed", newSecretName: "A2" })
    await bench.ok("DELETE", "/v1/folders/app", { path: "/", forceDelete: true })
    await bench.put("NEW", "3")
    const time = new Date(yesterday).toISOString()
    const preview = await previewOf(bench, `time=${encodeURIComponent(time)}`)
    expect(
      preview.items.map((one: Record<string, unknown>) => [
        one["kind"],
        one["change"],
        one["name"],
        one["oldName"],
      ]),
    ).toEqual(
      expect.arrayContaining([
        ["secret", "update", "A", "A2"],
        ["secret", "create", "B", undefined],
        ["secret", "delete", "NEW", undefined],
        ["folder", "create", "app", undefined],
      ]),
    )
    expect(JSON.stringify(preview)).not.toContain("changed")
    await bench.ok("POST", restoreUrl(bench), { time, expectedRevision: preview.revision })
    expect((await bench.read("A")).body.secret).toMatchObject({ id: a.id, secretValue: "1", version: 3 })
    expect((await bench.read("B", "&secretPath=/app")).body.secret).toMatchObject({
      id: b.id,
      secretValue: "2",
    })
    expect((await bench.read("NEW")).status).toBe(404)
    const event = await bench.instance.test.lastEvent()
    expect(
      (await bench.instance.test.auditEvents()).find((one) => one.type === "restore")?.metadata,
    ).toMatchObject({
      environment: "prod",
      numberOfSecrets: 3,
    })
    expect(JSON.stringify(event)).not.toContain("changed")
    // The restore of the restore.
    const again = await previewOf(bench, `revision=${preview.revision}`)
    await bench.ok("POST", restoreUrl(bench), {
      revision: preview.revision,
      expectedRevision: again.revision,
    })
    expect((await bench.read("A2")).body.secret).toMatchObject({ id: a.id, secretValue: "changed" })
    expect((await bench.read("B", "&secretPath=/app")).status).toBe(404)
    expect((await bench.read("NEW")).body.secret.secretValue).toBe("3")
  })

  it("a preview that is out of date is refused, and nothing changes", async () => {
    const bench = await make()
    await bench.put("A", "1")
    const revision = await revisionOf(bench)
    await bench.ok("PATCH", "/v4/secrets/A", { secretValue: "2" })
    const preview = await previewOf(bench, `revision=${revision}`)
    await bench.put("B", "3")
    const body = { revision, expectedRevision: preview.revision }
    expect(await bench.call("POST", restoreUrl(bench), body)).toMatchObject({
      status: 409,
      body: { error: "RestoreOutdated" },
    })
    expect((await bench.read("A")).body.secret.secretValue).toBe("2")
    expect((await bench.read("B")).status).toBe(200)
  })

  it("whoever may not do the same by hand restores nothing", async () => {
    const bench = await make()
    await bench.put("A", "1")
    const revision = await revisionOf(bench)
    await bench.ok("PATCH", "/v4/secrets/A", { secretValue: "2" })
    const preview = await previewOf(bench, `revision=${revision}`)
    const viewer = await aMachine(bench.instance, { project: bench.project, role: "viewer" })
    const stranger = await aMachine(bench.instance, { orgRole: "admin" })
    const body = { environment: "prod", revision, expectedRevision: preview.revision }
    for (const { token } of [viewer, stranger]) {
      const answer = await bench.instance.test.call("POST", restoreUrl(bench), { token, body })
      expect(answer.status).toBe(403)
    }
    expect((await bench.read("A")).body.secret.secretValue).toBe("2")
    await bench.ok("POST", `/v1/projects/${bench.project}/roles`, {
      slug: "keeper",
      name: "Keeper",
      permissions: [
        { subject: "secret-rollback", action: ["read", "create"] },
        { subject: "secrets", action: ["read", "edit"], conditions: { environment: "dev" } },
      ],
    })
    const keeper = await aMachine(bench.instance, { project: bench.project, role: "keeper" })
    const now = await previewOf(bench, `revision=${revision}`)
    const call = { token: keeper.token, body: { ...body, expectedRevision: now.revision } }
    expect(await bench.instance.test.call("POST", restoreUrl(bench), call)).toMatchObject({
      status: 403,
      body: { message: "You are not allowed to edit on secrets" },
    })
    const url = `${restoreUrl(bench)}?environment=prod&revision=${revision}`
    const seen = await bench.instance.test.ok("GET", url, { token: keeper.token })
    expect(seen.restore).toMatchObject({ items: [], numberOfHidden: 1 })
  })

  it("watchers and caches hear of a restore as of any write", async () => {
    const bench = await make()
    await bench.put("A", "1")
    const revision = await revisionOf(bench)
    await bench.ok("PATCH", "/v4/secrets/A", { secretValue: "2", newSecretName: "B" })
    expect((await bench.read("B")).status).toBe(200)
    const preview = await previewOf(bench, `revision=${revision}`)
    await bench.ok("POST", restoreUrl(bench), { revision, expectedRevision: preview.revision })
    const changes = await bench.instance.test.storage.database.reader
      .selectFrom("change")
      .select(["kind", "path", "keys"])
      .where("project_id", "=", bench.project)
      .where("revision", "=", preview.revision + 1)
      .execute()
    expect(changes).toEqual([{ kind: "secret:update", path: "/", keys: '["B","A"]' }])
    expect((await bench.read("B")).status).toBe(404)
    expect((await bench.read("A")).status).toBe(200)
  })

  it("what was pruned or redacted stays as it is, and is named", async () => {
    const bench = await make()
    const { id } = await bench.put("A", "1")
    const revision = await revisionOf(bench)
    await bench.ok("PATCH", "/v4/secrets/A", { secretValue: "2" })
    const secret = `/coffer/v1/projects/${bench.project}/history/secrets/${id}`
    await bench.ok("POST", `${secret}/redact`, { version: 1 })
    expect((await bench.read("A", "&version=1")).status).toBe(404)
    const preview = await previewOf(bench, `revision=${revision}`)
    expect(preview).toMatchObject({ items: [], lostKeys: ["A"] })
    expect((await bench.call("POST", `${secret}/redact`, { version: 2 })).status).toBe(400)
  })
}
