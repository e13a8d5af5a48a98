import { describeDatabase, type TestStorage } from "@coffer/testkit"
import { sql } from "kysely"
import { expect, it, vi } from "vitest"
import { aMachine, aProject, type Machine, TestApp } from "./test-app.ts"
import { aWorkbench, type Workbench } from "./workbench.ts"

type Json = Readonly<Record<string, unknown>>

type Stand = {
  readonly bench: Workbench
  readonly storage: TestStorage
  readonly reader: Machine
  /** Reads A as the reader, with whatever else. */
  read(more?: Json, query?: string): ReturnType<TestApp["call"]>
}

/** Answers that are given again, through the HTTP API, on either database. */
export function describeWarmAnswers(kind: "sqlite" | "postgres"): void {
  describeDatabase(kind, "warm answers", (open) => {
    const make = async (): Promise<Stand> => {
      const storage = await open()
      const bench = await aWorkbench(storage)
      await bench.put("A", "one")
      const reader = await aMachine(bench.instance, { project: bench.project })
      const url = `/v4/secrets/A?projectId=${bench.project}&environment=prod`
      const read = (more: Json = {}, query = "") =>
        bench.instance.test.call("GET", url + query, { token: reader.token, ...more })
      return { bench, storage, reader, read }
    }
    describeAnswersGivenAgain(make)
    describeAnswersMadeAnew(make)
  })
}

/** How often a project's key was asked for: an answer that is given again asks for none. */
const openings = ({ storage }: Stand) => vi.spyOn(storage.keyring, "forProject")

function describeAnswersGivenAgain(make: () => Promise<Stand>): void {
  it("the same question is answered with the same bytes, and each time leaves an event of its own", async () => {
    const stand = await make()
    const first = await stand.read()
    const asked = openings(stand)
    const again = await stand.read({ headers: { "user-agent": "k8-operator" }, from: "10.1.2.3" })
    expect(asked).not.toHaveBeenCalled()
    expect([again.status, again.text]).toEqual([200, first.text])
    expect(again.headers["etag"]).toBe(first.headers["etag"])
    const events = (await stand.bench.instance.test.auditEvents()).slice(-2)
    expect(events[1]?.metadata).toEqual(events[0]?.metadata)
    expect(events[1]?.metadata).toMatchObject({ secretKey: "A", secretVersion: 1 })
    expect(events[1]?.id).not.toBe(events[0]?.id)
    expect(events[1]).toMatchObject({
      type: "get-secret",
      actor: { id: stand.reader.id },
      source: {
        ipAddress: "10.1.2.3",
        userAgentType: "k8-operator",
        requestId: again.headers["x-request-id"],
      },
    })
  })

  it("a client that has the answer gets a 304, with an event", async () => {
    const stand = await make()
    const { headers } = await stand.read()
    const before = (await stand.bench.instance.test.auditEvents()).length
    const again = await stand.read({ headers: { "if-none-match": headers["etag"] } })
    expect([again.status, again.text]).toEqual([304, ""])
    expect(await stand.bench.instance.test.auditEvents()).toHaveLength(before + 1)
  })

  it("each caller has its own: another identity gets what its rights give", async () => {
    const stand = await make()
    const { bench } = stand
    await stand.read()
    const stranger = await aMachine(bench.instance)
    expect((await stand.read({ token: stranger.token })).status).toBe(403)
    expect((await stand.read({}, "&viewSecretValue=false")).body.secret.secretValueHidden).toBe(true)
    expect((await stand.read()).body.secret.secretValue).toBe("one")
  })

  it("another method on the same URL is another question", async () => {
    const { bench } = await make()
    await bench.list()
    const url = `/v4/secrets/A?projectId=${bench.project}&environment=prod`
    await bench.ok("GET", url)
    await bench.ok("GET", url)
    await bench.ok("DELETE", url, {})
    expect((await bench.call("GET", url)).status).toBe(404)
  })

  it("no answer without its event: a log that cannot be written refuses it", async () => {
    const stand = await make()
    await stand.read()
    await stand.storage.database.close()
    const refused = await stand.read()
    expect(refused.status).toBe(503)
    expect(refused.text).not.toContain('"one"')
  })
}

function describeAnswersMadeAnew(make: () => Promise<Stand>): void {
  const warmed = async () => {
    const stand = await make()
    for (let round = 0; round < 3; round += 1) await stand.read()
    return stand
  }

  it("after a write here, and after one that this process did not see", async () => {
    const stand = await warmed()
    await stand.bench.ok("PATCH", "/v4/secrets/A", { secretValue: "two" })
    expect((await stand.read()).body.secret.secretValue).toBe("two")
    await stand.read()
    const elsewhere = new TestApp(stand.storage)
    const body = { projectId: stand.bench.project, environment: "prod", secretValue: "three" }
    await elsewhere.ok("PATCH", "/v4/secrets/A", { token: stand.bench.instance.adminToken, body })
    expect((await stand.read()).body.secret.secretValue).toBe("three")
    expect(await stand.bench.instance.test.lastEvent()).toMatchObject({ metadata: { secretVersion: 3 } })
  })

  it("after a write elsewhere, also where the project is named by its slug", async () => {
    const stand = await make()
    const { bench, reader, storage } = stand
    const elsewhere = new TestApp(storage)
    const writeElsewhere = async (secretValue: string) => {
      const body = { projectId: bench.project, environment: "prod", secretValue }
      await elsewhere.ok("PATCH", "/v4/secrets/A", { token: bench.instance.adminToken, body })
    }
    const { project } = await bench.ok("GET", `/v1/projects/${bench.project}`)
    const here = new TestApp(storage)
    const read = async (more = "") => {
      const url = `/v3/secrets/raw/A?workspaceSlug=${project.slug}&environment=prod${more}`
      return (await here.ok("GET", url, { token: reader.token })).secret.secretValue
    }
    // The first answer is made by a process that does not know the project yet, the second by one that does.
    for (const [more, value] of [
      ["", "two"],
      ["&type=shared", "three"],
    ] as const) {
      await read(more)
      await read(more)
      await writeElsewhere(value)
      expect(await read(more)).toBe(value)
    }
  })

  it("after a project came into being that it names in vain", async () => {
    const { bench, read } = await make()
    await bench.ok("PATCH", "/v4/secrets/A", { secretValue: "x-$" + "{later::prod.KEY}" })
    for (let round = 0; round < 2; round += 1) expect((await read()).status).toBe(200)
    await aProject(bench.instance, { name: "Later", slug: "later" })
    // It refers to something now, which its reader may not see.
    expect((await read()).status).toBe(403)
  })

  it("after a write to a project that it refers to", async () => {
    const stand = await warmed()
    const { bench } = stand
    await bench.folder("/shared")
    await bench.put("B", "inner", "/shared")
    await bench.ok("PATCH", "/v4/secrets/A", { secretValue: "x-$" + "{prod.shared.B}" })
    for (let round = 0; round < 2; round += 1) {
      expect((await stand.read()).body.secret.secretValue).toBe("x-inner")
    }
    await bench.ok("PATCH", "/v4/secrets/B", { secretPath: "/shared", secretValue: "outer" })
    expect((await stand.read()).body.secret.secretValue).toBe("x-outer")
  })

  it("after the role was taken away elsewhere, and after the token was revoked", async () => {
    const stand = await warmed()
    const { bench, reader } = stand
    const elsewhere = new TestApp(stand.storage)
    await elsewhere.ok("PATCH", `/v1/projects/${bench.project}/memberships/identities/${reader.id}`, {
      token: bench.instance.adminToken,
      body: { roles: [{ role: "no-access" }] },
    })
    const refused = await stand.read()
    expect(refused.status).toBe(403)
    expect(refused.text).not.toContain('"one"')
    const other = await aMachine(bench.instance, { project: bench.project })
    expect((await stand.read({ token: other.token })).status).toBe(200)
    expect((await stand.read({ token: other.token })).status).toBe(200)
    await elsewhere.ok("POST", "/v1/auth/token/revoke", { body: { accessToken: other.token } })
    expect((await stand.read({ token: other.token })).status).toBe(401)
  })

  it("when another request has learnt already that the epoch of the caller is over", async () => {
    const { storage, reader, read } = await warmed()
    // As a group does that loses a member: no project is written.
    await storage.database.write(async ({ db }) => {
      await db.deleteFrom("project_membership").where("actor_id", "=", reader.id).execute()
      const next = { epoch: sql<number>`epoch + 1` }
      await db.updateTable("identity").set(next).where("id", "=", reader.id).execute()
    })
    expect((await read({}, "&type=shared")).status).toBe(403)
    expect((await read()).status).toBe(403)
  })

  it("when a temporary role ends by itself, and when one begins", async () => {
    const stand = await make()
    const { bench, reader } = stand
    const { clock } = bench.instance.test
    const temporary = (role: string, startsInMs: number) => ({
      role,
      isTemporary: true,
      temporaryMode: "relative",
      temporaryRange: "1h",
      temporaryAccessStartTime: new Date(clock.now() + startsInMs).toISOString(),
    })
    await bench.ok("POST", `/v1/projects/${bench.project}/roles`, {
      slug: "names-only",
      name: "Names only",
      permissions: [{ subject: "secrets", action: ["describeSecret"] }],
    })
    const url = `/v1/projects/${bench.project}/memberships/identities/${reader.id}`
    await bench.ok("PATCH", url, { roles: [{ role: "names-only" }, temporary("viewer", 60_000)] })
    const list = () =>
      bench.instance.test.ok("GET", `/v4/secrets?projectId=${bench.project}&environment=prod`, {
        token: reader.token,
      })
    for (const [afterMs, isHidden] of [
      [0, true],
      [59_999, true],
      [1, false],
      [3_599_999, false],
      [1, true],
    ] as const) {
      clock.advance(afterMs)
      expect((await list()).secrets[0].secretValueHidden).toBe(isHidden)
    }
  })

  it("every time, where it rests on more than revisions and rights, such as an old version", async () => {
    const stand = await make()
    await stand.bench.ok("PATCH", "/v4/secrets/A", { secretValue: "two" })
    await stand.read({}, "&version=1")
    const asked = openings(stand)
    expect((await stand.read({}, "&version=1")).body.secret.secretValue).toBe("one")
    expect(asked).toHaveBeenCalled()
  })
}
