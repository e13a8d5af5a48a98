import { describeDatabase, type OpenTestStorage } from "@coffer/testkit"
import { expect, it } from "vitest"
import { endEpoch } from "../use-case/index.ts"
import { aColleague, anotherOrganization, logIn } from "./people.ts"
import { aMachine, anInstance, aProject, TestApp } from "./test-app.ts"

/** A write counts with the rights that hold when it is made, whatever this server remembers; on either database. */
export function describeRightsOfTheMoment(kind: "sqlite" | "postgres"): void {
  describeDatabase(kind, "the rights of a write", (open) => {
    describeOtherServers(open)
    describeEpochs(open)
  })
}

/** Two servers, and somebody who may manage the organization, known to the first of them. */
async function aScene(open: OpenTestStorage) {
  const storage = await open()
  const instance = await anInstance(storage)
  const elsewhere = new TestApp(
    storage.connectionUri === undefined ? storage : await open({ sameAs: storage }),
  )
  const colleague = await aColleague(instance, { role: "admin" })
  const { token } = await logIn(instance, colleague)
  const makeGroup = (slug: string) =>
    instance.test.call("POST", "/v1/groups", { token, body: { name: slug, slug } })
  const groups = async () =>
    (await storage.database.reader.selectFrom("user_group").select("slug").execute()).map(({ slug }) => slug)
  const changeRole = (role: string) =>
    elsewhere.ok("PATCH", `/coffer/v1/users/${colleague.id}`, { token: instance.adminToken, body: { role } })
  return { storage, instance, elsewhere, colleague, token, makeGroup, groups, changeRole }
}

function describeOtherServers(open: OpenTestStorage): void {
  it("end at once with what another server took away, also where no project is written", async () => {
    const { makeGroup, groups, changeRole } = await aScene(open)
    expect((await makeGroup("before")).status).toBe(200)
    await changeRole("member")
    expect(await makeGroup("after")).toMatchObject({ status: 403, body: { error: "PermissionDenied" } })
    expect(await groups()).toEqual(["before"])
  })

  it("end at once in a project too: what was allowed when the request came in is not written", async () => {
    const { storage, instance, elsewhere } = await aScene(open)
    const { id: project } = await aProject(instance)
    const machine = await aMachine(instance, { project, role: "member" })
    const write = (key: string) =>
      instance.test.call("POST", `/v4/secrets/${key}`, {
        token: machine.token,
        body: { projectId: project, environment: "dev", secretValue: "v" },
      })
    expect((await write("A")).status).toBe(200)
    await elsewhere.ok("PATCH", `/v1/projects/${project}/memberships/identities/${machine.id}`, {
      token: instance.adminToken,
      body: { roles: [{ role: "viewer" }] },
    })
    expect(await write("B")).toMatchObject({ status: 403, body: { error: "PermissionDenied" } })
    const secrets = await storage.database.reader.selectFrom("secret").select("key").execute()
    expect(secrets).toEqual([{ key: "A" }])
  })

  it("begin at once with what another server gave, and what is the same is no refusal", async () => {
    const { instance, elsewhere, colleague, token, makeGroup, changeRole } = await aScene(open)
    const { id: project } = await aProject(instance)
    const write = (key: string) =>
      instance.test.call("POST", `/v4/secrets/${key}`, {
        token,
        body: { projectId: project, environment: "dev", secretValue: "v" },
      })
    expect((await write("A")).status).toBe(403)
    await elsewhere.ok("POST", `/v1/projects/${project}/memberships`, {
      token: instance.adminToken,
      body: { emails: [colleague.email], roleSlugs: ["member"] },
    })
    expect((await write("A")).status).toBe(200)
    // Another epoch, the same rights: the write is made again with them.
    await changeRole("member")
    expect((await write("B")).status).toBe(200)
    await changeRole("admin")
    expect((await makeGroup("team")).status).toBe(200)
  })

  it("are those in the organization of the session: one that is open elsewhere too writes nothing there", async () => {
    const { storage, instance, colleague, token } = await aScene(open)
    const orgId = await anotherOrganization(instance.test, colleague.id)
    const there = await logIn({ ...instance, orgId }, colleague)
    const { id: project } = await aProject(instance, { token: there.token })
    const write = (by: string) =>
      instance.test.call("POST", "/v4/secrets/A", {
        token: by,
        body: { projectId: project, environment: "dev", secretValue: "v" },
      })
    expect(await write(token)).toMatchObject({
      status: 403,
      body: { message: "This project does not belong to your selected organization." },
    })
    expect(await storage.database.reader.selectFrom("secret").selectAll().execute()).toEqual([])
    expect((await write(there.token)).status).toBe(200)
  })
}

function describeEpochs(open: OpenTestStorage): void {
  const numbers = async ({ database }: { readonly database: TestApp["storage"]["database"] }) => {
    const users = await database.reader.selectFrom("user_account").select(["id", "epoch as n"]).execute()
    const identities = await database.reader.selectFrom("identity").select(["id", "epoch as n"]).execute()
    const projects = await database.reader.selectFrom("project").select(["id", "revision as n"]).execute()
    return new Map([...users, ...identities, ...projects].map(({ id, n }) => [id, n]))
  }
  /** Which of the numbers moved, and by how much. */
  const moved = (before: ReadonlyMap<string, number>, after: ReadonlyMap<string, number>) =>
    Object.fromEntries(
      [...after].flatMap(([id, n]) => (n === before.get(id) ? [] : [[id, n - (before.get(id) ?? 0)]])),
    )

  it("end for those whose rights changed, people and machines alike, and for nobody else", async () => {
    const { storage, instance, colleague } = await aScene(open)
    const other = await aColleague(instance, { email: "other@acme.test" })
    const [machine, idle] = [await aMachine(instance), await aMachine(instance)]
    const { features } = instance.test.app
    const end = (...ids: readonly string[]) =>
      storage.database.write((scope) => endEpoch(features, scope, ids))
    const before = await numbers(storage)
    await end(colleague.id, machine.id)
    await end(colleague.id)
    await end(machine.id)
    await end(machine.id)
    await end()
    await end("00000000-0000-4000-8000-0000000000ff")
    const after = await numbers(storage)
    expect(moved(before, after)).toEqual({ [colleague.id]: 2, [machine.id]: 3 })
    expect([after.has(other.id), after.has(idle.id)]).toEqual([true, true])
  })

  it("a write moves the revision of its own project on, by one, and of no other", async () => {
    const { storage, instance } = await aScene(open)
    const own = await aProject(instance, { name: "Own", slug: "own-project" })
    await aProject(instance, { name: "Other", slug: "other-project" })
    const write = (id: string) =>
      instance.test.ok("POST", "/v4/secrets/A", {
        token: instance.adminToken,
        body: { projectId: id, environment: "dev", secretValue: "v" },
      })
    const before = await numbers(storage)
    await write(own.id)
    expect(moved(before, await numbers(storage))).toEqual({ [own.id]: 1 })
    const changes = await storage.database.reader
      .selectFrom("change")
      .select(["project_id", "revision"])
      .where("kind", "=", "secret:create")
      .execute()
    expect(changes).toEqual([{ project_id: own.id, revision: (before.get(own.id) ?? 0) + 1 }])
  })
}
