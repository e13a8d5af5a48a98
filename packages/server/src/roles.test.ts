import { describeDatabase } from "@coffer/testkit"
import { expect, it } from "vitest"
import { aMachine, anInstance, aProject, aSecret, type Instance } from "./testing/test-app.ts"
import { aPlaceToWrite, type WritingNames, writingRoutes } from "./testing/writing-routes.ts"

type Role = "admin" | "member" | "viewer" | "no-access"
type Names = WritingNames & {
  readonly project: string
  readonly other: string
  readonly environment: string
  readonly secret: string
  /** Imports of the root folder: one that stays, and one to delete. */
  readonly imported: string
  readonly spare: string
  readonly n: string
}
type Route = {
  readonly does: string
  readonly method: string
  readonly url: (names: Names) => string
  readonly body?: (names: Names) => Readonly<Record<string, unknown>>
  readonly allowed: readonly Role[]
  /** What a refusal says; a project's stranger gets another text. */
  readonly denial: string
}

const everyone: readonly Role[] = ["admin", "member", "viewer"]
const writers: readonly Role[] = ["admin", "member"]
const place = ({ project }: Names) => ({ workspaceId: project, environment: "prod" })
const placeV4 = ({ project }: Names) => ({ projectId: project, environment: "prod" })
const query = ({ project }: Names) => `environment=prod&workspaceId=${project}`

/** Contract 4.2, on every route that reads or changes a project. `n` makes names unique per role. */
const routes: readonly Route[] = [
  ...writingRoutes,
  {
    does: "lists secrets",
    method: "GET",
    url: (n) => `/v3/secrets/raw?${query(n)}`,
    allowed: everyone,
    denial: "describeSecret on secrets",
  },
  {
    does: "reads a secret",
    method: "GET",
    url: (n) => `/v3/secrets/raw/KEY?${query(n)}`,
    allowed: everyone,
    denial: "describeSecret on secrets",
  },
  {
    does: "lists secrets, v4",
    method: "GET",
    url: (n) => `/v4/secrets?environment=prod&projectId=${n.project}`,
    allowed: everyone,
    denial: "describeSecret on secrets",
  },
  {
    does: "reads a secret, v4",
    method: "GET",
    url: (n) => `/v4/secrets/KEY?environment=prod&projectId=${n.project}`,
    allowed: everyone,
    denial: "describeSecret on secrets",
  },
  {
    does: "lists folders",
    method: "GET",
    url: (n) => `/v1/folders?${query(n)}`,
    allowed: everyone,
    denial: "read on secret-folders",
  },
  {
    does: "reads an environment",
    method: "GET",
    url: (n) => `/v1/projects/${n.project}/environments/${n.environment}`,
    allowed: everyone,
    denial: "read on environments",
  },
  {
    does: "lists identities",
    method: "GET",
    url: (n) => `/v1/projects/${n.project}/memberships/identities`,
    allowed: everyone,
    denial: "read on identity",
  },
  {
    does: "reads the audit log",
    method: "GET",
    url: (n) => `/v1/organization/audit-logs?projectId=${n.project}`,
    allowed: everyone,
    denial: "read on audit-logs",
  },
  {
    does: "creates a secret",
    method: "POST",
    url: (n) => `/v3/secrets/raw/NEW${n.n}`,
    body: (n) => ({ ...place(n), secretValue: "1" }),
    allowed: writers,
    denial: "create on secrets",
  },
  {
    does: "creates a secret, v4",
    method: "POST",
    url: (n) => `/v4/secrets/NEW4${n.n}`,
    body: (n) => ({ ...placeV4(n), secretValue: "1" }),
    allowed: writers,
    denial: "create on secrets",
  },
  {
    does: "creates a batch",
    method: "POST",
    url: () => "/v3/secrets/batch/raw",
    body: (n) => ({ ...place(n), secrets: [{ secretKey: `B${n.n}`, secretValue: "1" }] }),
    allowed: writers,
    denial: "create on secrets",
  },
  {
    does: "changes a secret",
    method: "PATCH",
    url: () => "/v3/secrets/raw/KEY",
    body: (n) => ({ ...place(n), secretValue: "2" }),
    allowed: writers,
    denial: "edit on secrets",
  },
  {
    does: "changes a batch",
    method: "PATCH",
    url: () => "/v4/secrets/batch",
    body: (n) => ({ ...placeV4(n), secrets: [{ secretKey: "KEY", secretValue: "3" }] }),
    allowed: writers,
    denial: "edit on secrets",
  },
  {
    does: "deletes a secret",
    method: "DELETE",
    url: (n) => `/v3/secrets/raw/GONE${n.n}`,
    body: place,
    allowed: writers,
    denial: "delete on secrets",
  },
  {
    does: "deletes a batch",
    method: "DELETE",
    url: () => "/v4/secrets/batch",
    body: (n) => ({ ...placeV4(n), secrets: [{ secretKey: `GONEB${n.n}` }] }),
    allowed: writers,
    denial: "delete on secrets",
  },
  {
    does: "reads a secret by its id",
    method: "GET",
    url: (n) => `/v4/secrets/id/${n.secret}`,
    allowed: everyone,
    denial: "describeSecret on secrets",
  },
  {
    does: "reads what a secret refers to",
    method: "GET",
    url: (n) => `/v4/secrets/KEY/secret-reference-tree?environment=prod&projectId=${n.project}`,
    allowed: everyone,
    denial: "describeSecret on secrets",
  },
  {
    does: "reads what refers to a secret",
    method: "GET",
    url: (n) => `/v4/secrets/KEY/secret-references?environment=prod&projectId=${n.project}`,
    allowed: everyone,
    denial: "describeSecret on secrets",
  },
  {
    does: "searches",
    method: "POST",
    url: (n) => `/coffer/v1/projects/${n.project}/search`,
    body: () => ({ value: { contains: "1" } }),
    allowed: everyone,
    denial: "describeSecret on secrets",
  },
  {
    does: "lists imports",
    method: "GET",
    url: (n) => `/v2/secret-imports?environment=prod&projectId=${n.project}`,
    allowed: everyone,
    denial: "read on secret-imports",
  },
  {
    does: "reads imported secrets",
    method: "GET",
    url: (n) => `/v1/secret-imports/secrets?${query(n)}`,
    allowed: everyone,
    denial: "read on secret-imports",
  },
  {
    does: "reads an import",
    method: "GET",
    url: (n) => `/v2/secret-imports/${n.imported}`,
    allowed: everyone,
    denial: "read on secret-imports",
  },
  {
    does: "creates an import",
    method: "POST",
    url: () => "/v2/secret-imports",
    body: (n) => ({ ...placeV4(n), import: { environment: "prod", path: `/mine${n.n}` } }),
    allowed: writers,
    denial: "create on secret-imports",
  },
  {
    does: "moves an import",
    method: "PATCH",
    url: (n) => `/v1/secret-imports/${n.imported}`,
    body: (n) => ({ ...place(n), import: { position: 2 } }),
    allowed: writers,
    denial: "edit on secret-imports",
  },
  {
    does: "deletes an import",
    method: "DELETE",
    url: (n) => `/v2/secret-imports/${n.spare}`,
    body: placeV4,
    allowed: writers,
    denial: "delete on secret-imports",
  },
  {
    does: "creates a folder",
    method: "POST",
    url: () => "/v1/folders",
    body: (n) => ({ ...place(n), name: `f${n.n}` }),
    allowed: writers,
    denial: "create on secret-folders",
  },
  {
    does: "renames a folder",
    method: "PATCH",
    url: (n) => `/v1/folders/mine${n.n}`,
    body: (n) => ({ ...place(n), name: `renamed${n.n}` }),
    allowed: writers,
    denial: "edit on secret-folders",
  },
  {
    does: "deletes a folder",
    method: "DELETE",
    url: (n) => `/v1/folders/gone${n.n}`,
    body: place,
    allowed: writers,
    denial: "delete on secret-folders",
  },
  {
    does: "creates an environment",
    method: "POST",
    url: (n) => `/v1/projects/${n.project}/environments`,
    body: (n) => ({ name: "E", slug: `env-${n.n}` }),
    allowed: writers,
    denial: "create on environments",
  },
  {
    does: "changes an environment",
    method: "PATCH",
    url: (n) => `/v1/workspace/${n.project}/environments/${n.environment}`,
    body: () => ({ name: "Production" }),
    allowed: writers,
    denial: "edit on environments",
  },
  {
    does: "lets an identity in",
    method: "POST",
    url: (n) => `/v1/projects/${n.project}/memberships/identities/${n.other}`,
    body: () => ({ role: "viewer" }),
    allowed: writers,
    denial: "create on identity",
  },
  {
    does: "changes an identity's roles",
    method: "PATCH",
    url: (n) => `/v1/projects/${n.project}/memberships/identities/${n.other}`,
    body: () => ({ roles: [{ role: "viewer" }] }),
    allowed: ["admin"],
    denial: "on identity",
  },
  {
    does: "adds a person",
    method: "POST",
    url: (n) => `/v2/workspace/${n.project}/memberships`,
    body: () => ({ emails: ["root@acme.test"], roleSlugs: ["viewer"] }),
    allowed: writers,
    denial: "create on member",
  },
  {
    does: "changes the project",
    method: "PATCH",
    url: (n) => `/v1/projects/${n.project}`,
    body: () => ({ description: "d" }),
    allowed: ["admin"],
    denial: "edit on project",
  },
]

const roles: readonly Role[] = ["admin", "member", "viewer", "no-access"]

async function aProjectToTry(instance: Instance, n: string): Promise<Names> {
  const { test, adminToken: token } = instance
  const { id: project } = await aProject(instance)
  for (const key of ["KEY", `GONE${n}`, `GONEB${n}`]) await aSecret(instance, { project, key, value: "1" })
  for (const name of [`mine${n}`, `gone${n}`]) {
    await test.ok("POST", "/v1/folders", { token, body: { workspaceId: project, environment: "prod", name } })
  }
  const { environments } = await test.ok("GET", `/v2/workspace/${await slugOf(instance, project)}`, { token })
  const environment = environments.find((one: { slug: string }) => one.slug === "prod").id
  const { id: other } = await aMachine(instance)
  const { id: secret } = await aSecret(instance, { project, key: "BY_ID", value: "1" })
  const importOf = async (slug: string): Promise<string> => {
    const body = { projectId: project, environment: "prod", import: { environment: slug, path: "/" } }
    return (await test.ok("POST", "/v2/secret-imports", { token, body })).secretImport.id
  }
  const [imported, spare] = [await importOf("dev"), await importOf("staging")]
  const writing = await aPlaceToWrite(instance, { project, n })
  return { project, other, environment, secret, imported, spare, n, ...writing }
}

async function slugOf({ test, adminToken }: Instance, project: string): Promise<string> {
  return (await test.ok("GET", `/v1/projects/${project}`, { token: adminToken })).project.slug
}

describeDatabase("sqlite", "roles", (open) => {
  it.for(roles)("the role %s may do what the contract's table says, and nothing else", async (role) => {
    const instance = await anInstance(await open())
    const { test, adminToken } = instance
    const names = await aProjectToTry(instance, role.slice(0, 2))
    const { token } = await aMachine(instance, { project: names.project, role })
    for (const route of routes) {
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
    for (const route of routes) {
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
