import type { OpenTestStorage } from "@coffer/testkit"
import { expect, it } from "vitest"
import { aMachine, anInstance } from "../test-app.ts"

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
}
