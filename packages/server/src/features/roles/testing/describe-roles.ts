import { describeDatabase } from "@coffer/testkit"
import { expect, it } from "vitest"
import { exported, imported } from "../../../testing/archive-bench.ts"
import { aMachine } from "../../../testing/test-app.ts"
import { Workbench } from "../../../testing/workbench.ts"
import { type AccessBench, anAccessBench } from "./access-bench.ts"

type Make = () => Promise<AccessBench>

const describeAll = { subject: "secrets", action: "describeSecret" }
const readAll = { subject: "secrets", action: "read" }
const manageRoles = { subject: "role", action: ["read", "create", "edit", "delete"] }

/** Custom roles through the HTTP API, on either database. */
export function describeRoles(kind: "sqlite" | "postgres"): void {
  describeDatabase(kind, "custom roles", (open) => {
    const make = async () => anAccessBench(await open())
    describeKeeping(make)
    describeBoundary(make)
    describeEffect(make)
  })
}

function describeKeeping(make: Make): void {
  it("a role is made, listed, read, changed and deleted, each with its event", async () => {
    const bench = await make()
    const { test } = bench.instance
    const permissions = [
      { subject: "secrets", action: ["describeSecret", "readValue"], conditions: { environment: "dev" } },
      { subject: "workspace", action: "edit", inverted: true },
    ]
    const role = await bench.role("ops", permissions)
    expect(role).toMatchObject({
      slug: "ops",
      name: "ops",
      projectId: bench.project,
      permissions,
      version: 1,
    })
    expect(await test.lastEvent()).toMatchObject({
      type: "create-project-role",
      metadata: { roleId: role.id, slug: "ops" },
    })
    const url = `/v1/projects/${bench.project}/roles`
    const { roles } = await bench.asAdmin("GET", url)
    expect(roles.map((one: { slug: string }) => one.slug)).toEqual([
      "admin",
      "member",
      "viewer",
      "no-access",
      "ops",
    ])
    expect(roles.some((one: object) => "permissions" in one)).toBe(false)
    expect(await bench.asAdmin("GET", `${url}/slug/ops`)).toEqual({ role })
    expect(await bench.asAdmin("GET", `${url}/${role.id}`)).toEqual({ role })
    const { role: builtIn } = await bench.asAdmin("GET", `${url}/slug/viewer`)
    expect(builtIn.permissions).toContainEqual({ subject: "secrets", action: "readValue" })
    const changed = await bench.changeRole(role.id, { name: "Operations", permissions: [readAll] })
    expect(changed.role).toMatchObject({ name: "Operations", version: 2, permissions: [readAll] })
    expect(await bench.asAdmin("DELETE", `${url}/${role.id}`)).toMatchObject({ role: { slug: "ops" } })
    expect(await test.lastEvent()).toMatchObject({ type: "delete-project-role" })
    const { adminToken } = bench.instance
    expect((await bench.call(adminToken, "GET", `${url}/slug/ops`)).status).toBe(404)
    expect((await bench.call(adminToken, "DELETE", `${url}/${role.id}`)).status).toBe(404)
    expect((await bench.call(adminToken, "DELETE", `${url}/${builtIn.id}`)).status).toBe(400)
  })

  it.for([
    {
      says: "an unknown subject",
      rule: { subject: "secretz", action: "read" },
      field: "permissions.0.subject",
    },
    { says: "an unknown action", rule: { subject: "secrets", action: "fly" }, field: "permissions.0.action" },
    {
      says: "an unknown condition",
      rule: { ...readAll, conditions: { secretPth: "/a" } },
      field: "permissions.0.conditions",
    },
    {
      says: "an unknown operator",
      rule: { ...readAll, conditions: { environment: { $regex: "x" } } },
      field: "permissions.0.conditions.environment",
    },
    {
      says: "no operator",
      rule: { ...readAll, conditions: { environment: {} } },
      field: "permissions.0.conditions.environment",
    },
    {
      says: "an empty pattern",
      rule: { ...readAll, conditions: { secretName: { $glob: "" } } },
      field: "permissions.0.conditions.secretName",
    },
    {
      says: "a path without its slash",
      rule: { ...readAll, conditions: { secretPath: { $glob: "a/**" } } },
      field: "permissions.0.conditions.secretPath",
    },
    {
      says: "CVE-2026-3605: dot segments in a path",
      rule: { ...readAll, conditions: { secretPath: "/a/../b" } },
      field: "permissions.0.conditions.secretPath",
    },
    {
      says: "a condition of another subject",
      rule: { subject: "tags", action: "read", conditions: { environment: "dev" } },
      field: "permissions.0.conditions.environment",
    },
  ])("$says is refused by name, and nothing is made", async ({ rule, field }) => {
    const bench = await make()
    const url = `/v1/projects/${bench.project}/roles`
    const body = { slug: "ops", name: "ops", permissions: [rule] }
    const answer = await bench.call(bench.instance.adminToken, "POST", url, body)
    expect(answer.status, answer.text).toBe(422)
    expect(answer.body.message).toContain(`body.${field}`)
    expect((await bench.asAdmin("GET", url)).roles).toHaveLength(4)
  })

  it("a pattern that could match for ever is refused with what to change", async () => {
    const bench = await make()
    const conditions = { secretName: { $glob: "+(a|aa)+" } }
    const body = { slug: "ops", name: "ops", permissions: [{ ...readAll, conditions }] }
    const url = `/v1/projects/${bench.project}/roles`
    const answer = await bench.call(bench.instance.adminToken, "POST", url, body)
    expect(answer).toMatchObject({ status: 400, body: { message: expect.stringContaining("use {a,b}") } })
  })

  it("a built-in name and a taken one are refused", async () => {
    const bench = await make()
    const url = `/v1/projects/${bench.project}/roles`
    const { adminToken } = bench.instance
    const body = { name: "x", permissions: [] }
    for (const slug of ["admin", "no-access", "Admin", "a b", "x".repeat(65)]) {
      expect((await bench.call(adminToken, "POST", url, { ...body, slug })).status).toBe(422)
    }
    const role = await bench.role("ops", [])
    await bench.role("other", [])
    expect((await bench.call(adminToken, "POST", url, { ...body, slug: "ops" })).status).toBe(400)
    expect((await bench.call(adminToken, "PATCH", `${url}/${role.id}`, { slug: "other" })).status).toBe(400)
  })

  it("a role that somebody holds is not deleted", async () => {
    const bench = await make()
    const role = await bench.role("ops", [readAll])
    await bench.member("ops")
    const url = `/v1/projects/${bench.project}/roles/${role.id}`
    expect(await bench.call(bench.instance.adminToken, "DELETE", url)).toMatchObject({
      status: 400,
      body: { message: expect.stringContaining("held by 1 member of") },
    })
  })

  it("a role of another project is not there", async () => {
    const bench = await make()
    const { project } = await bench.asAdmin("POST", "/v1/projects", { projectName: "Other" })
    const url = `/v1/projects/${project.id}/roles`
    const { role } = await bench.asAdmin("POST", url, { slug: "ops", name: "ops", permissions: [] })
    const { adminToken } = bench.instance
    const here = `/v1/projects/${bench.project}/roles/${role.id}`
    for (const method of ["GET", "DELETE"])
      expect((await bench.call(adminToken, method, here)).status).toBe(404)
    expect((await bench.call(adminToken, "PATCH", here, { name: "x" })).status).toBe(404)
    const { id } = await aMachine(bench.instance)
    const membership = `/v1/projects/${bench.project}/memberships/identities/${id}`
    expect(await bench.call(adminToken, "POST", membership, { role: "ops" })).toMatchObject({
      status: 400,
      body: { message: "Role 'ops' does not exist" },
    })
  })
}

function describeBoundary(make: Make): void {
  it("nobody makes or widens a role beyond its own rights, nor hands it out", async () => {
    const bench = await make()
    const devOnly = { ...readAll, conditions: { environment: "dev" } }
    const maker = await bench.memberWith("maker", [
      devOnly,
      manageRoles,
      { subject: "identity", action: ["read", "create", "edit", "grant-privileges"] },
    ])
    const url = `/v1/projects/${bench.project}/roles`
    const makeRole = (slug: string, permissions: readonly object[]) =>
      bench.call(maker.token, "POST", url, { slug, name: slug, permissions })
    expect(await makeRole("all", [readAll])).toMatchObject({
      status: 403,
      body: { error: "PermissionBoundaryError", details: { missingPermissions: expect.any(Array) } },
    })
    const made = await makeRole("dev", [devOnly])
    expect(made.status).toBe(200)
    const { id } = made.body.role
    expect((await bench.call(maker.token, "PATCH", `${url}/${id}`, { permissions: [readAll] })).status).toBe(
      403,
    )
    const other = await aMachine(bench.instance)
    const membership = `/v1/projects/${bench.project}/memberships/identities/${other.id}`
    for (const role of ["viewer", "admin"]) {
      expect((await bench.call(maker.token, "POST", membership, { role })).status).toBe(403)
    }
    expect((await bench.call(maker.token, "POST", membership, { role: "dev" })).status).toBe(200)
  })

  it("nobody frees itself of a deny", async () => {
    const bench = await make()
    const identity = { subject: "identity", action: ["read", "create", "edit", "grant-privileges"] }
    const deny = { subject: "secrets", action: "readValue", inverted: true }
    const open = await bench.role("open", [readAll, manageRoles, identity])
    const bound = await bench.role("bound", [deny])
    const { id, token } = await aMachine(bench.instance)
    const membership = `/v1/projects/${bench.project}/memberships/identities/${id}`
    await bench.asAdmin("POST", membership, { roles: [{ role: "open" }, { role: "bound" }] })
    await bench.put("KEY")
    expect((await bench.read(token, "KEY")).status).toBe(403)
    const roles = `/v1/projects/${bench.project}/roles`
    const tries: readonly (readonly [string, string, object])[] = [
      ["PATCH", `${roles}/${bound.id}`, { permissions: [] }],
      ["PATCH", `${roles}/${bound.id}`, { permissions: [{ ...deny, conditions: { environment: "dev" } }] }],
      ["PATCH", membership, { roles: [{ role: "open" }] }],
      [
        "PATCH",
        membership,
        {
          roles: [
            { role: "open" },
            {
              role: "bound",
              isTemporary: true,
              temporaryMode: "relative",
              temporaryRange: "1m",
              temporaryAccessStartTime: "2026-01-01T00:00:00.000Z",
            },
          ],
        },
      ],
    ]
    for (const [method, url, body] of tries) {
      const answer = await bench.call(token, method, url, { ...body })
      expect(answer, `${method} ${url}`).toMatchObject({
        status: 403,
        body: { error: "PermissionBoundaryError" },
      })
    }
    expect((await bench.read(token, "KEY")).status).toBe(403)
    const same = { roles: [{ role: "bound" }, { role: "open" }] }
    expect((await bench.call(token, "PATCH", membership, same)).status).toBe(200)
    expect(open.version).toBe(1)
  })
}

function describeEffect(make: Make): void {
  it("a change of a role counts for its holders at once", async () => {
    const bench = await make()
    await bench.put("KEY")
    const role = await bench.role("ops", [readAll])
    const { token } = await bench.member("ops")
    expect((await bench.read(token, "KEY")).status).toBe(200)
    const validator = (await bench.list(token)).headers["etag"]
    await bench.changeRole(role.id, { permissions: [describeAll] })
    expect((await bench.read(token, "KEY")).status).toBe(403)
    const list = await bench.list(token)
    expect(list.headers["etag"]).not.toBe(validator)
    expect(list.body.secrets).toMatchObject([
      { secretKey: "KEY", secretValue: "<hidden-by-infisical>", secretValueHidden: true },
    ])
    await bench.changeRole(role.id, { permissions: [readAll, { ...readAll, inverted: true }] })
    expect((await bench.list(token)).status).toBe(403)
  })

  it("a renamed role stays with its holders", async () => {
    const bench = await make()
    await bench.put("KEY")
    const role = await bench.role("ops", [readAll])
    const { id, token } = await bench.member("ops")
    await bench.changeRole(role.id, { slug: "operations" })
    expect((await bench.read(token, "KEY")).status).toBe(200)
    const url = `/v1/projects/${bench.project}/memberships/identities/${id}`
    expect((await bench.asAdmin("GET", url)).identityMembership.roles).toMatchObject([
      { role: "custom", customRoleId: role.id, customRoleName: "ops", customRoleSlug: "operations" },
    ])
  })

  it("a validator made with one role is none with another version of it", async () => {
    const bench = await make()
    await bench.put("KEY")
    const role = await bench.role("ops", [readAll])
    const { token } = await bench.member("ops")
    const url = `/v4/secrets?projectId=${bench.project}&environment=prod`
    const plain = await bench.instance.test.call("GET", url, { token })
    const known = String(plain.headers["etag"])
    const conditional = () =>
      bench.instance.test.call("GET", url, { token, headers: { "if-none-match": known } })
    expect((await conditional()).status).toBe(304)
    await bench.changeRole(role.id, { permissions: [readAll, describeAll] })
    expect((await conditional()).status).toBe(200)
  })

  it("a role that came back from an archive counts as it is now, not as its versions were before", async () => {
    const bench = await make()
    await bench.put("KEY")
    const role = await bench.role("ops", [describeAll])
    const { archive, keys } = await exported(new Workbench(bench.instance, bench.project))
    await bench.changeRole(role.id, { permissions: [readAll] })
    const before = await bench.member("ops")
    expect((await bench.read(before.token, "KEY")).status).toBe(200)
    await bench.asAdmin("DELETE", `/v1/projects/${bench.project}`)
    expect((await imported(bench.instance, archive, keys)).status).toBe(200)
    const narrowed = [{ ...readAll, conditions: { environment: "dev" } }]
    expect(await bench.changeRole(role.id, { permissions: narrowed })).toMatchObject({ role: { version: 2 } })
    const after = await bench.member("ops")
    expect((await bench.read(after.token, "KEY")).status).toBe(403)
  })
}
