import { describeDatabase } from "@coffer/testkit"
import { expect, it } from "vitest"
import { claimsOf } from "../../testing/people.ts"
import { aMachine, anInstance, type Instance, TestApp } from "../../testing/test-app.ts"
import { consumeUse, removeDeadTokens, revokeTokens, type TokensToRevoke } from "./store.ts"

const idOf = (token: string) => String(claimsOf(token)["jti"])

const statusOf = async (test: TestApp, token: string) =>
  (await test.call("GET", "/v1/projects", { token })).status

async function rows({ test }: Instance) {
  return await test.storage.database.reader.selectFrom("access_token").selectAll().execute()
}

/** Ids of the families that are not revoked. */
async function live(instance: Instance): Promise<readonly string[]> {
  return (await rows(instance)).filter((row) => row.revoked_at === null).map((row) => row.id)
}

/** Two identities with two tokens each, of two client secrets. */
async function aScene(instance: Instance) {
  const [one, other] = [await aMachine(instance), await aMachine(instance)]
  const path = `/v1/auth/universal-auth/identities/${one.id}`
  const second = await instance.test.ok("POST", `${path}/client-secrets`, {
    token: instance.adminToken,
    body: {},
  })
  const login = await instance.test.ok("POST", "/v1/auth/universal-auth/login", {
    body: { clientId: one.clientId, clientSecret: second.clientSecret },
  })
  const tokens = { first: one.token, second: login.accessToken as string, other: other.token }
  return { one, tokens }
}

describeDatabase("sqlite", "which tokens are revoked", (open) => {
  it.for([
    { by: "itself", gone: ["first"] },
    { by: "its client secret", gone: ["first"] },
    { by: "its auth method", gone: ["first", "second"] },
    { by: "its identity", gone: ["first", "second"] },
  ] as const)("a token by $by, and none besides", async ({ by, gone }) => {
    const instance = await anInstance(await open())
    const { one, tokens } = await aScene(instance)
    const own = (await rows(instance)).find((row) => row.id === idOf(tokens.first))
    const chosen: Record<typeof by, TokensToRevoke> = {
      itself: { id: idOf(tokens.first) },
      "its client secret": { clientSecretId: one.clientSecretId },
      "its auth method": { authMethodId: own?.auth_method_id ?? "" },
      "its identity": { identityId: one.id },
    }
    const before = await live(instance)
    const revoke = (now: number) =>
      instance.test.storage.database.write(({ db }) => revokeTokens(db, chosen[by], now))
    expect(await revoke(5)).toBe(gone.length)
    const ids = gone.map((name) => idOf(tokens[name]))
    expect((await live(instance)).toSorted()).toEqual(before.filter((id) => !ids.includes(id)).toSorted())
    // Once more revokes none, and leaves when it happened.
    expect(await revoke(6)).toBe(0)
    const revoked = (await rows(instance)).filter((row) => ids.includes(row.id))
    expect(revoked.every((row) => row.revoked_at === 5)).toBe(true)
  })

  it("a token that is in use is dead with its revocation, here and in another server", async () => {
    const storage = await open()
    const instance = await anInstance(storage)
    const { tokens } = await aScene(instance)
    const elsewhere = new TestApp(storage)
    for (const test of [instance.test, elsewhere]) {
      expect(await statusOf(test, tokens.first)).toBe(200)
      expect(await statusOf(test, tokens.second)).toBe(200)
    }
    await instance.test.ok("POST", "/v1/auth/token/revoke", { body: { accessToken: tokens.first } })
    const renewed = await elsewhere.call("POST", "/v1/auth/token/renew", {
      body: { accessToken: tokens.first },
    })
    expect(renewed).toMatchObject({
      status: 401,
      body: { message: "Cannot renew: token has been revoked" },
    })
    for (const test of [instance.test, elsewhere]) {
      expect(await statusOf(test, tokens.first)).toBe(401)
      expect(await statusOf(test, tokens.second)).toBe(200)
    }
  })

  it("a use is not counted of a token that was revoked since it was judged", async () => {
    const instance = await anInstance(await open())
    const { token } = await aMachine(instance, { settings: { accessTokenNumUsesLimit: 2 } })
    const use = () => instance.test.storage.database.write(({ db }) => consumeUse(db, idOf(token), 1))
    expect(await use()).toBe(true)
    await instance.test.storage.database.write(({ db }) => revokeTokens(db, { id: idOf(token) }, 1))
    expect(await use()).toBe(false)
  })
})

describeDatabase("sqlite", "which rows of tokens are cleaned up", (open) => {
  it("those that ended before, and those that were revoked before but for tokens that are shown by name", async () => {
    const instance = await anInstance(await open())
    const { test, adminToken } = instance
    const { one, tokens } = await aScene(instance)
    const path = `/v1/auth/token-auth/identities/${one.id}`
    await test.ok("POST", path, { token: adminToken, body: {} })
    const named = await test.ok("POST", `${path}/tokens`, { token: adminToken, body: { name: "ci" } })
    const { database } = test.storage
    const set = (token: string, columns: { expires_at?: number; revoked_at?: number }) =>
      database.write(({ db }) =>
        db.updateTable("access_token").set(columns).where("id", "=", idOf(token)).execute(),
      )
    const clean = () => database.write(({ db }) => removeDeadTokens(db, { expired: 100, revoked: 50 }))
    await set(tokens.first, { expires_at: 100 })
    await set(tokens.second, { revoked_at: 50 })
    await set(named.accessToken, { revoked_at: 1 })
    expect(await clean()).toBe(0)
    await set(tokens.first, { expires_at: 99 })
    await set(tokens.second, { revoked_at: 49 })
    const before = (await rows(instance)).length
    expect(await clean()).toBe(2)
    const left = (await rows(instance)).map((row) => row.id)
    expect(left).toHaveLength(before - 2)
    expect(left).toEqual(expect.arrayContaining([idOf(named.accessToken), idOf(tokens.other)]))
  })
})

describeDatabase("sqlite", "a token without an end", (open) => {
  it("opens and is renewed for ever where nothing sets one", async () => {
    const instance = await anInstance(await open(), { tokenCeilingSeconds: 0 })
    const { test } = instance
    const settings = { accessTokenTTL: 0, accessTokenMaxTTL: 0 }
    const { token } = await aMachine(instance, { settings })
    expect(claimsOf(token)).not.toHaveProperty("exp")
    expect(claimsOf(token)).not.toHaveProperty("numUsesLimit")
    test.clock.advance(100 * 365 * 86_400_000)
    expect(await statusOf(test, token)).toBe(200)
    const renewed = await test.ok("POST", "/v1/auth/token/renew", { body: { accessToken: token } })
    expect(renewed).toMatchObject({ expiresIn: 0, accessTokenMaxTTL: 0 })
    expect((await rows(instance)).find((row) => row.id === idOf(token))?.expires_at).toBeNull()
    expect(await statusOf(test, renewed.accessToken)).toBe(200)
  })
})
