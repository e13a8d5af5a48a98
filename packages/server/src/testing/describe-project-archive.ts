import { describeDatabase, type OpenTestStorage } from "@coffer/testkit"
import fc from "fast-check"
import { expect, it } from "vitest"
import { pruneHistory } from "../features/history/index.ts"
import { exported, imported, recordsOf } from "./archive-bench.ts"
import { describeHostileArchives } from "./describe-hostile-archives.ts"
import { describeInterruptions } from "./describe-interrupted-imports.ts"
import { fill, viewOf } from "./full-project.ts"
import { operation, perform, previewOf, restoreUrl, revisionOf, stateOf } from "./random-history.ts"
import { aMachine, anInstance, aProject } from "./test-app.ts"
import { aWorkbench, Workbench } from "./workbench.ts"

type Make = () => Promise<Workbench>

/** A whole project as a file and back, on either database. */
export function describeProjectArchive(kind: "sqlite" | "postgres"): void {
  describeDatabase(kind, "the archive of a project", (open) => {
    const make = async () => aWorkbench(await open())
    describeRoundTrip(make, open)
    describeHistory(make, open)
    describeRights(make)
  })
  describeDatabase(kind, "an import that is interrupted", (open) => {
    describeInterruptions(async () => aWorkbench(await open()), open)
  })
  describeDatabase(kind, "a hostile archive", (open) => {
    describeHostileArchives(async () => aWorkbench(await open()))
  })
}

/** From SQLite to PostgreSQL and back. */
export function describeArchiveAcross(): void {
  describeDatabase("sqlite", "an archive from", (open) => {
    describeDatabase("postgres", "and back", (openOther) => {
      it("a full project goes over with everything, and comes home again", async () => {
        const bench = await aWorkbench(await open())
        await fill(bench)
        const there = await moved(bench, await anInstance(await openOther()))
        expect(neutral(await viewOf(there))).toEqual(neutral(await viewOf(bench)))
        await there.ok("PATCH", "/v4/secrets/FULL", { secretValue: "changed there" })
        await bench.ok("DELETE", own(bench))
        const back = await moved(there, bench.instance)
        expect(neutral(await viewOf(back))).toEqual(neutral(await viewOf(there)))
      })

      it("a random history gives the same answers there", async () => {
        const bench = await aWorkbench(await open())
        const target = await anInstance(await openOther())
        let runs = 0
        await fc.assert(
          fc.asyncProperty(fc.array(operation, { minLength: 3, maxLength: 8 }), async (operations) => {
            runs += 1
            await checkMoved(await bench.another(`run-${runs}`), target, operations)
          }),
          { numRuns: 4 },
        )
      }, 120_000)
    })
  })
}

/** What is the same on another server. */
function neutral({ project, ...rest }: Awaited<ReturnType<typeof viewOf>>) {
  return { ...rest, project: { ...project, orgId: "" } }
}

/** Moves the archive of a project to another instance, which has other keys. */
async function moved(bench: Workbench, target: Workbench["instance"]): Promise<Workbench> {
  const { archive, keys } = await exported(bench)
  const answer = await imported(target, archive, keys)
  if (answer.status !== 200) throw new Error(answer.text)
  return new Workbench(target, answer.body.project.id)
}

const own = (bench: Workbench) => `/v1/projects/${bench.project}`

function describeRoundTrip(make: Make, open: OpenTestStorage): void {
  it("a project that was deleted comes back from its archive: every id, value, version and setting", async () => {
    const bench = await make()
    const { personToken } = await fill(bench)
    const before = await viewOf(bench)
    const revision = await revisionOf(bench)
    const { archive, keys } = await exported(bench)
    for (const clear of ["base-value", "metadata-in-the-dark", "FULL", "auditor"]) {
      expect(archive.includes(clear)).toBe(false)
    }
    await bench.ok("DELETE", own(bench))
    expect((await bench.call("GET", own(bench))).status).toBe(404)
    const answer = await imported(bench.instance, archive, keys)
    expect(answer).toMatchObject({
      status: 200,
      body: {
        fromProjectId: bench.project,
        isCopy: false,
        counts: { environments: 4, secrets: 2, personalSecrets: 1, tags: 1, roles: 1, imports: 1 },
      },
    })
    expect(await viewOf(bench)).toEqual(before)
    expect(before.full).toMatchObject({ secretValue: "two base-value", secretComment: "why", version: 2 })
    expect(before.first.secretValue).toBe("one\ntwo")
    expect(await revisionOf(bench)).toBeGreaterThan(revision)
    const mine = `/v4/secrets/FULL?projectId=${bench.project}&environment=prod&type=personal`
    await bench.ok("POST", `${own(bench)}/memberships`, { emails: ["dev@acme.test"], roleSlugs: ["viewer"] })
    expect((await bench.instance.test.ok("GET", mine, { token: personToken })).secret.secretValue).toBe(
      "mine",
    )
    const [event] = (await bench.instance.test.auditEvents()).filter(({ type }) => type === "import-project")
    expect(event?.metadata).toMatchObject({
      fromProjectId: bench.project,
      isCopy: false,
      numberOfSecrets: 2,
      numberOfPersonalSecrets: 1,
    })
    // What was deleted before the export can still be brought back.
    const folder = before.trash.items.find((one: { name: string }) => one.name === "db")
    await bench.ok("POST", `/coffer/v1/projects/${bench.project}/trash/restore`, {
      kind: "folder",
      id: folder.id,
    })
    expect((await bench.read("GONE", "&secretPath=/app/db")).body.secret.secretValue).toBe("trashed")
    // And it is a project like any other.
    await bench.ok("PATCH", "/v4/secrets/FULL", { secretValue: "three" })
    expect((await bench.read("FULL")).body.secret).toMatchObject({ secretValue: "three", version: 3 })
  })

  it("another server takes it under the same ids, with keys of its own", async () => {
    const bench = await make()
    await fill(bench)
    const target = await anInstance(await open())
    const there = await moved(bench, target)
    expect(there.project).toBe(bench.project)
    expect(neutral(await viewOf(there))).toEqual(neutral(await viewOf(bench)))
    const sealed = async (of: Workbench) =>
      (
        await of.instance.test.storage.database.reader
          .selectFrom("secret_version")
          .select(["value_sealed", "row_mac"])
          .where("project_id", "=", of.project)
          .where("key", "=", "BASE")
          .executeTakeFirstOrThrow()
      ).row_mac
    expect(Buffer.from(await sealed(there))).not.toEqual(Buffer.from(await sealed(bench)))
  })

  it("a copy stands beside the original, with new ids that fit together, and neither changes the other", async () => {
    const bench = await make()
    await fill(bench)
    const before = await viewOf(bench)
    const { archive, keys } = await exported(bench)
    const there = await imported(bench.instance, archive, keys)
    expect(there).toMatchObject({ status: 409, body: { error: "ArchiveRefused" } })
    expect(there.body.message).toContain(`exists on this server, with slug '${before.project.slug}'`)
    const query = "asCopy=true&slug=the-copy&name=The%20Copy"
    const answer = await imported(bench.instance, archive, { ...keys, query })
    expect(answer).toMatchObject({ status: 200, body: { isCopy: true, project: { slug: "the-copy" } } })
    const copy = new Workbench(bench.instance, answer.body.project.id)
    expect(copy.project).not.toBe(bench.project)
    const view = await viewOf(copy)
    expect(view.full).toMatchObject({ secretValue: "two base-value", version: 2, secretComment: "why" })
    expect(view.full.id).not.toBe(before.full.id)
    expect(view.full.tags.map((tag: { slug: string }) => tag.slug)).toEqual(["team"])
    expect(view.first.secretValue).toBe("one\ntwo")
    expect(view.trash.items.map((one: { name: string }) => one.name).sort()).toEqual(
      before.trash.items.map((one: { name: string }) => one.name).sort(),
    )
    const ids = JSON.stringify(before).match(/[0-9a-f]{8}-[0-9a-f-]{27}/g) ?? []
    const shared = new Set(JSON.stringify(view).match(/[0-9a-f]{8}-[0-9a-f-]{27}/g))
    const people = new Set([bench.instance.adminId, bench.instance.orgId])
    const builtIn = /^00000000-/
    expect(ids.filter((id) => shared.has(id) && !people.has(id) && !builtIn.test(id))).toEqual([])
    await copy.ok("PATCH", "/v4/secrets/FULL", { secretValue: "of the copy" })
    await copy.ok("DELETE", own(copy))
    expect(await viewOf(bench)).toEqual(before)
    const other = await imported(bench.instance, archive, { ...keys, query: "asCopy=true" })
    expect(other.body.project.slug).toMatch(/^billing-api-[a-z0-9]{4}$/)
  })

  it("what was pruned or taken out for good stays so, and is named as before", async () => {
    const bench = await make()
    const { id } = await bench.put("A", "out-for-good")
    const first = await revisionOf(bench)
    for (const value of ["2", "3", "4"]) await bench.ok("PATCH", "/v4/secrets/A", { secretValue: value })
    const pruned = await bench.put("B", "1")
    for (const value of ["2", "3", "4"]) await bench.ok("PATCH", "/v4/secrets/B", { secretValue: value })
    const history = (of: Workbench, secret: string) =>
      `/coffer/v1/projects/${of.project}/history/secrets/${secret}`
    await bench.ok("POST", `${history(bench, id)}/redact`, { version: 1 })
    await bench.ok("PATCH", own(bench), { pitVersionLimit: 2 })
    await pruneHistory(bench.instance.test.app.features)
    const there = await moved(bench, await anInstance(await open()))
    for (const secret of [id, pruned.id]) {
      const [here, moved] = [
        await bench.ok("GET", history(bench, secret)),
        await there.ok("GET", history(there, secret)),
      ]
      expect(moved).toEqual(here)
    }
    const keys = async (of: Workbench) => (await previewOf(of, `revision=${first}`)).lostKeys
    expect(await keys(there)).toEqual(await keys(bench))
    expect((await there.ok("GET", own(there))).project.pitVersionLimit).toBe(2)
  })

  it("a slug that is taken by another project is told, and another one may be chosen", async () => {
    const bench = await make()
    await bench.ok("PATCH", own(bench), { slug: "payments" })
    await bench.put("A", "1")
    const { archive, keys } = await exported(bench)
    await bench.ok("DELETE", own(bench))
    await aProject(bench.instance, { slug: "payments" })
    expect(await imported(bench.instance, archive, keys)).toMatchObject({
      status: 409,
      body: { message: expect.stringContaining('slug "payments" already exists') },
    })
    const answer = await imported(bench.instance, archive, { ...keys, query: "slug=payments-2" })
    expect(answer).toMatchObject({
      status: 200,
      body: { project: { id: bench.project, slug: "payments-2" } },
    })
  })

  it("an archive is of one moment, whatever is written while it is made", async () => {
    const bench = await make()
    for (let n = 0; n < 30; n += 1) await bench.put(`KEY_${n}`, "old")
    const writing = async () => {
      for (let n = 0; n < 30; n += 1) {
        await bench.ok("PATCH", `/v4/secrets/KEY_${n}`, { secretValue: "new", newSecretName: `NEW_${n}` })
      }
      await bench.ok("DELETE", "/v4/secrets/NEW_0", {})
    }
    const [{ archive, keys }] = await Promise.all([exported(bench), writing()])
    const [header, ...records] = await recordsOf(archive, keys)
    const { revision } = header?.["project"] as { revision: number }
    const secrets = records.filter(({ kind }) => kind === "secret")
    expect(secrets.every((one) => (one["revision"] as number) <= revision)).toBe(true)
    expect(secrets.filter((one) => one["current"] !== undefined)).toHaveLength(30)
    const target = await anInstance(await open())
    expect((await imported(target, archive, keys)).status).toBe(200)
  })
}

function describeHistory(make: Make, open: OpenTestStorage): void {
  it("a random history gives the same answers after the move: every read, and every restore to a revision", async () => {
    const bench = await make()
    const target = await anInstance(await open())
    let runs = 0
    await fc.assert(
      fc.asyncProperty(fc.array(operation, { minLength: 3, maxLength: 10 }), async (operations) => {
        runs += 1
        await checkMoved(await bench.another(`run-${runs}`), target, operations)
      }),
      { numRuns: 8 },
    )
  }, 120_000)
}

/** Does each step, remembers what was there, moves the project, and goes back to every step on the other server. */
async function checkMoved(
  bench: Workbench,
  target: Workbench["instance"],
  operations: readonly Parameters<typeof perform>[1][],
): Promise<void> {
  const model = new Map<number, unknown>([[await revisionOf(bench), await stateOf(bench)]])
  for (const one of operations) {
    await perform(bench, one)
    model.set(await revisionOf(bench), await stateOf(bench))
  }
  const there = await moved(bench, target)
  expect(await stateOf(there)).toEqual(await stateOf(bench))
  expect(await historiesOf(there)).toEqual(await historiesOf(bench))
  for (const [revision, expected] of model) {
    const preview = await previewOf(there, `revision=${revision}`)
    const body = { environment: "prod", revision, expectedRevision: preview.revision }
    if (preview.conflicts.length > 0) {
      expect((await there.call("POST", restoreUrl(there), body)).status).toBe(409)
      continue
    }
    await there.ok("POST", restoreUrl(there), body)
    expect(await stateOf(there)).toEqual(expected)
  }
}

/** Every version of every secret, with its value. */
async function historiesOf(bench: Workbench): Promise<unknown> {
  const rows = await bench.instance.test.storage.database.reader
    .selectFrom("secret_version")
    .select("secret_id")
    .distinct()
    .where("project_id", "=", bench.project)
    .orderBy("secret_id")
    .execute()
  const histories = []
  for (const { secret_id: id } of rows) {
    const path = `/coffer/v1/projects/${bench.project}/history/secrets/${id}`
    histories.push(await bench.ok("GET", `${path}?showValues=true&limit=100`))
  }
  return histories
}

function describeRights(make: Make): void {
  it("only who administers all of a project exports it, and it is audited before a byte leaves", async () => {
    const bench = await make()
    await bench.put("A", "canary-value")
    await bench.ok("POST", `${own(bench)}/roles`, {
      slug: "blind-admin",
      name: "Blind",
      permissions: [
        { subject: "secrets", action: "readValue", inverted: true, conditions: { secretName: "A" } },
      ],
    })
    const { test } = bench.instance
    const { keys } = await exported(bench)
    const url = `/coffer/v1/projects/${bench.project}/archive?recipient=${keys.recipient}`
    for (const role of ["member", "viewer", "no-access"]) {
      const { token } = await aMachine(bench.instance, { project: bench.project, role })
      expect((await test.call("GET", url, { token })).status).toBe(403)
    }
    const blind = await aMachine(bench.instance, { project: bench.project, role: "admin" })
    await bench.ok("PATCH", `/v1/projects/${bench.project}/identity-memberships/${blind.id}`, {
      roles: [{ role: "admin" }, { role: "blind-admin" }],
    })
    expect(await test.call("GET", url, { token: blind.token })).toMatchObject({
      status: 403,
      body: { message: "You are not allowed to readValue on secrets" },
    })
    const stranger = await aMachine(bench.instance, { orgRole: "admin" })
    expect((await test.call("GET", url, { token: stranger.token })).status).toBe(403)
    const events = (await test.auditEvents()).filter(({ type }) => type === "export-project")
    expect(events).toHaveLength(1)
    expect(events[0]?.metadata).toMatchObject({
      numberOfSecrets: 1,
      numberOfVersions: 1,
      recipients: [keys.recipient],
    })
    expect(JSON.stringify(events)).not.toContain("canary-value")
  })

  it("a recipient that is none is refused before anything is read", async () => {
    const bench = await make()
    for (const recipient of ["", "recipient=ssh-rsa", "recipient=age1qqqq", "recipient=AGE-SECRET-KEY-1"]) {
      const answer = await bench.call("GET", `/coffer/v1/projects/${bench.project}/archive?${recipient}`)
      expect([400, 422]).toContain(answer.status)
      expect(answer.body.message).toMatch(/recipient/)
    }
  })

  it("only who may create projects imports one, becomes its admin, and hands nobody else rights", async () => {
    const bench = await make()
    await bench.put("A", "1")
    const { archive, keys } = await exported(bench)
    await bench.ok("DELETE", own(bench))
    const nobody = await aMachine(bench.instance, { orgRole: "no-access" })
    const refused = await imported(bench.instance, archive, { ...keys, token: nobody.token })
    expect(refused).toMatchObject({
      status: 403,
      body: { message: "You are not allowed to create on projects" },
    })
    const member = await aMachine(bench.instance, { orgRole: "member" })
    expect((await imported(bench.instance, archive, { ...keys, token: member.token })).status).toBe(200)
    const { test, adminToken } = bench.instance
    expect((await test.call("GET", own(bench), { token: adminToken })).status).toBe(403)
    expect((await test.call("GET", own(bench), { token: member.token })).status).toBe(200)
  })
}
