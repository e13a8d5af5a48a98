/** The people of a project through the HTTP API, on either database. */
import { describeDatabase } from "@coffer/testkit"
import { expect, it } from "vitest"
import { aColleague, anotherOrganization, type Colleague, claimsOf, logIn } from "../../../testing/people.ts"
import { aMachine, anInstance, aProject, type Instance } from "../../../testing/test-app.ts"

const readValue = { subject: "secrets", action: "readValue" }

export function describePeopleOfProjects(kind: "sqlite" | "postgres"): void {
  describeDatabase(kind, "people of a project", (open) => {
    async function aScene() {
      const instance = await anInstance(await open())
      const project = await aProject(instance)
      const ann = await aColleague(instance, { email: "ann@acme.test" })
      const path = `/v1/projects/${project.id}/memberships`
      const call = (method: string, at: string, body?: object, token = instance.adminToken) =>
        instance.test.call(method, at, {
          token,
          ...(body === undefined ? {} : { body: body as Readonly<Record<string, unknown>> }),
        })
      const add = async (person: Colleague, role: string): Promise<string> => {
        const answer = await call("POST", path, { emails: [person.email], roleSlugs: [role] })
        return answer.body.memberships[0].id
      }
      return { instance, project, ann, path, call, add }
    }

    it("are added, listed by e-mail address, changed and taken out, each with its event", async () => {
      const { instance, project, ann, path, call, add } = await aScene()
      const bob = await aColleague(instance, { email: "bob@acme.test" })
      await add(bob, "viewer")
      const membershipId = await add(ann, "member")
      const { body: list } = await call("GET", path)
      expect(list).toMatchObject({
        totalCount: 2,
        memberships: [
          {
            id: membershipId,
            userId: ann.id,
            projectId: project.id,
            user: { id: ann.id, email: ann.email, username: ann.email },
            project: { id: project.id, name: "Billing API" },
            roles: [{ role: "member", customRoleId: null, isTemporary: false }],
          },
          { userId: bob.id, roles: [{ role: "viewer" }] },
        ],
      })
      expect(await instance.test.lastEvent()).toMatchObject({
        type: "get-project-members",
        metadata: { numberOfMembers: 2 },
      })
      const second = await call("GET", `${path}?offset=1&limit=1`)
      expect(second.body).toMatchObject({ totalCount: 2, memberships: [{ userId: bob.id }] })
      const one = await call("GET", `${path}/${membershipId}`)
      expect(one.body).toEqual({ membership: list.memberships[0] })
      expect(await instance.test.lastEvent()).toMatchObject({
        type: "get-project-member",
        metadata: { userId: ann.id },
      })
      const temporary = {
        role: "admin",
        isTemporary: true,
        temporaryMode: "relative",
        temporaryRange: "2h",
        temporaryAccessStartTime: new Date(instance.test.clock.now()).toISOString(),
      }
      const changed = await call("PATCH", `${path}/${membershipId}`, {
        roles: [{ role: "viewer" }, temporary],
      })
      expect(changed.body).toMatchObject({
        roles: [{ role: "viewer" }, { role: "admin", isTemporary: true, temporaryRange: "2h" }],
      })
      expect(await instance.test.lastEvent()).toMatchObject({
        type: "update-project-member",
        metadata: { userId: ann.id, roles: ["viewer", "admin"] },
      })
      const removed = await call("DELETE", `${path}/${membershipId}`)
      expect(removed.body).toMatchObject({ membership: { id: membershipId, userId: ann.id } })
      expect(await instance.test.lastEvent()).toMatchObject({
        type: "delete-project-member",
        metadata: { userId: ann.id },
      })
      expect((await call("GET", path)).body).toMatchObject({ totalCount: 1 })
    })

    it("have their new rights at once, and none once they are out", async () => {
      const { instance, project, ann, path, call, add } = await aScene()
      const membershipId = await add(ann, "viewer")
      const { token } = await logIn(instance, ann)
      const place = { projectId: project.id, environment: "dev" }
      const write = () => call("POST", "/v4/secrets/KEY", { ...place, secretValue: "1" }, token)
      expect((await write()).status).toBe(403)
      await call("PATCH", `${path}/${membershipId}`, { roles: [{ role: "member" }] })
      expect((await write()).status).toBe(200)
      const read = () =>
        call("GET", `/v4/secrets/KEY?projectId=${project.id}&environment=dev`, undefined, token)
      expect((await read()).status).toBe(200)
      await call("DELETE", `${path}/${membershipId}`)
      expect((await read()).status).toBe(403)
    })

    it("are found in their own project only, and identities and strangers not among them", async () => {
      const { instance, project, ann, path, call, add } = await aScene()
      const other = await aProject(instance, { name: "Other" })
      const membershipId = await add(ann, "member")
      const machine = await aMachine(instance, { project: project.id, role: "viewer" })
      const { body } = await call("GET", `${path}/identities/${machine.id}`)
      const others = [
        `/v1/projects/${other.id}/memberships/${membershipId}`,
        `${path}/${body.identityMembership.id}`,
        `${path}/none`,
      ]
      for (const at of others) {
        for (const [method, sent] of [
          ["GET", undefined],
          ["PATCH", { roles: [{ role: "viewer" }] }],
          ["DELETE", undefined],
        ] as const) {
          expect(await call(method, at, sent), `${method} ${at}`).toMatchObject({
            status: 404,
            body: { message: expect.stringContaining("not found in this project") },
          })
        }
      }
      expect((await call("GET", `${path}/${membershipId}`)).status).toBe(200)
    })

    it("are managed by those who may, and by nobody who would hand out more than they hold", async () => {
      const { instance, project, ann, path, call, add } = await aScene()
      const membershipId = await add(ann, "viewer")
      const steward = await aSteward(instance, project.id)
      const asSteward = (method: string, at: string, body?: object) => call(method, at, body, steward)
      const viewer = await aMachine(instance, { project: project.id, role: "no-access" })
      for (const [method, at] of [
        ["GET", path],
        ["GET", `${path}/${membershipId}`],
        ["DELETE", `${path}/${membershipId}`],
      ] as const) {
        expect((await call(method, at, undefined, viewer.token)).status, method).toBe(403)
      }
      expect((await asSteward("GET", path)).status).toBe(200)
      const more = await asSteward("PATCH", `${path}/${membershipId}`, { roles: [{ role: "admin" }] })
      expect(more).toMatchObject({ status: 403, body: { error: "PermissionBoundaryError" } })
      expect((await asSteward("PATCH", `${path}/${membershipId}`, { roles: [] })).status).toBe(422)
      expect((await call("GET", `${path}/${membershipId}`)).body.membership.roles).toMatchObject([
        { role: "viewer" },
      ])
    })

    it("keep what their own role denies them beside a group, for whoever may not hand that out", async () => {
      const { instance, project, ann, path, call, add } = await aScene()
      const denied = { slug: "denied", name: "Denied", permissions: [{ ...readValue, inverted: true }] }
      expect((await call("POST", `/v1/projects/${project.id}/roles`, denied)).status).toBe(200)
      const membershipId = await add(ann, "denied")
      const steward = await aSteward(instance, project.id)
      const refused = await call("DELETE", `${path}/${membershipId}`, undefined, steward)
      expect(refused).toMatchObject({ status: 403, body: { error: "PermissionBoundaryError" } })
      const lifted = await call(
        "PATCH",
        `${path}/${membershipId}`,
        { roles: [{ role: "no-access" }] },
        steward,
      )
      expect(lifted.status).toBe(403)
      expect((await call("DELETE", `${path}/${membershipId}`)).status).toBe(200)
    })

    it("keep what a privilege of theirs denies them in the same way", async () => {
      const { instance, project, ann, path, call, add } = await aScene()
      const membershipId = await add(ann, "no-access")
      const privilege = {
        userId: ann.id,
        projectId: project.id,
        slug: "not-this",
        permissions: [{ ...readValue, inverted: true }],
        type: { isTemporary: false },
      }
      expect((await call("POST", "/coffer/v1/user-project-additional-privilege", privilege)).status).toBe(200)
      const steward = await aSteward(instance, project.id)
      const refused = await call("DELETE", `${path}/${membershipId}`, undefined, steward)
      expect(refused).toMatchObject({ status: 403, body: { error: "PermissionBoundaryError" } })
      expect((await call("DELETE", `${path}/${membershipId}`)).status).toBe(200)
    })
  })
}

export function describeEnteringProjects(kind: "sqlite" | "postgres"): void {
  describeDatabase(kind, "administrators of an organization", (open) => {
    const path = "/v1/organization-admin/projects"

    it("see every project and enter each, on the record; nobody else does", async () => {
      const instance = await anInstance(await open())
      const { test } = instance
      const left = await aProject(instance, { name: "Left 100%" })
      const other = await aProject(instance, { name: "Other" })
      const secret = { projectId: left.id, environment: "dev", secretValue: "1" }
      await test.ok("POST", "/v4/secrets/KEY", { token: instance.adminToken, body: secret })
      const { id, token } = await aMachine(instance, { orgRole: "admin" })
      const enter = (projectId: string, as = token) =>
        test.call("POST", `${path}/${projectId}/grant-admin-access`, { token: as })
      const read = () => test.call("GET", `/v4/secrets/KEY?projectId=${left.id}&environment=dev`, { token })
      expect((await read()).status).toBe(403)
      const all = await test.call("GET", path, { token })
      expect(all.body).toMatchObject({ count: 2, projects: [{ id: left.id }, { id: other.id }] })
      const found = await test.call("GET", `${path}?search=100%25`, { token })
      expect(found.body).toMatchObject({ count: 1, projects: [{ slug: left.slug, orgId: instance.orgId }] })
      expect((await enter(left.id)).body).toMatchObject({
        membership: { projectId: left.id, identityId: id, userId: null },
      })
      expect(await test.lastEvent()).toMatchObject({
        type: "org-admin-accessed-project",
        projectId: left.id,
        metadata: { actorType: "identity", actorId: id },
      })
      expect((await read()).status).toBe(200)
      expect((await enter("none")).status).toBe(404)

      const member = await aMachine(instance, { orgRole: "member" })
      expect((await test.call("GET", path, { token: member.token })).status).toBe(403)
      expect((await enter(other.id, member.token)).status).toBe(403)
      const here = await logIn(instance)
      const elsewhere = await anotherOrganization(test, String(claimsOf(here.token)["userId"]))
      const stranger = await logIn({ ...instance, orgId: elsewhere })
      expect((await enter(other.id, stranger.token)).status).toBe(403)
      expect((await test.call("GET", path, { token: stranger.token })).body).toMatchObject({ count: 0 })
    })

    it("see no project before all of its archive is there", async () => {
      const instance = await anInstance(await open())
      const { test, adminToken: token } = instance
      const whole = await aProject(instance, { name: "Whole" })
      const staged = await aProject(instance, { name: "Staged" })
      await test.storage.database.write(({ db }) =>
        db.updateTable("project").set({ is_hidden: 1 }).where("id", "=", staged.id).execute(),
      )
      const all = await test.call("GET", path, { token })
      expect(all.body).toMatchObject({ count: 1, projects: [{ id: whole.id }] })
    })

    it("keep the rights that they have in a project already, and what those deny", async () => {
      const instance = await anInstance(await open())
      const { test, adminToken } = instance
      const project = await aProject(instance)
      const role = { slug: "denied", name: "Denied", permissions: [{ ...readValue, inverted: true }] }
      await test.ok("POST", `/v1/projects/${project.id}/roles`, { token: adminToken, body: role })
      const { id, token } = await aMachine(instance, {
        orgRole: "admin",
        project: project.id,
        role: "denied",
      })
      for (let time = 0; time < 2; time += 1)
        await test.ok("POST", `${path}/${project.id}/grant-admin-access`, { token })
      const at = `/v1/projects/${project.id}/memberships/identities/${id}`
      const { identityMembership } = await test.ok("GET", at, { token: adminToken })
      const roles = identityMembership.roles.map(
        (one: { role: string; customRoleSlug?: string }) => one.customRoleSlug ?? one.role,
      )
      expect(roles.toSorted()).toEqual(["admin", "denied"])
      const secret = { projectId: project.id, environment: "dev", secretValue: "1" }
      await test.ok("POST", "/v4/secrets/KEY", { token: adminToken, body: secret })
      const url = `/v4/secrets/KEY?projectId=${project.id}&environment=dev`
      expect((await test.call("GET", url, { token })).status).toBe(403)
    })
  })
}

/** The token of somebody who may do everything with members and nothing with secrets. */
async function aSteward(instance: Instance, project: string): Promise<string> {
  const { test, adminToken } = instance
  const body = {
    slug: "steward",
    name: "Steward",
    permissions: [{ subject: "member", action: ["read", "create", "edit", "delete", "grant-privileges"] }],
  }
  await test.ok("POST", `/v1/projects/${project}/roles`, { token: adminToken, body })
  return (await aMachine(instance, { project, role: "steward" })).token
}
