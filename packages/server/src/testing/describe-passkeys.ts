import { describeDatabase } from "@coffer/testkit"
import { expect, it } from "vitest"
import { Authenticator } from "./authenticator.ts"
import { aColleague, cookieOf, enrol, logIn, showCode, tryLogin } from "./people.ts"
import { adminPassword, anInstance, type TestApp } from "./test-app.ts"

const siteUrl = "https://secrets.acme.test"
const nextOne = "/coffer/v1/auth/passkey"

type Mischief = Parameters<Authenticator["get"]>[1]

/** Adds the authenticator to the person's account. */
async function addPasskey(test: TestApp, token: string, device: Authenticator, password = adminPassword) {
  const path = "/coffer/v1/me/passkeys"
  const begun = await test.ok("POST", `${path}/options`, { token, body: { password } })
  const response = device.create(begun.options)
  const body = { name: "Laptop", challengeToken: begun.challengeToken, response }
  return { answer: await test.call("POST", path, { token, body }), body }
}

/** Logs in with the authenticator alone. */
async function logInWith(test: TestApp, device: Authenticator, mischief: Mischief = {}) {
  const begun = await test.ok("POST", `${nextOne}/options`)
  const body = {
    challengeToken: begun.challengeToken,
    response: device.get(begun.options, mischief),
  }
  return { answer: await test.call("POST", `${nextOne}/login`, { body }), body, begun }
}

/** Passkeys as the only and as the second factor, with an authenticator in software, on either database. */
export function describePasskeys(kind: "sqlite" | "postgres"): void {
  describeDatabase(kind, "passkeys", (open) => {
    async function aScene() {
      const instance = await anInstance(await open(), { siteUrl })
      const { test, orgId } = instance
      const first = await logIn(instance)
      const device = new Authenticator(siteUrl)
      const { answer, body } = await addPasskey(test, first.token, device)
      const opens = async (token: string) => (await test.call("GET", "/v1/projects", { token })).status
      const choose = (token: string) =>
        test.ok("POST", "/v3/auth/select-organization", { token, body: { organizationId: orgId } })
      return { instance, test, first, device, answer, body, opens, choose }
    }

    it("a passkey logs a person in without a password and without another factor", async () => {
      const { test, first, device, answer, opens, choose } = await aScene()
      expect(answer).toMatchObject({ status: 200, body: { passkey: { name: "Laptop", lastUsedAt: null } } })
      expect(answer.body.recoveryCodes).toHaveLength(10)
      expect(await opens(first.token)).toBe(200)
      const login = await logInWith(test, device)
      expect(login.answer.status).toBe(200)
      expect(cookieOf(login.answer)).toMatch(/^jid=/)
      expect(await test.lastEvent()).toMatchObject({
        type: "user-login",
        actor: { authMethod: "passkey" },
        metadata: { secondFactor: "passkey" },
      })
      const chosen = await choose(login.answer.body.accessToken)
      expect(chosen.isMfaEnabled).toBe(false)
      expect(await opens(chosen.token)).toBe(200)
      const { passkeys } = await test.ok("GET", "/coffer/v1/me/passkeys", { token: chosen.token })
      expect(passkeys).toMatchObject([
        { id: device.id, lastUsedAt: new Date(test.clock.now()).toISOString() },
      ])
    })

    it("beside a password it is the second factor, and a recovery code stands in for it", async () => {
      const { test, device, answer, opens, choose } = await aScene()
      const login = await tryLogin(test)
      const chosen = await choose(login.body.accessToken)
      expect(chosen).toMatchObject({ isMfaEnabled: true, mfaMethod: "webauthn" })
      expect(await opens(chosen.token)).toBe(401)
      const begun = await test.ok("POST", `${nextOne}/second-factor/options`, { token: chosen.token })
      expect(begun.options.allowCredentials).toMatchObject([{ id: device.id }])
      const body = { challengeToken: begun.challengeToken, response: device.get(begun.options) }
      const shown = await test.call("POST", `${nextOne}/second-factor`, { token: chosen.token, body })
      expect(shown.status).toBe(200)
      expect(await opens(shown.body.token)).toBe(200)
      const again = await choose((await tryLogin(test)).body.accessToken)
      expect((await showCode(test, again.token, answer.body.recoveryCodes[0])).status).toBe(200)
      expect(await opens(again.token)).toBe(200)
    })

    it("an answer works once, even at the same moment, and for what it was asked for only", async () => {
      const { test, first, device, body: registration } = await aScene()
      const { answer, body } = await logInWith(test, device)
      expect(answer.status).toBe(200)
      const replay = await test.call("POST", `${nextOne}/login`, { body })
      expect(replay).toMatchObject({ status: 403, body: { error: "ForbiddenError" } })
      expect(await test.lastEvent()).toMatchObject({ type: "user-login-failed" })
      const begun = await test.ok("POST", `${nextOne}/options`)
      const both = { challengeToken: begun.challengeToken, response: device.get(begun.options) }
      const answers = await Promise.all([
        test.call("POST", `${nextOne}/login`, { body: both }),
        test.call("POST", `${nextOne}/login`, { body: both }),
      ])
      expect(answers.map(({ status }) => status).sort()).toEqual([200, 403])
      const token = first.token
      const second = await test.ok("POST", `${nextOne}/second-factor/options`, { token })
      const other = { challengeToken: second.challengeToken, response: device.get(second.options) }
      expect((await test.call("POST", `${nextOne}/login`, { body: other })).status).toBe(403)
      expect((await test.call("POST", "/coffer/v1/me/passkeys", { token, body: registration })).status).toBe(
        403,
      )
    })

    it.for([
      ["a page of another site", { origin: "https://secrets.acme.test.evil.example" }],
      ["a passkey made for another site", { rpId: "evil.example" }],
      ["a device that did not verify the person", { isUserVerified: false }],
      ["another challenge", { challenge: "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA" }],
      ["the name of somebody else", { userHandle: "c29tZWJvZHktZWxzZQ" }],
    ] as const)("%s opens nothing", async ([, mischief]) => {
      const { test, device } = await aScene()
      expect((await logInWith(test, device, mischief)).answer.status).toBe(403)
      expect(await test.lastEvent()).toMatchObject({
        type: "user-login-failed",
        actor: { type: "user" },
        metadata: { reasonCode: "wrong-passkey" },
      })
      expect((await logInWith(test, device)).answer.status).toBe(200)
    })

    it("a copy of a device is found by its counter", async () => {
      const { test, device } = await aScene()
      expect((await logInWith(test, device, { counter: 41 })).answer.status).toBe(200)
      for (const counter of [41, 7, 0]) {
        expect((await logInWith(test, device, { counter })).answer.status).toBe(403)
      }
      expect((await logInWith(test, device, { counter: 42 })).answer.status).toBe(200)
    })

    it("a challenge ends after five minutes", async () => {
      const { test, device } = await aScene()
      const begun = await test.ok("POST", `${nextOne}/options`)
      const body = { challengeToken: begun.challengeToken, response: device.get(begun.options) }
      test.clock.advance(5 * 60_000)
      expect((await test.call("POST", `${nextOne}/login`, { body })).status).toBe(403)
    })

    it("an unknown passkey, and another key under a known name, open nothing", async () => {
      const { test, device } = await aScene()
      const stranger = new Authenticator(siteUrl)
      expect((await logInWith(test, stranger)).answer.status).toBe(403)
      expect(await test.lastEvent()).toMatchObject({ actor: { type: "unknown" } })
      const begun = await test.ok("POST", `${nextOne}/options`)
      const made = stranger.get(begun.options)
      const { userHandle: _, ...withoutHandle } = made.response
      const named = { ...made, id: device.id, rawId: device.id }
      const nonsense = { clientDataJSON: "x", authenticatorData: "x", signature: "x" }
      for (const response of [withoutHandle, nonsense]) {
        const body = { challengeToken: begun.challengeToken, response: { ...named, response } }
        expect((await test.call("POST", `${nextOne}/login`, { body })).status).toBe(403)
      }
    })

    it("somebody else's passkey is no second factor, and is added to no second account", async () => {
      const { instance, test, device } = await aScene()
      const { email, password } = await aColleague(instance)
      const other = await logIn(instance, { email, password })
      const taken = await addPasskey(test, other.token, device, password)
      expect(taken.answer).toMatchObject({
        status: 400,
        body: { message: expect.stringContaining("already") },
      })
      const own = new Authenticator(siteUrl)
      expect((await addPasskey(test, other.token, own, password)).answer.status).toBe(200)
      const { token } = await logIn(instance, { email, password })
      const begun = await test.ok("POST", `${nextOne}/second-factor/options`, { token })
      const body = { challengeToken: begun.challengeToken, response: device.get(begun.options) }
      expect((await test.call("POST", `${nextOne}/second-factor`, { token, body })).status).toBe(403)
    })

    it("adding one asks for the password; names may change; without any factor left the password is enough", async () => {
      const { instance, test, first, device, opens } = await aScene()
      const { token } = first
      const wrong = await test.call("POST", "/coffer/v1/me/passkeys/options", {
        token,
        body: { password: "no" },
      })
      expect(wrong.status).toBe(403)
      const one = `/coffer/v1/me/passkeys/${device.id}`
      expect(await test.ok("PATCH", one, { token, body: { name: "Desk" } })).toMatchObject({ name: "Desk" })
      const { email, password } = await aColleague(instance)
      const other = await logIn(instance, { email, password })
      for (const [method, body] of [
        ["PATCH", { name: "Mine" }],
        ["DELETE", { password }],
      ] as const) {
        expect((await test.call(method, one, { token: other.token, body })).status).toBe(404)
      }
      expect((await test.call("DELETE", one, { token, body: {} })).status).toBe(403)
      expect((await test.call("DELETE", one, { token, body: { password: adminPassword } })).status).toBe(200)
      expect(await test.lastEvent()).toMatchObject({
        type: "delete-passkey",
        metadata: { passkeyId: device.id },
      })
      expect(await opens((await logIn(instance)).token)).toBe(200)
      expect((await logInWith(test, device)).answer.status).toBe(403)
      const factors = await test.ok("GET", "/coffer/v1/me/second-factors", { token })
      expect(factors.recoveryCodesLeft).toBe(0)
    })

    it("recovery codes that exist already stay when a passkey joins one-time passwords", async () => {
      const instance = await anInstance(await open(), { siteUrl })
      const { test } = instance
      const { token } = await logIn(instance)
      await enrol(test, token)
      const { answer } = await addPasskey(test, token, new Authenticator(siteUrl))
      expect(answer.body.recoveryCodes).toEqual([])
    })

    it("without a configured address passkeys work on localhost, and a host that was made up is not believed", async () => {
      const instance = await anInstance(await open())
      const { test } = instance
      const { token } = await logIn(instance)
      const device = new Authenticator("http://localhost")
      expect((await addPasskey(test, token, device)).answer.status).toBe(200)
      const headers = { host: "evil.example" }
      expect(await test.call("POST", `${nextOne}/options`, { headers })).toMatchObject({
        status: 400,
        body: { message: expect.stringContaining("COFFER_SITE_URL") },
      })
    })
  })
}
