import { describeDatabase } from "@coffer/testkit"
import { expect, it } from "vitest"
import { aMachine } from "../../../testing/test-app.ts"
import { type AccessBench, anAccessBench } from "../../roles/testing/access-bench.ts"

type Make = () => Promise<AccessBench>

const path = "/v2/identity-project-additional-privilege"
const readAll = { subject: "secrets", action: "read" }
const forGood = { isTemporary: false }

/** Privileges through the HTTP API, on either database. */
export function describePrivileges(kind: "sqlite" | "postgres"): void {
  describeDatabase(kind, "privileges", (open) => {
    const make = async () => anAccessBench(await open())
    describeKeeping(make)
    describeEffect(make)
    describeBoundary(make)
  })
}

function describeKeeping(make: Make): void {
  it("a privilege is given, found, changed and taken, each with its event", async () => {
    const bench = await make()
    const { test } = bench.instance
    const { id: identityId } = await bench.member("no-access")
    const place = { identityId, projectId: bench.project }
    const body = { ...place, slug: "night-shift", permissions: [readAll], type: forGood }
    const { privilege } = await bench.asAdmin("POST", path, body)
    expect(privilege).toMatchObject({
      slug: "night-shift",
      identityId,
      projectId: bench.project,
      isTemporary: false,
      temporaryAccessEndTime: null,
      permissions: [readAll],
    })
    expect(await test.lastEvent()).toMatchObject({
      type: "create-project-privilege",
      metadata: { privilegeId: privilege.id, actorType: "identity", actorId: identityId },
    })
    const query = `identityId=${identityId}&projectId=${bench.project}`
    expect(await bench.asAdmin("GET", `${path}?${query}`)).toEqual({ privileges: [privilege] })
    expect(await bench.asAdmin("GET", `${path}/${privilege.id}`)).toEqual({ privilege })
    const bySlug = `${path}/slug/night-shift?identityId=${identityId}&projectSlug=${bench.slug}`
    expect(await bench.asAdmin("GET", bySlug)).toEqual({ privilege })
    const { adminToken } = bench.instance
    expect((await bench.call(adminToken, "POST", path, body)).status).toBe(400)
    const unnamed = await bench.asAdmin("POST", path, { ...place, permissions: [readAll] })
    expect(unnamed.privilege).toMatchObject({ slug: expect.any(String), isTemporary: false })
    const change = { slug: "day-shift", permissions: [{ subject: "tags", action: ["read"] }] }
    const changed = await bench.asAdmin("PATCH", `${path}/${privilege.id}`, change)
    expect(changed.privilege).toMatchObject(change)
    await bench.asAdmin("DELETE", `${path}/${privilege.id}`)
    expect(await test.lastEvent()).toMatchObject({ type: "delete-project-privilege" })
    expect((await bench.call(adminToken, "GET", `${path}/${privilege.id}`)).status).toBe(404)
    expect((await bench.call(adminToken, "DELETE", `${path}/${privilege.id}`)).status).toBe(404)
  })

  it("only members have privileges, and a user's is not found among those of identities", async () => {
    const bench = await make()
    const { adminToken } = bench.instance
    const { id: identityId } = await aMachine(bench.instance)
    const body = { identityId, projectId: bench.project, permissions: [readAll] }
    expect((await bench.call(adminToken, "POST", path, body)).status).toBe(404)
    const members = { emails: ["root@acme.test"], roleSlugs: ["viewer"] }
    const url = `/v1/projects/${bench.project}/memberships`
    const { memberships } = await bench.asAdmin("POST", url, members)
    const users = "/coffer/v1/user-project-additional-privilege"
    const userId = memberships[0].userId
    const given = { userId, projectId: bench.project, slug: "extra", permissions: [readAll] }
    const { privilege } = await bench.asAdmin("POST", users, given)
    expect(privilege).toMatchObject({ userId, slug: "extra" })
    expect((await bench.call(adminToken, "GET", `${path}/${privilege.id}`)).status).toBe(404)
    const query = `userId=${userId}&projectId=${bench.project}`
    expect(await bench.asAdmin("GET", `${users}?${query}`)).toEqual({ privileges: [privilege] })
    expect(await bench.asAdmin("GET", `${users}/slug/extra?${query}`)).toEqual({ privilege })
    await bench.asAdmin("PATCH", `${users}/${privilege.id}`, { slug: "more" })
    await bench.asAdmin("DELETE", `${users}/${privilege.id}`)
  })

  it("strangers and viewers give none, and learn nothing", async () => {
    const bench = await make()
    const member = await bench.member("viewer")
    const body = { identityId: member.id, projectId: bench.project, permissions: [readAll] }
    const { privilege } = await bench.asAdmin("POST", path, body)
    const stranger = await aMachine(bench.instance, { orgRole: "admin" })
    const one = `${path}/${privilege.id}`
    for (const [method, url, sent] of [
      ["GET", `${path}?identityId=${member.id}&projectId=${bench.project}`],
      ["GET", one],
      ["POST", path, body],
      ["PATCH", one, { slug: "x" }],
      ["DELETE", one],
    ] as const) {
      const answer = await bench.call(stranger.token, method, url, sent)
      expect(answer.status, `${method} ${url}`).toBe(403)
      expect(answer.body.message).toContain("not a member of this project")
      const asViewer = await bench.call(member.token, method, url, sent)
      expect(asViewer.status, `${method} ${url}`).toBe(method === "GET" ? 200 : 403)
    }
  })
}

function describeEffect(make: Make): void {
  it("a privilege adds to the roles, and its deny wins over them", async () => {
    const bench = await make()
    await bench.put("KEY")
    const none = await bench.member("no-access")
    const place = { identityId: none.id, projectId: bench.project }
    expect((await bench.read(none.token, "KEY")).status).toBe(403)
    const { privilege } = await bench.asAdmin("POST", path, { ...place, permissions: [readAll] })
    expect((await bench.read(none.token, "KEY")).status).toBe(200)
    await bench.asAdmin("DELETE", `${path}/${privilege.id}`)
    expect((await bench.read(none.token, "KEY")).status).toBe(403)
    const admin = await bench.member("admin")
    const permissions = [{ ...readAll, inverted: true, conditions: { secretName: "KEY" } }]
    await bench.asAdmin("POST", path, { identityId: admin.id, projectId: bench.project, permissions })
    expect((await bench.read(admin.token, "KEY")).status).toBe(403)
    expect((await bench.list(admin.token)).body.secrets).toEqual([])
  })

  it("a temporary privilege counts from its start until its end, and ends by itself", async () => {
    const bench = await make()
    await bench.put("KEY")
    const { clock } = bench.instance.test
    const { id: identityId, token } = await bench.member("no-access")
    const start = clock.now() + 60_000
    const { privilege } = await bench.asAdmin("POST", path, {
      identityId,
      projectId: bench.project,
      permissions: [readAll],
      type: {
        isTemporary: true,
        temporaryMode: "relative",
        temporaryRange: "2h",
        temporaryAccessStartTime: new Date(start).toISOString(),
      },
    })
    expect(privilege).toMatchObject({
      isTemporary: true,
      temporaryRange: "2h",
      temporaryAccessEndTime: new Date(start + 7_200_000).toISOString(),
    })
    expect((await bench.read(token, "KEY")).status).toBe(403)
    clock.advance(60_000)
    const list = await bench.list(token)
    expect(list.status).toBe(200)
    clock.advance(7_199_999)
    expect((await bench.read(token, "KEY")).status).toBe(200)
    clock.advance(1)
    expect((await bench.read(token, "KEY")).status).toBe(403)
    const query = `projectId=${bench.project}&environment=prod&secretPath=%2F`
    const headers = { "if-none-match": String(list.headers["etag"]) }
    const late = await bench.instance.test.call("GET", `/v4/secrets?${query}`, { token, headers })
    expect(late.status).toBe(403)
  })

  it("a privilege ends with the membership", async () => {
    const bench = await make()
    await bench.put("KEY")
    const { id: identityId, token } = await bench.member("no-access")
    await bench.asAdmin("POST", path, { identityId, projectId: bench.project, permissions: [readAll] })
    const membership = `/v1/projects/${bench.project}/memberships/identities/${identityId}`
    await bench.asAdmin("DELETE", membership)
    await bench.asAdmin("POST", membership, { role: "no-access" })
    expect((await bench.read(token, "KEY")).status).toBe(403)
  })
}

function describeBoundary(make: Make): void {
  it("nobody gives more than it holds, nor frees itself of what a privilege denies", async () => {
    const bench = await make()
    const devOnly = { ...readAll, conditions: { environment: "dev" } }
    const identity = { subject: "identity", action: ["read", "edit", "grant-privileges"] }
    const giver = await bench.memberWith("giver", [devOnly, identity])
    const { id: identityId } = await bench.member("no-access")
    const give = (permissions: readonly object[]) =>
      bench.call(giver.token, "POST", path, { identityId, projectId: bench.project, permissions })
    expect(await give([readAll])).toMatchObject({
      status: 403,
      body: { error: "PermissionBoundaryError" },
    })
    expect((await give([devOnly])).status).toBe(200)
    const bound = { identityId: giver.id, projectId: bench.project }
    const deny = { ...readAll, inverted: true }
    const { privilege } = await bench.asAdmin("POST", path, { ...bound, permissions: [deny] })
    const one = `${path}/${privilege.id}`
    expect((await bench.call(giver.token, "DELETE", one)).status).toBe(403)
    const empty = { permissions: [{ ...deny, conditions: { environment: "prod" } }] }
    expect((await bench.call(giver.token, "PATCH", one, empty)).status).toBe(403)
    const soon = {
      type: {
        isTemporary: true,
        temporaryMode: "relative",
        temporaryRange: "1s",
        temporaryAccessStartTime: "2026-01-01T00:00:00.000Z",
      },
    }
    expect((await bench.call(giver.token, "PATCH", one, soon)).status).toBe(403)
    await bench.asAdmin("DELETE", one)
  })
}
