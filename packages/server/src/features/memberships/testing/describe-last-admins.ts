/** The last admin of a project, on either database. */
import { describeDatabase, type OpenTestStorage } from "@coffer/testkit"
import { expect, it } from "vitest"
import { aPerson, type Person } from "../../../testing/a-person.ts"
import { aMachine, anInstance, aProject, type Instance, TestApp } from "../../../testing/test-app.ts"

type Json = Readonly<Record<string, unknown>>

const rounds = [1, 2, 3, 4, 5]
const keepsOne = { status: 400, body: { message: expect.stringContaining("would have no admin left") } }

export function describeLastAdmins(kind: "sqlite" | "postgres"): void {
  describeDatabase(kind, "the last admin of a project", (open) => {
    describePeople(open)
    describeMachines(open)
    describeGroupsOfAdmins(open)
    describeOrganizations(open)
    describeTwoAtOnce(open)
  })
}

function describePeople(open: OpenTestStorage): void {
  it("does not leave, nor take another role or the same one for a time, until somebody else has it", async () => {
    const scene = await LastAdminScene.on(await open())
    const { ann, project } = scene
    const own = await scene.membershipOf(ann)
    const temporary = scene.temporaryAdmin()
    const changes: readonly (readonly [string, Json | undefined])[] = [
      ["DELETE", undefined],
      ["PATCH", { roles: [{ role: "viewer" }] }],
      ["PATCH", { roles: [temporary] }],
    ]
    const refuses = async () => {
      for (const [method, body] of changes)
        expect(await scene.call(ann, method, own, body), method).toMatchObject({
          status: 400,
          body: {
            error: "BadRequest",
            message: `Project '${project.slug}' would have no admin left: give somebody else the role 'admin' there first, without an end`,
          },
        })
    }
    await refuses()
    const bob = await scene.add("bob", "member")
    await refuses()
    const other = await scene.membershipOf(bob)
    expect((await scene.call(ann, "PATCH", other, { roles: [temporary] })).status).toBe(200)
    await refuses()
    const both = { roles: [{ role: "viewer" }, { role: "admin" }] }
    expect((await scene.call(ann, "PATCH", own, both)).status).toBe(200)
    await refuses()
    expect((await scene.call(ann, "PATCH", other, { roles: [{ role: "admin" }] })).status).toBe(200)
    expect((await scene.call(ann, "PATCH", own, { roles: [{ role: "viewer" }] })).status).toBe(200)
    expect(await scene.call(bob, "DELETE", other)).toMatchObject(keepsOne)
    expect((await scene.call(bob, "DELETE", own)).status).toBe(200)
  })

  it("loses nothing, and leaves no event, when it is refused", async () => {
    const scene = await LastAdminScene.on(await open())
    const { ann, test } = scene
    const own = await scene.membershipOf(ann)
    const before = await scene.call(ann, "GET", own)
    expect(before.body.membership.roles).toMatchObject([{ role: "admin" }])
    expect(await scene.call(ann, "PATCH", own, { roles: [{ role: "viewer" }] })).toMatchObject(keepsOne)
    expect(await scene.call(ann, "DELETE", own)).toMatchObject(keepsOne)
    expect((await scene.call(ann, "GET", own)).body).toEqual(before.body)
    const types = (await test.auditEvents()).map(({ type }) => type)
    expect(types).not.toContain("update-project-member")
    expect(types).not.toContain("delete-project-member")
  })
}

function describeMachines(open: OpenTestStorage): void {
  it("may be a machine, which then stays as well", async () => {
    const scene = await LastAdminScene.on(await open())
    const { ann, project, instance } = scene
    const machine = await aMachine(instance)
    const at = `/v1/projects/${project.id}/memberships/identities/${machine.id}`
    expect((await scene.call(ann, "POST", at, { role: "admin" })).status).toBe(200)
    expect((await scene.call(ann, "DELETE", await scene.membershipOf(ann))).status).toBe(200)
    expect(await scene.call(machine, "DELETE", at)).toMatchObject(keepsOne)
    expect(await scene.call(machine, "PATCH", at, { roles: [{ role: "viewer" }] })).toMatchObject(keepsOne)
    await scene.add("bob", "admin", machine)
    expect((await scene.call(machine, "PATCH", at, { roles: [{ role: "viewer" }] })).status).toBe(200)
  })
}

function describeGroupsOfAdmins(open: OpenTestStorage): void {
  it("may be somebody in a group; an empty one, or one of deactivated people, is no admin", async () => {
    const scene = await LastAdminScene.on(await open())
    const { ann } = scene
    const own = await scene.membershipOf(ann)
    await scene.groupOfAdmins("empty", [])
    expect(await scene.call(ann, "DELETE", own)).toMatchObject(keepsOne)
    const bob = await scene.person("bob")
    await scene.groupOfAdmins("gone", ["bob"])
    await scene.asOrganization("PATCH", `/coffer/v1/users/${bob.id}`, { isActive: false })
    expect(await scene.call(ann, "DELETE", own)).toMatchObject(keepsOne)
    const eve = await scene.person("eve")
    const group = await scene.groupOfAdmins("some", ["eve"])
    const inProject = `/v1/projects/${scene.project.id}/groups/${group}`
    const temporary = { roles: [scene.temporaryAdmin()] }
    expect((await scene.call(ann, "PATCH", inProject, temporary)).status).toBe(200)
    expect(await scene.call(ann, "DELETE", own)).toMatchObject(keepsOne)
    const lasting = { roles: [{ role: "admin" }] }
    expect((await scene.call(ann, "PATCH", inProject, lasting)).status).toBe(200)
    expect((await scene.call(ann, "DELETE", own)).status).toBe(200)
    expect(await scene.call(eve, "PATCH", inProject, temporary)).toMatchObject(keepsOne)
    expect(await scene.call(eve, "DELETE", inProject)).toMatchObject(keepsOne)
    expect((await scene.call(eve, "GET", inProject)).body.groupMembership.roles).toMatchObject([
      { role: "admin", isTemporary: false },
    ])
  })

  it("is not taken out of its group, and its group not deleted, before somebody else is admin", async () => {
    const scene = await LastAdminScene.on(await open())
    const { ann, project, instance } = scene
    await scene.person("bob")
    const group = await scene.groupOfAdmins("some", ["bob"])
    const second = await aProject(instance, { name: "Second", token: ann.token })
    const inSecond = `/v1/projects/${second.id}/groups/${group}`
    expect((await scene.call(ann, "POST", inSecond, { role: "admin" })).status).toBe(200)
    for (const { id } of [project, second])
      expect((await scene.call(ann, "DELETE", await scene.membershipOf(ann, id))).status).toBe(200)
    const slugs = [project.slug, second.slug].toSorted().map((slug) => `'${slug}'`)
    const told = `Projects ${slugs.join(", ")} would have no admin left`
    const refused = { status: 400, body: { message: expect.stringContaining(told) } }
    const root = { token: instance.adminToken }
    const inGroup = `/v1/groups/${group}/users/bob@acme.test`
    for (const at of [inGroup, `/v1/groups/${group}`])
      expect(await scene.call(root, "DELETE", at), at).toMatchObject(refused)
    await scene.enter(second.id)
    expect(await scene.call(root, "DELETE", inGroup)).toMatchObject({
      status: 400,
      body: { message: expect.stringContaining(`Project '${project.slug}' would`) },
    })
    await scene.enter(project.id)
    for (const at of [inGroup, `/v1/groups/${group}`])
      expect((await scene.call(root, "DELETE", at)).status, at).toBe(200)
  })
}

function describeOrganizations(open: OpenTestStorage): void {
  it("may still be taken out of the organization, deactivated or deleted; administrators enter then", async () => {
    const scene = await LastAdminScene.on(await open())
    const { ann, instance, project } = scene
    const machine = await aMachine(instance)
    const { id: ofMachine } = await aProject(instance, { name: "Of a machine", token: ann.token })
    const at = `/v1/projects/${ofMachine}/memberships/identities/${machine.id}`
    await scene.call(ann, "POST", at, { role: "admin" })
    await scene.call(ann, "DELETE", await scene.membershipOf(ann, ofMachine))
    await scene.asOrganization("PATCH", `/coffer/v1/users/${ann.id}`, { isActive: false })
    await scene.asOrganization("DELETE", `/coffer/v1/users/${ann.id}`)
    await scene.asOrganization("DELETE", `/v1/identities/${machine.id}`)
    for (const id of [project.id, ofMachine]) {
      await scene.enter(id)
      const own = `/v1/projects/${id}/memberships/identities/${instance.adminId}`
      expect(await scene.call({ token: instance.adminToken }, "DELETE", own)).toMatchObject(keepsOne)
    }
  })

  it("is not missed where there was none before: roles change and people leave as they like", async () => {
    const scene = await LastAdminScene.on(await open())
    const { ann, project } = scene
    const manage = ["read", "edit", "delete", "grant-privileges"]
    const steward = {
      slug: "steward",
      name: "Steward",
      permissions: [{ subject: "member", action: manage }],
    }
    expect((await scene.call(ann, "POST", `/v1/projects/${project.id}/roles`, steward)).status).toBe(200)
    const bob = await scene.add("bob", "steward")
    const own = await scene.membershipOf(bob)
    await scene.asOrganization("DELETE", `/coffer/v1/users/${ann.id}`)
    const roles = [{ role: "steward" }, { role: "no-access" }]
    expect((await scene.call(bob, "PATCH", own, { roles })).status).toBe(200)
    expect((await scene.call(bob, "DELETE", own)).status).toBe(200)
  })
}

function describeTwoAtOnce(open: OpenTestStorage): void {
  it("is whoever comes second of two that leave at the same moment, on two servers", async () => {
    const { scene, replica } = await twoServers(open)
    const { ann } = scene
    for (const round of rounds) {
      const bob = await scene.add(`bob-${round}`, "admin")
      const [first, second] = [await scene.membershipOf(ann), await scene.membershipOf(bob)]
      const answers = await Promise.all([
        scene.call(ann, "DELETE", first),
        replica.call("DELETE", second, { token: bob.token }),
      ])
      expect(answers.map(({ status }) => status).toSorted(), `round ${round}`).toEqual([200, 400])
      const [left, stays] = answers[0].status === 200 ? [ann, bob] : [bob, ann]
      // The next round begins as this one did.
      if (left === ann) {
        await scene.invite(stays, "ann@acme.test", "admin")
        await scene.call(ann, "DELETE", second)
      }
    }
    expect(await scene.adminIds()).toEqual([ann.id])
  })

  it("is whoever comes second of two that give the role away at the same moment, on two servers", async () => {
    const { scene, replica } = await twoServers(open)
    const { ann } = scene
    const viewer = { roles: [{ role: "viewer" }] }
    for (const round of rounds) {
      const bob = await scene.add(`bob-${round}`, "admin")
      const [first, second] = [await scene.membershipOf(ann), await scene.membershipOf(bob)]
      const answers = await Promise.all([
        scene.call(ann, "PATCH", first, viewer),
        replica.call("PATCH", second, { token: bob.token, body: viewer }),
      ])
      expect(answers.map(({ status }) => status).toSorted(), `round ${round}`).toEqual([200, 400])
      if (answers[0].status === 200) {
        await scene.call(bob, "PATCH", first, { roles: [{ role: "admin" }] })
        await scene.call(ann, "PATCH", second, viewer)
      }
    }
    expect(await scene.adminIds()).toEqual([ann.id])
  })

  it("stays beside the last one of a group that is taken out at the same moment, on two servers", async () => {
    const { scene, replica } = await twoServers(open)
    const { ann, instance, project } = scene
    const bob = await scene.person("bob")
    const root = { token: instance.adminToken }
    const member = `/v1/groups/${await scene.groupOfAdmins("some", [])}`
    const inGroup = `${member}/users/bob@acme.test`
    const inProject = `/v1/projects/${project.id}${member.slice("/v1".length)}`
    for (const round of rounds) {
      // Whoever lets a person into a group must hold what it gives: here nothing, at that moment.
      expect((await scene.call(ann, "PATCH", inProject, { roles: [{ role: "no-access" }] })).status).toBe(200)
      expect((await scene.call(root, "POST", inGroup, {})).status).toBe(200)
      expect((await scene.call(ann, "PATCH", inProject, { roles: [{ role: "admin" }] })).status).toBe(200)
      const own = await scene.membershipOf(ann)
      const answers = await Promise.all([
        scene.call(ann, "DELETE", own),
        replica.call("DELETE", inGroup, root),
      ])
      expect(answers.map(({ status }) => status).toSorted(), `round ${round}`).toEqual([200, 400])
      if (answers[0].status === 200) {
        await scene.invite(bob, "ann@acme.test", "admin")
        expect((await scene.call(root, "DELETE", inGroup)).status).toBe(200)
      }
    }
    expect(await scene.adminIds()).toEqual([ann.id])
  })
}

async function twoServers(open: OpenTestStorage) {
  const storage = await open()
  const scene = await LastAdminScene.on(storage)
  const replica = new TestApp(storage.connectionUri === undefined ? storage : await open({ sameAs: storage }))
  return { scene, replica }
}

type Caller = { readonly token: string }

/** A project of a person, who is its only admin. */
class LastAdminScene {
  readonly instance: Instance
  readonly ann: Person
  readonly project: { readonly id: string; readonly slug: string }

  private constructor(instance: Instance, ann: Person, project: LastAdminScene["project"]) {
    this.instance = instance
    this.ann = ann
    this.project = project
  }

  static async on(storage: Parameters<typeof anInstance>[0]): Promise<LastAdminScene> {
    const instance = await anInstance(storage)
    const ann = await aPerson(instance, { email: "ann@acme.test" })
    return new LastAdminScene(instance, ann, await aProject(instance, { token: ann.token }))
  }

  get test(): TestApp {
    return this.instance.test
  }

  call(by: Caller, method: string, url: string, body?: Json) {
    return this.test.call(method, url, { token: by.token, ...(body === undefined ? {} : { body }) })
  }

  asOrganization(method: string, url: string, body?: Json) {
    const token = this.instance.adminToken
    return this.test.ok(method, url, { token, ...(body === undefined ? {} : { body }) })
  }

  /** Where a person's membership is changed. */
  async membershipOf(person: Person, project = this.project.id): Promise<string> {
    const row = await this.test.storage.database.reader
      .selectFrom("project_membership")
      .select("id")
      .where("project_id", "=", project)
      .where("actor_id", "=", person.id)
      .executeTakeFirstOrThrow()
    return `/v1/projects/${project}/memberships/${row.id}`
  }

  person(name: string): Promise<Person> {
    return aPerson(this.instance, { email: `${name}@acme.test` })
  }

  /** A new person, in the project with this role. */
  async add(name: string, role: string, by: Caller = this.ann): Promise<Person> {
    const person = await this.person(name)
    await this.invite(by, `${name}@acme.test`, role)
    return person
  }

  invite(by: Caller, email: string, role: string) {
    const body = { emails: [email], roleSlugs: [role] }
    return this.test.ok("POST", `/v1/projects/${this.project.id}/memberships`, { token: by.token, body })
  }

  /** A group of these people, in the project as its admins. */
  async groupOfAdmins(slug: string, names: readonly string[]): Promise<string> {
    const { id } = await this.asOrganization("POST", "/v1/groups", { name: slug, slug })
    for (const name of names)
      await this.asOrganization("POST", `/v1/groups/${id}/users/${name}@acme.test`, {})
    const at = `/v1/projects/${this.project.id}/groups/${id}`
    await this.test.ok("POST", at, { token: this.ann.token, body: { role: "admin" } })
    return id
  }

  temporaryAdmin(): Json {
    return {
      role: "admin",
      isTemporary: true,
      temporaryMode: "relative",
      temporaryRange: "2h",
      temporaryAccessStartTime: new Date(this.test.clock.now()).toISOString(),
    }
  }

  async enter(project = this.project.id): Promise<void> {
    await this.asOrganization("POST", `/v1/organization-admin/projects/${project}/grant-admin-access`)
  }

  async adminIds(): Promise<readonly string[]> {
    const rows = await this.test.storage.database.reader
      .selectFrom("project_membership as m")
      .innerJoin("project_membership_role as r", "r.membership_id", "m.id")
      .select("m.actor_id")
      .where("m.project_id", "=", this.project.id)
      .where("r.role", "=", "admin")
      .execute()
    return rows.map((row) => row.actor_id)
  }
}
