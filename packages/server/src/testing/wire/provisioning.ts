import type { OpenTestStorage } from "@coffer/testkit"
import { expect, it } from "vitest"
import { aMachine, anInstance, aProject } from "../test-app.ts"

/** What declarative tools (Terraform, the bootstrap scripts) rely on when they set an instance up. */
export function provisioning(open: OpenTestStorage): void {
  it("a token lifetime of 0 with a budget lives as long as the budget", async () => {
    const instance = await anInstance(await open())
    const { test, adminToken: token } = instance
    const machine = await aMachine(instance, { settings: { accessTokenTTL: 0, accessTokenMaxTTL: 600 } })
    const { clientId, clientSecret } = machine
    const body = { clientId, clientSecret }
    const login = await test.ok("POST", "/v1/auth/universal-auth/login", { body })
    expect(login).toMatchObject({ expiresIn: 600, accessTokenMaxTTL: 600 })
    test.clock.advance(200_000)
    const { accessToken } = login
    const renewed = await test.ok("POST", "/v1/auth/token/renew", { body: { accessToken } })
    expect(renewed.expiresIn).toBe(400)
    test.clock.advance(400_000)
    expect((await test.call("GET", "/v1/identities/details", { token: renewed.accessToken })).status).toBe(
      401,
    )
    const path = `/v1/auth/universal-auth/identities/${machine.id}`
    const above = await test.call("PATCH", path, { token, body: { accessTokenTTL: 601 } })
    expect(above).toMatchObject({
      status: 400,
      body: { message: "accessTokenTTL must not be greater than accessTokenMaxTTL" },
    })
  })

  it("identities of another organization are refused, not answered with one's own", async () => {
    const instance = await anInstance(await open())
    const { test, adminToken: token, orgId } = instance
    const list = (query: string) => test.call("GET", `/v1/identities${query}`, { token })
    for (const query of ["", "?orgId=", `?orgId=${orgId}`]) {
      expect((await list(query)).body).toMatchObject({ totalCount: 1 })
    }
    expect(await list("?orgId=b7c8d9e0-1111-4222-8333-944445555666")).toMatchObject({
      status: 403,
      body: { error: "ForbiddenError", message: "You are not a member of this organization" },
    })
  })

  it.for([
    { field: "type", value: "cert-manager" },
    { field: "template", value: "our-template" },
    { field: "kmsKeyId", value: "b7c8d9e0-1111-4222-8333-944445555666" },
  ])("a project with a $field that there is none of is not made as if it was", async ({ field, value }) => {
    const instance = await anInstance(await open())
    const { test, adminToken: token } = instance
    for (const path of ["/v1/projects", "/v2/workspace"]) {
      const body = { projectName: "Billing", [field]: value }
      const answer = await test.call("POST", path, { token, body })
      expect(answer).toMatchObject({ status: 422, body: { error: "ValidationFailure" } })
      expect(answer.body.message).toContain(`body.${field}: `)
      expect(answer.text).not.toContain(value)
    }
    expect((await test.ok("GET", "/v1/projects", { token })).projects).toEqual([])
    const usual = { projectName: "Billing", type: "secret-manager", template: "default", kmsKeyId: "" }
    await test.ok("POST", "/v1/projects", { token, body: usual })
  })

  it("projects are listed by their type", async () => {
    const instance = await anInstance(await open())
    const { id } = await aProject(instance)
    const ids = async (query: string) => {
      const { projects } = await instance.test.ok("GET", `/v1/projects${query}`, {
        token: instance.adminToken,
      })
      return projects.map((project: { id: string }) => project.id)
    }
    for (const query of ["", "?type=", "?type=all", "?type=secret-manager"]) {
      expect(await ids(query), query).toEqual([id])
    }
    for (const type of ["cert-manager", "kms", "ssh"]) expect(await ids(`?type=${type}`)).toEqual([])
  })

  it("the identities of a project are paged and ordered as they are asked for, on every path", async () => {
    const instance = await anInstance(await open())
    const { test, adminToken: token, orgId } = instance
    const { id: project } = await aProject(instance)
    for (const name of ["s", "t", "r"]) {
      const body = { name, organizationId: orgId }
      const { identity } = await test.ok("POST", "/v1/identities", { token, body })
      await test.ok("POST", `/v1/projects/${project}/memberships/identities/${identity.id}`, { token })
    }
    const paths = [
      `/v1/projects/${project}/memberships/identities`,
      `/v1/projects/${project}/identity-memberships`,
      `/v2/workspace/${project}/identity-memberships`,
    ]
    for (const path of paths) {
      const names = async (query: string) => {
        const { identityMemberships, totalCount } = await test.ok("GET", `${path}?${query}`, { token })
        expect(totalCount).toBe(4)
        return identityMemberships.map((one: { identity: { name: string } }) => one.identity.name).join(" ")
      }
      expect(await names("orderBy=name&orderDirection=asc&limit=3&offset=1")).toBe("r s t")
      expect(await names("orderBy=name&orderDirection=desc&limit=2")).toBe("t s")
      expect(await names("orderBy=&orderDirection=&limit=2&offset=2")).toBe("s t")
      const unknown = await test.call("GET", `${path}?orderDirection=up`, { token })
      expect(unknown.status).toBe(422)
    }
  })

  it("Kubernetes auth through a gateway is refused, in the field that asks for it", async () => {
    const instance = await anInstance(await open())
    const { test, adminToken: token, adminId } = instance
    const url = `/v1/auth/kubernetes-auth/identities/${adminId}`
    const host = { kubernetesHost: "https://kubernetes.default.svc" }
    for (const [field, value] of [
      ["gatewayId", "b7c8d9e0-1111-4222-8333-944445555666"],
      ["tokenReviewMode", "gateway"],
    ] as const) {
      const answer = await test.call("POST", url, { token, body: { ...host, [field]: value } })
      expect(answer).toMatchObject({ status: 422, body: { error: "ValidationFailure" } })
      expect(answer.body.message).toContain(`body.${field}: `)
    }
    expect((await test.call("GET", url, { token })).status).toBe(404)
    for (const gatewayId of [null, ""]) {
      const body = { ...host, gatewayId, tokenReviewMode: "api" }
      await test.ok("POST", url, { token, body })
      expect((await test.ok("GET", url, { token })).identityKubernetesAuth.gatewayId).toBeNull()
      await test.ok("DELETE", url, { token })
    }
  })

  it("renewing a token uses none of its uses, a request that is refused uses one", async () => {
    const instance = await anInstance(await open())
    const { test } = instance
    const { id: project } = await aProject(instance)
    const { token } = await aMachine(instance, { project, settings: { accessTokenNumUsesLimit: 2 } })
    const renew = async (accessToken: string): Promise<string> =>
      (await test.ok("POST", "/v1/auth/token/renew", { body: { accessToken } })).accessToken
    const list = (of: string, environment: string) =>
      test.call("GET", `/v3/secrets/raw?workspaceId=${project}&environment=${environment}`, { token: of })
    const renewed = await renew(await renew(token))
    expect((await list(renewed, "nope")).status).toBe(404)
    expect((await list(token, "prod")).status).toBe(200)
    expect((await list(renewed, "prod")).status).toBe(401)
    const body = { accessToken: renewed }
    expect((await test.call("POST", "/v1/auth/token/revoke", { body })).status).toBe(200)
  })
}
