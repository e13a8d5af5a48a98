import { describeDatabase } from "@coffer/testkit"
import { expect, it } from "vitest"
import { createSetupToken } from "./features/admin/index.ts"
import { adminPassword, aMachine, anInstance, aProject, TestApp } from "./testing/test-app.ts"

const bootstrapBody = { email: "Root@Acme.test", password: adminPassword, organization: "Acme" }

describeDatabase("sqlite", "provisioning", (open) => {
  it.for([
    {
      suite: "ESO",
      path: (project: string, identity: string) =>
        `/v2/workspace/${project}/identity-memberships/${identity}`,
      body: { role: "admin" },
    },
    {
      suite: "the Infisical operator",
      path: (project: string, identity: string) =>
        `/v1/projects/${project}/memberships/identities/${identity}`,
      body: { roles: [{ role: "admin" }] },
    },
  ])("the sequence that the suite of $suite runs passes end to end", async ({ path, body }) => {
    const test = new TestApp(await open())
    expect((await test.ok("GET", "/status")).message).toBe("Ok")
    expect((await test.ok("GET", "/v1/admin/config")).config.initialized).toBe(false)
    const first = await test.ok("POST", "/v1/admin/bootstrap", { body: bootstrapBody })
    expect(first).toMatchObject({
      message: "Successfully bootstrapped instance",
      user: { username: "root@acme.test", email: "root@acme.test", superAdmin: true },
      organization: { name: "Acme" },
      identity: { name: "Instance Admin Identity" },
    })
    const { token } = first.identity.credentials
    const organizationId = first.organization.id
    const { project } = await test.ok("POST", "/v1/projects", { token, body: { projectName: "Billing API" } })
    expect(project.slug).toMatch(/^billing-api-[a-z0-9]{4}$/)
    expect(project.environments.map((environment: { slug: string }) => environment.slug)).toEqual([
      "dev",
      "staging",
      "prod",
    ])
    const { identity } = await test.ok("POST", "/v1/identities", {
      token,
      body: { name: "eso", organizationId, role: "member" },
    })
    const { identityMembership } = await test.ok("POST", path(project.id, identity.id), { token, body })
    expect(identityMembership).toMatchObject({ projectId: project.id, identityId: identity.id })
    const auth = `/v1/auth/universal-auth/identities/${identity.id}`
    const { identityUniversalAuth } = await test.ok("POST", auth, { token, body: {} })
    expect(identityUniversalAuth).toMatchObject({
      accessTokenTTL: 2_592_000,
      accessTokenMaxTTL: 2_592_000,
      lockoutEnabled: true,
      lockoutThreshold: 3,
      accessTokenTrustedIps: [
        { type: "ipv4", prefix: 0, ipAddress: "0.0.0.0" },
        { type: "ipv6", prefix: 0, ipAddress: "::" },
      ],
    })
    const made = await test.ok("POST", `${auth}/client-secrets`, { token, body: { description: "eso" } })
    expect(made.clientSecret).toMatch(/^[0-9a-f]{64}$/)
    expect(made.clientSecretData).toMatchObject({
      clientSecretPrefix: made.clientSecret.slice(0, 4),
      clientSecretNumUses: 0,
      isClientSecretRevoked: false,
    })
    const login = await test.ok("POST", "/v1/auth/universal-auth/login", {
      body: { clientId: identityUniversalAuth.clientId, clientSecret: made.clientSecret },
    })
    const secret = { projectId: project.id, environment: "dev", secretValue: "s3cr3t" }
    await test.ok("POST", "/v4/secrets/API_KEY", { token: login.accessToken, body: secret })
    const folder = { projectId: project.id, environment: "dev", name: "worker", path: "/" }
    await test.ok("POST", "/v2/folders", { token: login.accessToken, body: folder })
    expect((await test.ok("GET", "/v1/identities/details", { token })).identityDetails.organization.id).toBe(
      organizationId,
    )
  })

  it("the first run is possible once", async () => {
    const test = new TestApp(await open())
    const answers = await Promise.all(
      [1, 2, 3].map(() => test.call("POST", "/v1/admin/bootstrap", { body: bootstrapBody })),
    )
    expect(answers.map((answer) => answer.status).sort()).toEqual([200, 400, 400])
    const again = await test.call("POST", "/v1/admin/bootstrap", { body: bootstrapBody })
    expect(again).toMatchObject({ status: 400, body: { message: "Instance has already been set up" } })
    expect((await test.auditEvents()).map((event) => event.type)).toEqual(["bootstrap-instance"])
  })

  it.for([
    { who: "another machine", call: { from: "192.0.2.7" } },
    { who: "a proxy on this machine", call: { headers: { "x-forwarded-for": "192.0.2.7" } } },
    { who: "a web page in a browser here", call: { headers: { origin: "http://evil.test" } } },
    { who: "a name that somebody points at loopback", call: { headers: { host: "evil.test" } } },
  ])("the first run is refused to $who, unless it has the setup token", async ({ call }) => {
    const test = new TestApp(await open())
    const setupToken = await createSetupToken(test.app.features)
    const refused = await test.call("POST", "/v1/admin/bootstrap", { ...call, body: bootstrapBody })
    expect(refused.status).toBe(403)
    expect(refused.body.message).toContain("setup token")
    const wrong = { ...bootstrapBody, setupToken: "guess" }
    expect((await test.call("POST", "/v1/admin/bootstrap", { ...call, body: wrong })).status).toBe(403)
    const right = { ...bootstrapBody, setupToken }
    expect((await test.call("POST", "/v1/admin/bootstrap", { ...call, body: right })).status).toBe(200)
    expect(await createSetupToken(test.app.features)).toBeUndefined()
  })

  it("a flag opens the first run to everyone", async () => {
    const test = new TestApp(await open(), { isBootstrapOpen: true })
    const call = { from: "192.0.2.7", body: bootstrapBody }
    expect((await test.call("POST", "/v1/admin/bootstrap", call)).status).toBe(200)
  })

  it("a project travels in the wrapping of each path, and members of any role see its slug", async () => {
    const instance = await anInstance(await open())
    const { test, adminToken: token } = instance
    const { id, slug } = await aProject(instance, { name: "frank-cluster", slug: "frank-cluster-iwpg" })
    for (const path of [`/v1/projects/slug/${slug}`, `/v1/workspace/slug/${slug}`, `/v2/workspace/${slug}`]) {
      expect(await test.ok("GET", path, { token })).toMatchObject({
        id,
        _id: id,
        slug,
        type: "secret-manager",
      })
    }
    expect((await test.ok("GET", `/v1/projects/${id}`, { token })).project.id).toBe(id)
    expect((await test.ok("GET", `/v1/workspace/${id}`, { token })).workspace.id).toBe(id)
    for (const role of ["viewer", "no-access"]) {
      const machine = await aMachine(instance, { project: id, role })
      expect((await test.ok("GET", "/v1/projects", { token: machine.token })).projects).toMatchObject([
        { slug },
      ])
      expect((await test.ok("GET", "/v1/workspace", { token: machine.token })).workspaces).toMatchObject([
        { slug },
      ])
    }
  })

  it("a wrong slug is a 404 that tells the slug that was meant to members, and to them alone", async () => {
    const instance = await anInstance(await open())
    const { test } = instance
    const project = await aProject(instance, { name: "frank-cluster", slug: "frank-cluster-iwpg" })
    const { token: member } = await aMachine(instance, { project: project.id })
    const { token: stranger } = await aMachine(instance)
    const url = "/v3/secrets/raw/KEY?environment=prod&workspaceSlug=frank-cluster"
    expect(await test.call("GET", url, { token: member })).toMatchObject({
      status: 404,
      body: {
        error: "NotFound",
        message: "Project with slug 'frank-cluster' not found; did you mean slug 'frank-cluster-iwpg'?",
      },
    })
    expect((await test.call("GET", url, { token: stranger })).body.message).toBe(
      "Project with slug 'frank-cluster' not found",
    )
  })

  it("a deleted project that was made again under its slug is a 404 under its old id", async () => {
    const instance = await anInstance(await open())
    const { test, adminToken: token } = instance
    const old = await aProject(instance, { slug: "again-x1" })
    await test.ok("DELETE", `/v1/projects/${old.id}`, { token })
    const made = await aProject(instance, { slug: "again-x1" })
    expect(made.id).not.toBe(old.id)
    const body = { workspaceId: old.id, environment: "prod", secretValue: "1" }
    expect((await test.call("POST", "/v3/secrets/raw/A", { token, body })).status).toBe(404)
    const list = await test.ok("GET", "/v3/secrets/raw?environment=prod&workspaceSlug=again-x1", { token })
    expect(list.secrets).toEqual([])
  })

  it("a slug that is taken, and a project that is protected, are refused", async () => {
    const instance = await anInstance(await open())
    const { test, adminToken: token } = instance
    const { id } = await aProject(instance, { slug: "taken-x1" })
    const taken = await test.call("POST", "/v1/projects", {
      token,
      body: { projectName: "Other", slug: "taken-x1" },
    })
    expect(taken.status).toBe(400)
    expect(taken.body.message).toMatch(
      /^A project with the slug "taken-x1" already exists in your organization/,
    )
    await test.ok("PATCH", `/v1/projects/${id}`, { token, body: { hasDeleteProtection: true } })
    expect((await test.call("DELETE", `/v1/projects/${id}`, { token })).status).toBe(400)
    await test.ok("PATCH", "/v2/workspace/taken-x1", { token, body: { hasDeleteProtection: false } })
    expect(await test.ok("DELETE", "/v2/workspace/taken-x1", { token })).toMatchObject({ id })
    expect((await test.call("GET", `/v1/projects/${id}`, { token })).status).toBe(404)
  })
})
