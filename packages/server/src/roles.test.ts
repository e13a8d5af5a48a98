import { describeDatabase } from "@coffer/testkit"
import { expect, it } from "vitest"
import { aProjectToTry, projectRoutes } from "./testing/project-routes.ts"
import { aMachine, anInstance, aProject, aSecret, type Instance } from "./testing/test-app.ts"
import type { Role } from "./testing/writing-routes.ts"

const roles: readonly Role[] = ["admin", "member", "viewer", "no-access"]

describeDatabase("sqlite", "roles", (open) => {
  it.for(roles)("the role %s may do what the contract's table says, and nothing else", async (role) => {
    const instance = await anInstance(await open())
    const { test, adminToken } = instance
    const names = await aProjectToTry(instance, role.slice(0, 2))
    const { token } = await aMachine(instance, { project: names.project, role })
    for (const route of projectRoutes) {
      const isAllowed = route.allowed.includes(role)
      const isUpdateOfMember = route.method === "PATCH" && route.url(names).includes(names.other)
      if (isUpdateOfMember && !isAllowed) {
        // The member must exist whatever this role may do.
        await test.call("POST", route.url(names), { token: adminToken, body: { role: "viewer" } })
      }
      const before = await changesOf(instance, names.project)
      const eventBefore = await test.lastEvent()
      const body = route.body?.(names)
      const answer = await test.call(route.method, route.url(names), {
        token,
        ...(body === undefined ? {} : { body }),
      })
      if (isAllowed) {
        expect(answer, `${role} ${route.does}: ${answer.text}`).toMatchObject({ status: 200 })
        // Whatever is done leaves an event.
        expect(await test.lastEvent(), `${role} ${route.does}`).not.toEqual(eventBefore)
        continue
      }
      expect(answer, `${role} ${route.does}`).toMatchObject({
        status: 403,
        body: { error: "PermissionDenied", statusCode: 403 },
      })
      expect(answer.body.message).toContain(`You are not allowed to`)
      expect(answer.body.message).toContain(route.denial)
      expect(Array.isArray(answer.body.details)).toBe(true)
      expect(await changesOf(instance, names.project), `${role} ${route.does}`).toEqual(before)
      expect(await test.lastEvent()).toMatchObject({ type: "permission-denied" })
    }
  })

  it("a stranger gets 403 on every route of the project, never 404", async () => {
    const instance = await anInstance(await open())
    const names = await aProjectToTry(instance, "x")
    const { token } = await aMachine(instance, { orgRole: "admin" })
    for (const route of projectRoutes) {
      const body = route.body?.(names)
      const answer = await instance.test.call(route.method, route.url(names), {
        token,
        ...(body === undefined ? {} : { body }),
      })
      expect(answer.status, route.does).toBe(403)
      expect(answer.body.message, route.does).toContain("not a member of this project")
    }
  })

  it("a viewer's write is refused with the rules that it does have", async () => {
    const instance = await anInstance(await open())
    const { id: project } = await aProject(instance)
    const { token } = await aMachine(instance, { project, role: "viewer" })
    const body = { workspaceId: project, environment: "dev", secretValue: "1" }
    const answer = await instance.test.call("POST", "/v3/secrets/raw/API_KEY", { token, body })
    expect(answer.body).toMatchObject({
      statusCode: 403,
      error: "PermissionDenied",
      message: "You are not allowed to create on secrets",
      details: [
        { action: "describeSecret", subject: "secrets" },
        { action: "readValue", subject: "secrets" },
      ],
    })
  })

  it("nobody hands out more than it holds", async () => {
    const instance = await anInstance(await open())
    const { test, orgId } = instance
    const { id: project } = await aProject(instance)
    const member = await aMachine(instance, { project, role: "member", orgRole: "member" })
    const other = await aMachine(instance)
    const url = `/v1/projects/${project}/memberships/identities/${other.id}`
    const call = { token: member.token, body: { role: "admin" } }
    expect(await test.call("POST", url, call)).toMatchObject({
      status: 403,
      body: { error: "PermissionBoundaryError", details: { missingPermissions: expect.any(Array) } },
    })
    const admin = { name: "x", organizationId: orgId, role: "admin" }
    expect((await test.call("POST", "/v1/identities", { token: member.token, body: admin })).status).toBe(403)
    const auth = `/v1/auth/universal-auth/identities/${instance.adminId}`
    expect((await test.call("POST", auth, { token: member.token, body: {} })).status).toBe(403)
    const secrets = `/v1/auth/universal-auth/identities/${other.id}/client-secrets`
    expect((await test.call("POST", secrets, { token: member.token, body: {} })).status).toBe(403)
  })

  it("a temporary role counts from its start until its end", async () => {
    const instance = await anInstance(await open())
    const { test, adminToken } = instance
    const { id: project } = await aProject(instance)
    await aSecret(instance, { project, key: "KEY", value: "1" })
    const machine = await aMachine(instance)
    const start = instance.test.clock.now() + 60_000
    const temporary = {
      role: "viewer",
      isTemporary: true,
      temporaryMode: "relative",
      temporaryRange: "2h",
      temporaryAccessStartTime: new Date(start).toISOString(),
    }
    const url = `/v1/projects/${project}/memberships/identities/${machine.id}`
    await test.ok("POST", url, { token: adminToken, body: { roles: [temporary] } })
    const read = () =>
      test.call("GET", `/v4/secrets/KEY?projectId=${project}&environment=prod`, { token: machine.token })
    expect((await read()).status).toBe(403)
    instance.test.clock.advance(60_000)
    expect((await read()).status).toBe(200)
    instance.test.clock.advance(2 * 3_600_000)
    expect((await read()).status).toBe(403)
  })
})

async function changesOf({ test }: Instance, project: string): Promise<unknown> {
  const { reader } = test.storage.database
  const { revision } = await reader
    .selectFrom("project")
    .select("revision")
    .where("id", "=", project)
    .executeTakeFirstOrThrow()
  return revision
}
