import { describeDatabase } from "@coffer/testkit"
import fc from "fast-check"
import { expect, it } from "vitest"
import { findVersions } from "../features/secrets/index.ts"
import {
  type Operation,
  operation,
  perform,
  previewOf,
  restoreUrl,
  revisionOf,
  stateOf,
} from "./random-history.ts"
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
    it("lets others have their turn between the versions that it opens", async () => {
      const storage = await open()
      const bench = await aWorkbench(storage)
      const secrets = Array.from({ length: 1_000 }, (_, index) => ({
        secretKey: `KEY_${index}`,
        secretValue: "1",
      }))
      const made = await bench.ok("POST", "/v4/secrets/batch", { secretPath: "/", secrets })
      const refs = made.secrets.map(({ id }: { readonly id: string }) => ({ id, version: 1 }))
      let turns = 0
      const counting = setInterval(() => {
        turns += 1
      }, 0)
      const { keyring, database } = storage
      // SQLite answers at once: nothing waits by itself.
      const found = await findVersions(database.reader, keyring, bench.project, refs)
      clearInterval(counting)
      expect(found.size).toBe(secrets.length)
      expect(turns).toBeGreaterThan(0)
    })
  })
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
