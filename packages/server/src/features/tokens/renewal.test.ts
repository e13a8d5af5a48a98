import { describeDatabase } from "@coffer/testkit"
import { expect, it } from "vitest"
import { claimsOf, logIn } from "../../testing/people.ts"
import { aMachine, anInstance, type Instance } from "../../testing/test-app.ts"
import { removeDeadTokens, renameToken } from "./index.ts"

const renew = "/v1/auth/token/renew"
const revoke = "/v1/auth/token/revoke"

const renewing = ({ test }: Instance, accessToken: string, from?: string) =>
  test.call("POST", renew, { body: { accessToken }, ...(from === undefined ? {} : { from }) })

const statusOf = async ({ test }: Instance, token: string) =>
  (await test.call("GET", "/v1/projects", { token })).status

async function rowOf({ test }: Instance, token: string) {
  const id = String(claimsOf(token)["jti"])
  const rows = test.storage.database.reader.selectFrom("access_token").selectAll()
  return await rows.where("id", "=", id).executeTakeFirst()
}

/** What the server does every hour, for tokens that ended before now. */
async function cleanUp({ test }: Instance): Promise<number> {
  const now = test.clock.now()
  return await test.storage.database.write(({ db }) => removeDeadTokens(db, { expired: now, revoked: now }))
}

describeDatabase("sqlite", "renewing an access token", (open) => {
  it("is for the sources that may use it: a stolen token is not made to last from elsewhere", async () => {
    const instance = await anInstance(await open())
    const settings = { accessTokenTrustedIps: [{ ipAddress: "127.0.0.1" }] }
    const { token } = await aMachine(instance, { settings })
    expect(await renewing(instance, token, "192.0.2.1")).toMatchObject({
      status: 403,
      body: { error: "ForbiddenError", message: expect.stringContaining("current IP address") },
    })
    expect((await renewing(instance, token)).status).toBe(200)
  })

  it("is not for an identity that is no longer active in its organization", async () => {
    const instance = await anInstance(await open())
    const { id, token } = await aMachine(instance)
    await instance.test.storage.database.write(({ db }) =>
      db.updateTable("organization_membership").set({ is_active: 0 }).where("actor_id", "=", id).execute(),
    )
    instance.test.app.features.actors.forget(id)
    expect(await renewing(instance, token)).toMatchObject({
      status: 401,
      body: { message: "Cannot renew: the identity is not active" },
    })
  })

  it("is over with the token's own end, whatever is left of the family's budget", async () => {
    const instance = await anInstance(await open())
    const { token } = await aMachine(instance, { settings: { accessTokenTTL: 60, accessTokenMaxTTL: 600 } })
    instance.test.clock.advance(59_999)
    expect((await renewing(instance, token)).status).toBe(200)
    instance.test.clock.advance(1)
    expect(await renewing(instance, token)).toMatchObject({
      status: 401,
      body: { message: "Cannot renew: identity access token has expired" },
    })
  })

  it("keeps the family from being cleaned up as long as a token of it lives, and no longer", async () => {
    const instance = await anInstance(await open())
    const settings = { accessTokenTTL: 60, accessTokenMaxTTL: 600 }
    const [machine, other] = [await aMachine(instance, { settings }), await aMachine(instance, { settings })]
    instance.test.clock.advance(50_000)
    const { accessToken } = (await renewing(instance, machine.token)).body
    expect((await rowOf(instance, accessToken))?.expires_at).toBe(instance.test.clock.now() + 60_000)
    instance.test.clock.advance(20_000)
    expect(await cleanUp(instance)).toBe(1)
    expect(await rowOf(instance, other.token)).toBeUndefined()
    expect(await statusOf(instance, accessToken)).toBe(200)
    instance.test.clock.advance(40_001)
    expect(await cleanUp(instance)).toBe(1)
  })

  it("leaves the event of a renewal, and a use of the token is not counted", async () => {
    const instance = await anInstance(await open())
    const { id, token } = await aMachine(instance, { settings: { accessTokenNumUsesLimit: 1 } })
    const renewed = await renewing(instance, token)
    expect(await instance.test.lastEvent()).toMatchObject({
      type: "renew-identity-access-token",
      orgId: instance.orgId,
      actor: { type: "identity", id, name: "eso", authMethod: "universal-auth" },
      metadata: { identityId: id, identityAccessTokenId: claimsOf(token)["jti"] },
    })
    expect(claimsOf(renewed.body.accessToken)).toMatchObject({ identityName: "eso", numUsesLimit: 1 })
    expect(await statusOf(instance, renewed.body.accessToken)).toBe(200)
    expect(await statusOf(instance, token)).toBe(401)
  })

  it("of a token with a period goes on without an end, a period at a time", async () => {
    const instance = await anInstance(await open())
    const settings = { accessTokenTTL: 60, accessTokenMaxTTL: 100, accessTokenPeriod: 90 }
    let { token } = await aMachine(instance, { settings })
    for (let round = 1; round <= 3; round += 1) {
      const { exp, iat } = claimsOf(token)
      expect(Number(exp) - Number(iat)).toBe(90)
      instance.test.clock.advance(89_000)
      const { body } = await renewing(instance, token)
      expect(body).toMatchObject({ expiresIn: 90, accessTokenMaxTTL: 0 })
      token = body.accessToken
    }
    expect(await statusOf(instance, token)).toBe(200)
  })

  it("and revoking are for tokens of identities: those of people name no family", async () => {
    const instance = await anInstance(await open())
    const { token, cookie } = await logIn(instance)
    const refreshToken = cookie.slice(cookie.indexOf("=") + 1)
    for (const accessToken of [token, refreshToken]) {
      expect((await renewing(instance, accessToken)).status).toBe(401)
      expect((await instance.test.call("POST", revoke, { body: { accessToken } })).status).toBe(401)
    }
    expect(await statusOf(instance, token)).toBe(200)
  })
})

describeDatabase("sqlite", "families of access tokens", (open) => {
  it("revoking or naming one leaves the others of its identity as they are", async () => {
    const instance = await anInstance(await open())
    const { test, adminToken: token } = instance
    const machine = await aMachine(instance)
    const path = `/v1/auth/token-auth/identities/${machine.id}`
    await test.ok("POST", path, { token, body: {} })
    const make = async (name: string) => await test.ok("POST", `${path}/tokens`, { token, body: { name } })
    const made = [await make("a"), await make("b"), await make("c")]
    const tokens: string[] = made.map((one) => one.accessToken)
    await test.storage.database.write(({ db }) =>
      renameToken(db, made[1].tokenData.id, { name: "renamed", now: test.clock.now() }),
    )
    const names = async () =>
      (await test.ok("GET", `${path}/tokens`, { token })).tokens.map((one: { name: string }) => one.name)
    expect((await names()).sort()).toEqual(["a", "c", "renamed"])
    await test.ok("POST", revoke, { body: { accessToken: tokens[1] } })
    expect(await Promise.all(tokens.map((one) => statusOf(instance, one)))).toEqual([200, 401, 200])
    expect(await statusOf(instance, machine.token)).toBe(200)
  })

  it("one that was revoked keeps the moment at which that happened", async () => {
    const instance = await anInstance(await open())
    const { token } = await aMachine(instance)
    await instance.test.ok("POST", revoke, { body: { accessToken: token } })
    const { revoked_at: revokedAt } = (await rowOf(instance, token)) ?? {}
    instance.test.clock.advance(1_000)
    await instance.test.ok("POST", revoke, { body: { accessToken: token } })
    expect((await rowOf(instance, token))?.revoked_at).toBe(revokedAt)
  })

  it("are listed oldest first, a page at a time", async () => {
    const instance = await anInstance(await open())
    const { test, adminToken: token } = instance
    const machine = await aMachine(instance)
    const path = `/v1/auth/token-auth/identities/${machine.id}`
    await test.ok("POST", path, { token, body: {} })
    for (const name of ["first", "second", "third"]) {
      await test.ok("POST", `${path}/tokens`, { token, body: { name } })
      test.clock.advance(1_000)
    }
    const page = async (query: string) =>
      (await test.ok("GET", `${path}/tokens?${query}`, { token })).tokens.map(
        (one: { name: string }) => one.name,
      )
    expect(await page("limit=2")).toEqual(["first", "second"])
    expect(await page("offset=1&limit=2")).toEqual(["second", "third"])
  })
})
