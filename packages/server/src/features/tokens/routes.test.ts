import { describeDatabase } from "@coffer/testkit"
import { expect, it } from "vitest"
import { aMachine, anInstance, aProject, type Instance, TestApp } from "../../testing/test-app.ts"

function use({ test }: Instance, token: string, from?: string) {
  return test.call("GET", "/v1/projects", { token, ...(from === undefined ? {} : { from }) })
}

function claimsOf(token: string): Record<string, unknown> {
  return JSON.parse(Buffer.from(token.split(".")[1] ?? "", "base64url").toString("utf8"))
}

const renew = "/v1/auth/token/renew"
const revoke = "/v1/auth/token/revoke"

describeDatabase("sqlite", "access tokens", (open) => {
  it("says about itself what clients decode", async () => {
    const instance = await anInstance(await open())
    const machine = await aMachine(instance, {
      settings: { accessTokenNumUsesLimit: 5, accessTokenTTL: 3_600 },
    })
    const nowSeconds = instance.test.clock.now() / 1_000
    expect(claimsOf(machine.token)).toMatchObject({
      identityId: machine.id,
      identityName: "eso",
      authMethod: "universal-auth",
      orgId: instance.orgId,
      clientSecretId: machine.clientSecretId,
      authTokenType: "identityAccessToken",
      numUsesLimit: 5,
      iat: nowSeconds,
      exp: nowSeconds + 3_600,
    })
    expect(claimsOf(machine.token)["jti"]).toBe(claimsOf(machine.token)["identityAccessTokenId"])
  })

  it.for([
    { given: undefined, status: 401, message: "Token missing" },
    { given: "Bearer ", status: 401, message: "Token missing" },
    { given: "Basic abc", status: 401, message: "Token missing" },
    { given: "Bearer st.a.b", status: 403, message: "malformed" },
    { given: "Bearer ey.ey.ey", status: 403, message: "malformed" },
  ])("the header $given gets $status", async ({ given, status, message }) => {
    const { test } = await anInstance(await open())
    const headers = given === undefined ? {} : { authorization: given }
    const answer = await test.call("GET", "/v1/projects", { headers })
    expect(answer.status).toBe(status)
    expect(answer.body.message).toContain(message)
  })

  it("a token whose claims or algorithm were changed is refused", async () => {
    const instance = await anInstance(await open())
    const machine = await aMachine(instance)
    const [header = "", payload = "", signature = ""] = machine.token.split(".")
    const encode = (value: object) => Buffer.from(JSON.stringify(value)).toString("base64url")
    const forged = { ...claimsOf(machine.token), identityId: instance.adminId }
    const tokens = [
      [header, encode(forged), signature].join("."),
      [encode({ alg: "none" }), payload, ""].join("."),
      [encode({ alg: "none", typ: "JWT" }), encode(forged), signature].join("."),
      `${machine.token}A`,
    ]
    for (const token of tokens) expect((await use(instance, token)).status).toBe(403)
  })

  it("an expired token gets 401, and its refusal is in the log", async () => {
    const instance = await anInstance(await open())
    const machine = await aMachine(instance, { settings: { accessTokenTTL: 60 } })
    expect((await use(instance, machine.token)).status).toBe(200)
    instance.test.clock.advance(60_000)
    expect(await use(instance, machine.token)).toMatchObject({
      status: 401,
      body: { message: "Your token has expired. Please re-authenticate." },
    })
    expect(await instance.test.lastEvent()).toMatchObject({
      type: "request-refused",
      actor: { id: machine.id },
      metadata: { route: "/api/v1/projects" },
    })
  })

  it("the third request with a token for two gets 401, also when they come at once", async () => {
    const instance = await anInstance(await open())
    const settings = { accessTokenNumUsesLimit: 2 }
    const machine = await aMachine(instance, { settings })
    const answers = await Promise.all([1, 2, 3, 4].map(() => use(instance, machine.token)))
    expect(answers.map((answer) => answer.status).sort()).toEqual([200, 200, 401, 401])
  })

  it.for([
    1, 2, 3,
  ])("a token for %i requests serves as many one after another, and none more", async (limit) => {
    const instance = await anInstance(await open())
    const machine = await aMachine(instance, { settings: { accessTokenNumUsesLimit: limit } })
    const statuses: number[] = []
    for (let request = 0; request < limit + 2; request += 1) {
      statuses.push((await use(instance, machine.token)).status)
    }
    expect(statuses).toEqual([...Array<number>(limit).fill(200), 401, 401])
  })

  it("trusted addresses are read live: changing the list judges tokens that exist", async () => {
    const instance = await anInstance(await open())
    const machine = await aMachine(instance)
    expect((await use(instance, machine.token, "192.0.2.1")).status).toBe(200)
    const path = `/v1/auth/universal-auth/identities/${machine.id}`
    const body = { accessTokenTrustedIps: [{ ipAddress: "127.0.0.1" }] }
    await instance.test.ok("PATCH", path, { token: instance.adminToken, body })
    expect((await use(instance, machine.token, "192.0.2.1")).status).toBe(403)
    expect((await use(instance, machine.token)).status).toBe(200)
  })

  it("nobody is refused by what another server has changed meanwhile", async () => {
    const storage = await open()
    const instance = await anInstance(storage)
    const settings = { accessTokenTrustedIps: [{ ipAddress: "127.0.0.1" }] }
    const machine = await aMachine(instance, { settings })
    expect((await use(instance, machine.token, "192.0.2.1")).status).toBe(403)
    const path = `/v1/auth/universal-auth/identities/${machine.id}`
    const body = { accessTokenTrustedIps: [{ ipAddress: "192.0.2.0/24" }] }
    await new TestApp(storage).ok("PATCH", path, { token: instance.adminToken, body })
    expect((await use(instance, machine.token, "192.0.2.1")).status).toBe(200)
  })

  it("renewing gives another token of the same family while the old one lives on, until the budget ends", async () => {
    const instance = await anInstance(await open())
    const { test } = instance
    const settings = { accessTokenTTL: 60, accessTokenMaxTTL: 100 }
    const machine = await aMachine(instance, { settings })
    test.clock.advance(50_000)
    const renewed = await test.ok("POST", renew, { body: { accessToken: machine.token } })
    expect(renewed).toMatchObject({ expiresIn: 50, accessTokenMaxTTL: 100, tokenType: "Bearer" })
    expect(claimsOf(renewed.accessToken)["jti"]).toBe(claimsOf(machine.token)["jti"])
    expect((await use(instance, machine.token)).status).toBe(200)
    test.clock.advance(11_000)
    expect((await use(instance, machine.token)).status).toBe(401)
    expect((await use(instance, renewed.accessToken)).status).toBe(200)
    test.clock.advance(38_999)
    await test.ok("POST", renew, { body: { accessToken: renewed.accessToken } })
    test.clock.advance(1)
    const late = await test.call("POST", renew, { body: { accessToken: renewed.accessToken } })
    expect(late.status).toBe(401)
  })

  it("revoking needs no header, works twice, and also on an expired token", async () => {
    const instance = await anInstance(await open())
    const { test } = instance
    const machine = await aMachine(instance, { settings: { accessTokenTTL: 60 } })
    const body = { accessToken: machine.token }
    for (let time = 1; time <= 2; time += 1) {
      expect(await test.ok("POST", revoke, { body })).toEqual({
        message: "Successfully revoked access token",
      })
    }
    expect(await use(instance, machine.token)).toMatchObject({
      status: 401,
      body: { message: "Failed to authorize: token has been revoked" },
    })
    expect((await test.call("POST", renew, { body })).body.message).toBe(
      "Cannot renew: token has been revoked",
    )
    test.clock.advance(61_000)
    await test.ok("POST", revoke, { body })
    expect((await test.call("POST", revoke, { body: { accessToken: "ey.x.y" } })).status).toBe(401)
    const events = (await test.auditEvents()).filter((event) => event.type === "revoke-identity-access-token")
    expect(events).toHaveLength(1)
  })

  it("no token outlives the ceiling, also when none was configured", async () => {
    const instance = await anInstance(await open(), { tokenCeilingSeconds: 120 })
    const settings = { accessTokenTTL: 0, accessTokenMaxTTL: 0 }
    const machine = await aMachine(instance, { settings })
    expect(claimsOf(machine.token)["exp"]).toBe(instance.test.clock.now() / 1_000 + 120)
    expect((await instance.test.ok("GET", "/status")).maxIdentityAccessTokenTTL).toBe(120)
  })

  it("tokens made ahead work without a login, are listed, named and revoked", async () => {
    const instance = await anInstance(await open())
    const { test, adminToken: token } = instance
    const machine = await aMachine(instance)
    const path = `/v1/auth/token-auth/identities/${machine.id}`
    await test.ok("POST", path, { token, body: { accessTokenTTL: 600 } })
    const made = await test.ok("POST", `${path}/tokens`, { token, body: { name: "ci" } })
    expect(made).toMatchObject({ expiresIn: 600, tokenData: { name: "ci", identityId: machine.id } })
    expect((await use(instance, made.accessToken)).status).toBe(200)
    const byId = `/v1/auth/token-auth/tokens/${made.tokenData.id}`
    await test.ok("PATCH", byId, { token, body: { name: "build" } })
    expect((await test.ok("GET", `${path}/tokens`, { token })).tokens).toMatchObject([{ name: "build" }])
    await test.ok("POST", `${byId}/revoke`, { token })
    expect((await use(instance, made.accessToken)).status).toBe(401)
    await aProject(instance)
    expect((await use(instance, machine.token)).status).toBe(200)
  })
})
