import { describeDatabase, type OpenTestStorage } from "@coffer/testkit"
import fc from "fast-check"
import { expect, it } from "vitest"
import { TestApp } from "../../../testing/test-app.ts"
import { GroupBench } from "./group-bench.ts"

const viewer = [{ role: "viewer" }]
const readProd = {
  subject: "secrets",
  action: ["describeSecret", "readValue"],
  conditions: { environment: "prod" },
}

/** Groups through the HTTP API, on either database. */
export function describeGroups(kind: "sqlite" | "postgres"): void {
  describeDatabase(kind, "groups", (open) => {
    const make = async () => GroupBench.on(await open())
    describeManagement(make)
    describeRights(make)
    describeBoundary(make)
    describeReplicas(open)
    describeUnion(make)
  })
}

function describeManagement(make: () => Promise<GroupBench>): void {
  it("are made, found by id and slug, renamed and deleted, and the log tells of each", async () => {
    const bench = await make()
    const made = await bench.ok("POST", "/v1/groups", { name: "Site Reliability" })
    expect(made).toMatchObject({ name: "Site Reliability", role: "no-access", orgId: bench.instance.orgId })
    expect(made.slug).toMatch(/^site-reliability-[a-z0-9]{4}$/)
    expect(await bench.instance.test.lastEvent()).toMatchObject({
      type: "create-group",
      metadata: { groupId: made.id, slug: made.slug },
    })
    expect(await bench.ok("GET", `/v1/groups/${made.slug}`)).toEqual(made)
    const renamed = await bench.ok("PATCH", `/v1/groups/${made.id}`, { name: "SRE", slug: "sre" })
    expect(renamed).toMatchObject({ id: made.id, name: "SRE", slug: "sre" })
    await bench.group("billing")
    expect((await bench.ok("GET", "/v1/groups")).map(({ slug }: { slug: string }) => slug)).toEqual([
      "sre",
      "billing",
    ])
    expect(await bench.ok("GET", "/v1/groups?offset=1&limit=1")).toHaveLength(1)
    expect((await bench.call("POST", "/v1/groups", { name: "x", slug: "sre" })).status).toBe(400)
    expect((await bench.call("PATCH", `/v1/groups/${made.id}`, { slug: "billing" })).status).toBe(400)
    expect((await bench.call("POST", "/v1/groups", { name: "x", role: "admin" })).status).toBe(422)
    await bench.ok("DELETE", `/v1/groups/${made.id}`)
    expect((await bench.call("GET", "/v1/groups/sre")).status).toBe(404)
  })

  it("take people of the organization in and out, each once", async () => {
    const bench = await make()
    const ann = await bench.person("ann")
    await bench.person("bob")
    const group = await bench.group("sre", { people: ["ann"] })
    const members = `/v1/groups/${group}/users`
    expect(await bench.ok("GET", `${members}?filter=existingMembers`)).toMatchObject({
      users: [
        { id: ann.id, username: "ann@acme.test", isPartOfGroup: true, joinedGroupAt: expect.any(String) },
      ],
      totalCount: 1,
    })
    const others = await bench.ok("GET", `${members}?filter=nonMembers&search=BO`)
    expect(others).toMatchObject({
      users: [{ email: "bob@acme.test", isPartOfGroup: false, joinedGroupAt: null }],
    })
    expect(await bench.ok("GET", `${members}?limit=1`)).toMatchObject({ users: [{}], totalCount: 3 })
    expect((await bench.call("POST", `${members}/ann@acme.test`, {})).status).toBe(400)
    expect((await bench.call("POST", `${members}/nobody@acme.test`, {})).status).toBe(404)
    expect((await bench.call("DELETE", `${members}/bob@acme.test`)).status).toBe(404)
    await bench.ok("DELETE", `${members}/ANN@acme.test`)
    expect((await bench.ok("GET", `${members}?filter=existingMembers`)).totalCount).toBe(0)
  })

  it("stand in a project with roles, under both paths", async () => {
    const bench = await make()
    const group = await bench.group("sre", { people: [], roles: viewer })
    const older = `/v2/workspace/${bench.project}/groups`
    const { groupMembership } = await bench.ok("GET", `${older}/sre`)
    expect(groupMembership).toMatchObject({
      groupId: group,
      projectId: bench.project,
      group: { id: group, name: "sre", slug: "sre" },
      roles: [{ role: "viewer", isTemporary: false }],
    })
    expect(await bench.ok("GET", older)).toEqual({ groupMemberships: [groupMembership], totalCount: 1 })
    expect((await bench.call("POST", bench.inProject(group), {})).status).toBe(400)
    const { roles } = await bench.ok("PATCH", `${older}/${group}`, { roles: [{ role: "member" }] })
    expect(roles).toMatchObject([{ role: "member", customRoleId: null }])
    expect(await bench.instance.test.lastEvent()).toMatchObject({
      type: "update-project-group",
      projectId: bench.project,
      metadata: { groupId: group, slug: "sre", roles: ["member"] },
    })
    await bench.ok("DELETE", bench.inProject(group))
    expect((await bench.call("GET", bench.inProject(group))).status).toBe(404)
    expect((await bench.call("PATCH", bench.inProject(group), { roles: viewer })).status).toBe(404)
  })
}

function describeRights(make: () => Promise<GroupBench>): void {
  it("give their members their roles, and take them back at once", async () => {
    const bench = await make()
    const ann = await bench.person("ann")
    const group = await bench.group("sre", { people: ["ann"] })
    expect(await bench.mayRead(ann)).toBe(false)
    await bench.ok("POST", bench.inProject(group), { role: "viewer" })
    expect(await bench.mayRead(ann)).toBe(true)
    await bench.ok("PATCH", bench.inProject(group), { roles: [{ role: "no-access" }] })
    expect(await bench.mayRead(ann)).toBe(false)
    await bench.ok("PATCH", bench.inProject(group), { roles: viewer })
    await bench.ok("DELETE", `/v1/groups/${group}/users/ann@acme.test`)
    expect(await bench.mayRead(ann)).toBe(false)
    await bench.join(group, "ann")
    expect(await bench.mayRead(ann)).toBe(true)
    await bench.ok("DELETE", bench.inProject(group))
    expect(await bench.mayRead(ann)).toBe(false)
    await bench.ok("POST", bench.inProject(group), { role: "viewer" })
    await bench.ok("DELETE", `/v1/groups/${group}`)
    expect(await bench.mayRead(ann)).toBe(false)
  })

  it("hold temporary roles from their start until their end", async () => {
    const bench = await make()
    const { clock } = bench.instance.test
    const ann = await bench.person("ann")
    const temporary = {
      role: "viewer",
      isTemporary: true,
      temporaryMode: "relative",
      temporaryRange: "10m",
      temporaryAccessStartTime: new Date(clock.now() + 60_000).toISOString(),
    }
    await bench.group("sre", { people: ["ann"], roles: [temporary] })
    expect(await bench.mayRead(ann)).toBe(false)
    clock.advance(60_000)
    expect(await bench.mayRead(ann)).toBe(true)
    clock.advance(10 * 60_000)
    expect(await bench.mayRead(ann)).toBe(false)
  })

  it("follow a custom role when it changes, and keep it from being deleted", async () => {
    const bench = await make()
    const ann = await bench.person("ann")
    await bench.role("prod-reader", [readProd])
    await bench.group("sre", { people: ["ann"], roles: [{ role: "prod-reader" }] })
    expect([await bench.mayRead(ann, "prod"), await bench.mayRead(ann, "dev")]).toEqual([true, false])
    const url = `/v1/projects/${bench.project}/roles`
    const { role } = await bench.ok("GET", `${url}/slug/prod-reader`)
    await bench.ok("PATCH", `${url}/${role.id}`, { permissions: [] })
    expect(await bench.mayRead(ann, "prod")).toBe(false)
    expect((await bench.call("DELETE", `${url}/${role.id}`)).status).toBe(400)
  })

  it("are named in the explanation of what their members may do", async () => {
    const bench = await make()
    const ann = await bench.person("ann")
    const group = await bench.group("sre", { people: ["ann"], roles: viewer })
    const query = new URLSearchParams({ actorType: "user", actorId: ann.id, environment: "prod" })
    const url = `/coffer/v1/projects/${bench.project}/access/explain?${query}`
    const through = { id: group, name: "sre" }
    expect(await bench.ok("GET", url)).toMatchObject({
      isAllowed: true,
      decidedBy: { kind: "built-in-role", name: "viewer", group: through },
      grants: [{ name: "viewer", group: through }],
    })
  })

  it("count for nobody who is no longer an active member of the organization", async () => {
    const bench = await make()
    const ann = await bench.person("ann")
    await bench.group("sre", { people: ["ann"], roles: viewer })
    const { database } = bench.instance.test.storage
    await database.write(async ({ db }) => {
      await db
        .updateTable("organization_membership")
        .set({ is_active: 0 })
        .where("actor_id", "=", ann.id)
        .execute()
      await db
        .updateTable("user_account")
        .set((eb) => ({ epoch: eb("epoch", "+", 1) }))
        .where("id", "=", ann.id)
        .execute()
    })
    expect(
      (
        await bench.call(
          "GET",
          `/v4/secrets/KEY?projectId=${bench.project}&environment=prod`,
          undefined,
          ann.token,
        )
      ).status,
    ).toBeGreaterThanOrEqual(401)
  })
}

function describeBoundary(make: () => Promise<GroupBench>): void {
  it("are managed by admins of the organization only, and seen by its members", async () => {
    const bench = await make()
    const { token } = await bench.person("ann")
    await bench.person("bob")
    const group = await bench.group("sre")
    expect((await bench.call("GET", "/v1/groups", undefined, token)).status).toBe(200)
    const tries = [
      bench.call("POST", "/v1/groups", { name: "x" }, token),
      bench.call("PATCH", `/v1/groups/${group}`, { name: "x" }, token),
      bench.call("POST", `/v1/groups/${group}/users/bob@acme.test`, {}, token),
      bench.call("DELETE", `/v1/groups/${group}/users/bob@acme.test`, undefined, token),
      bench.call("DELETE", `/v1/groups/${group}`, undefined, token),
    ]
    for (const answer of await Promise.all(tries)) expect(answer).toMatchObject({ status: 403 })
    const stranger = await bench.person("eve", { orgRole: "no-access" })
    expect((await bench.call("GET", "/v1/groups", undefined, stranger.token)).status).toBe(403)
  })

  it("nobody joins a person to more than it holds itself, nor itself", async () => {
    const bench = await make()
    const boss = await bench.person("boss", { orgRole: "admin" })
    await bench.person("ann")
    const group = await bench.group("sre", { roles: [{ role: "admin" }] })
    const add = (name: string) =>
      bench.call("POST", `/v1/groups/${group}/users/${name}@acme.test`, {}, boss.token)
    for (const name of ["boss", "ann"]) expect((await add(name)).status, name).toBe(403)
    const url = `/v1/groups/${group}/users?filter=existingMembers`
    expect((await bench.ok("GET", url)).totalCount).toBe(0)
    await bench.ok("POST", `/v1/projects/${bench.project}/memberships`, {
      emails: ["boss@acme.test"],
      roleSlugs: ["member"],
    })
    expect(await add("ann")).toMatchObject({ status: 403, body: { error: "PermissionBoundaryError" } })
    await bench.ok("PATCH", bench.inProject(group), { roles: viewer })
    expect((await add("ann")).status).toBe(200)
  })

  it("nobody gives a group more than it holds itself", async () => {
    const bench = await make()
    const deputy = await bench.person("deputy")
    await bench.role("deputy", [
      { subject: "groups", action: ["read", "create", "edit", "delete", "grant-privileges"] },
      readProd,
    ])
    await bench.role("prod-reader", [readProd])
    const { token } = deputy
    await bench.ok("POST", `/v1/projects/${bench.project}/memberships`, {
      emails: ["deputy@acme.test"],
      roleSlugs: ["deputy"],
    })
    const group = await bench.group("sre")
    const add = (role: string) => bench.call("POST", bench.inProject(group), { role }, token)
    expect(await add("viewer")).toMatchObject({ status: 403, body: { error: "PermissionBoundaryError" } })
    expect((await add("prod-reader")).status).toBe(200)
    const change = await bench.call("PATCH", bench.inProject(group), { roles: viewer }, token)
    expect(change).toMatchObject({ status: 403, body: { error: "PermissionBoundaryError" } })
  })

  it("a deny that came through a group is lifted only by who holds what it denies", async () => {
    const bench = await make()
    const boss = await bench.person("boss", { orgRole: "admin" })
    await bench.person("ann")
    await bench.role("no-prod", [{ ...readProd, inverted: true }])
    const group = await bench.group("interns", { people: ["ann"], roles: [{ role: "no-prod" }] })
    const leave = `/v1/groups/${group}/users/ann@acme.test`
    expect((await bench.call("DELETE", leave, undefined, boss.token)).status).toBe(403)
    expect((await bench.call("DELETE", `/v1/groups/${group}`, undefined, boss.token)).status).toBe(403)
    expect((await bench.call("DELETE", leave)).status).toBe(200)
    expect((await bench.call("DELETE", `/v1/groups/${group}`)).status).toBe(200)
  })

  it("of another organization are not found, not even by id", async () => {
    const bench = await make()
    const group = await bench.group("sre")
    const { database, clock, random } = bench.instance.test.storage
    const other = random.uuid()
    await database.write(async ({ db }) => {
      const at = { created_at: clock.now(), updated_at: clock.now() }
      await db
        .insertInto("organization")
        .values({ id: other, name: "O", slug: "other", ...at })
        .execute()
      await db.updateTable("user_group").set({ org_id: other }).where("id", "=", group).execute()
    })
    expect((await bench.call("GET", `/v1/groups/${group}`)).status).toBe(404)
    expect((await bench.call("POST", bench.inProject(group), { role: "viewer" })).status).toBe(404)
    expect((await bench.call("DELETE", `/v1/groups/${group}`)).status).toBe(404)
  })
}

function describeReplicas(open: OpenTestStorage): void {
  it("a removed member loses its rights at once on another server too", async () => {
    const storage = await open()
    const bench = await GroupBench.on(storage)
    const replica = new TestApp(
      storage.connectionUri === undefined ? storage : await open({ sameAs: storage }),
    )
    const ann = await bench.person("ann")
    const group = await bench.group("sre", { people: ["ann"], roles: viewer })
    for (let round = 0; round < 3; round += 1) {
      expect(await bench.mayRead(ann, "prod", replica)).toBe(true)
      await bench.ok("DELETE", `/v1/groups/${group}/users/ann@acme.test`)
      expect(await bench.mayRead(ann, "prod", replica)).toBe(false)
      await bench.join(group, "ann")
    }
  })

  it("two who add the same person at once make one member", async () => {
    const bench = await GroupBench.on(await open())
    await bench.person("ann")
    const group = await bench.group("sre", { roles: viewer })
    const url = `/v1/groups/${group}/users/ann@acme.test`
    const answers = await Promise.all([bench.call("POST", url, {}), bench.call("POST", url, {})])
    expect(answers.map(({ status }) => status).toSorted()).toEqual([200, 400])
  })
}

/** Rules that a person has of its own or through one of two groups, as indices into these. */
const rules = [
  { subject: "secrets", action: ["describeSecret", "readValue"] },
  { subject: "secrets", action: ["describeSecret", "readValue"], conditions: { environment: "dev" } },
  readProd,
  { ...readProd, inverted: true },
  { subject: "secrets", action: "readValue", inverted: true, conditions: { environment: "dev" } },
]

function describeUnion(make: () => Promise<GroupBench>): void {
  it("what a person may is the union of its own and its groups' rules, and a deny wins", async () => {
    const bench = await make()
    const ann = await bench.person("ann", { project: bench.project, role: "no-access" })
    for (const [index, rule] of rules.entries()) await bench.role(`rule-${index}`, [rule])
    const groups = [
      await bench.group("one", { people: ["ann"], roles: [{ role: "no-access" }] }),
      await bench.group("two", { people: ["ann"], roles: [{ role: "no-access" }] }),
    ]
    const rolesOf = (held: readonly number[]) =>
      held.length === 0 ? [{ role: "no-access" }] : held.map((index) => ({ role: `rule-${index}` }))
    const some = fc.uniqueArray(fc.nat({ max: rules.length - 1 }), { maxLength: 2 })
    await fc.assert(
      fc.asyncProperty(some, some, some, async (own, one, two) => {
        await bench.instance.test.storage.database.write(async ({ db }) => {
          const membership = db.selectFrom("project_membership").select("id").where("actor_id", "=", ann.id)
          await db.deleteFrom("project_membership_role").where("membership_id", "in", membership).execute()
          const { id } = await membership.executeTakeFirstOrThrow()
          for (const [index, { role }] of rolesOf(own).entries()) {
            const none = { temporary_mode: null, temporary_range: null, starts_at: null, ends_at: null }
            const row = { id: `own-${index}`, membership_id: id, role, is_temporary: 0 as const, ...none }
            await db
              .insertInto("project_membership_role")
              .values({ ...row, created_at: 0, updated_at: 0 })
              .execute()
          }
        })
        await bench.ok("PATCH", bench.inProject(groups[0]), { roles: rolesOf(one) })
        await bench.ok("PATCH", bench.inProject(groups[1]), { roles: rolesOf(two) })
        const held = new Set([...own, ...one, ...two])
        const isAllowed = (environment: "dev" | "prod") => {
          const [allow, deny] = environment === "dev" ? [1, 4] : [2, 3]
          return (held.has(0) || held.has(allow)) && !held.has(deny)
        }
        expect(await bench.mayRead(ann, "prod")).toBe(isAllowed("prod"))
        expect(await bench.mayRead(ann, "dev")).toBe(isAllowed("dev"))
      }),
      { numRuns: 25 },
    )
  })
}
