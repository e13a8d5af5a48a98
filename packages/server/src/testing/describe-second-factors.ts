import { describeDatabase } from "@coffer/testkit"
import { expect, it } from "vitest"
import {
  aColleague,
  claimsOf,
  codeOf,
  cookieOf,
  enrol,
  logIn,
  refresh,
  showCode,
  tryLogin,
} from "./people.ts"
import { adminPassword, anInstance } from "./test-app.ts"

/** One-time passwords and recovery codes, on either database. */
export function describeSecondFactors(kind: "sqlite" | "postgres"): void {
  describeDatabase(kind, "second factors", (open) => {
    async function aScene() {
      const instance = await anInstance(await open())
      const { test } = instance
      const first = await logIn(instance)
      const { secret, recoveryCodes } = await enrol(test, first.token)
      const opens = async (token: string) => (await test.call("GET", "/v1/projects", { token })).status
      return { instance, test, first, secret, recoveryCodes, opens }
    }

    it("once one-time passwords are confirmed, a login opens nothing without a code", async () => {
      const { instance, test, first, secret, opens } = await aScene()
      expect(await opens(first.token)).toBe(200)
      const login = await tryLogin(test)
      const token = login.body.accessToken
      const body = { organizationId: instance.orgId }
      const chosen = await test.ok("POST", "/v3/auth/select-organization", { token, body })
      expect(chosen).toMatchObject({ isMfaEnabled: true, mfaMethod: "totp" })
      expect(await test.call("GET", "/v1/projects", { token: chosen.token })).toMatchObject({
        status: 401,
        body: { error: "SecondFactorRequired" },
      })
      expect((await test.call("GET", "/coffer/v1/me/sessions", { token: chosen.token })).status).toBe(401)
      const wrong = await showCode(test, chosen.token, codeOf(test, secret, 5))
      expect(wrong).toMatchObject({ status: 403, body: { error: "ForbiddenError" } })
      const shown = await showCode(test, chosen.token, codeOf(test, secret))
      expect(shown.status).toBe(200)
      expect(await test.lastEvent()).toMatchObject({
        type: "show-second-factor",
        orgId: instance.orgId,
        metadata: { secondFactor: "totp" },
      })
      expect(await opens(shown.body.token)).toBe(200)
      expect(await opens(chosen.token)).toBe(200)
      const { sessions } = await test.ok("GET", "/coffer/v1/me/sessions", { token: shown.body.token })
      expect(sessions.find((one: { isCurrent: boolean }) => one.isCurrent).secondFactor).toBe("totp")
    })

    it("a code may come before the organization is chosen, as the command lines of others send it", async () => {
      const { instance, test, secret, opens } = await aScene()
      const token = (await tryLogin(test)).body.accessToken
      const shown = await showCode(test, token, codeOf(test, secret))
      const body = { organizationId: instance.orgId, userAgent: "cli" }
      const chosen = await test.ok("POST", "/v3/auth/select-organization", { token: shown.body.token, body })
      expect(chosen.isMfaEnabled).toBe(false)
      expect(await opens(chosen.token)).toBe(200)
    })

    it("a session cookie does not carry anybody past the second factor", async () => {
      const { instance, test, opens, secret } = await aScene()
      const { cookie, token } = await logIn(instance)
      const renewed = await refresh(test, cookie)
      expect(await opens(renewed.body.token)).toBe(401)
      await showCode(test, token, codeOf(test, secret))
      expect(await opens((await refresh(test, cookieOf(renewed) ?? "")).body.token)).toBe(200)
    })

    it("sessions that were open before the second factor need it as well", async () => {
      const instance = await anInstance(await open())
      const { test } = instance
      const [one, other] = [await logIn(instance), await logIn(instance)]
      await enrol(test, one.token)
      expect((await test.call("GET", "/v1/projects", { token: other.token })).status).toBe(401)
    })

    it("setting up asks for the password, and counts for nothing until a code confirmed it", async () => {
      const instance = await anInstance(await open())
      const { test } = instance
      const { token } = await logIn(instance)
      const begin = (password?: string) =>
        test.call("POST", "/coffer/v1/me/totp", { token, body: password === undefined ? {} : { password } })
      expect((await begin()).status).toBe(403)
      expect((await begin("wrong")).status).toBe(403)
      const { body } = await begin(adminPassword)
      expect(body.uri).toMatch(/^otpauth:\/\/totp\/Coffer:root%40acme\.test\?/)
      expect(body.uri).toContain(`secret=${body.secret}`)
      expect((await test.call("GET", "/v1/projects", { token: (await logIn(instance)).token })).status).toBe(
        200,
      )
      const confirm = (code: string) =>
        test.call("POST", "/coffer/v1/me/totp/confirm", { token, body: { code } })
      expect((await confirm(codeOf(test, body.secret, 7))).status).toBe(403)
      const confirmed = await confirm(codeOf(test, body.secret))
      expect(confirmed.body.recoveryCodes).toHaveLength(10)
      expect(new Set(confirmed.body.recoveryCodes).size).toBe(10)
      expect(await begin(adminPassword)).toMatchObject({
        status: 400,
        body: { message: expect.stringContaining("set up already") },
      })
      const stored = await test.storage.database.reader.selectFrom("user_totp").selectAll().execute()
      expect(Buffer.from(stored[0]?.secret_sealed ?? []).toString("latin1")).not.toContain(body.secret)
    })

    it("the codes of the step before and after count too, an older one does not", async () => {
      const { instance, test, secret } = await aScene()
      const tryStep = async (steps: number) =>
        (await showCode(test, (await logIn(instance)).token, codeOf(test, secret, steps))).status
      test.clock.advance(10 * 30_000)
      expect(await tryStep(-2)).toBe(403)
      expect(await tryStep(-1)).toBe(200)
      expect(await tryStep(0)).toBe(200)
      expect(await tryStep(1)).toBe(200)
      expect(await tryStep(-1)).toBe(403)
    })

    it("a recovery code opens one session once, in whatever form it is typed", async () => {
      const { instance, test, recoveryCodes, opens } = await aScene()
      const [code = "", next = ""] = recoveryCodes
      const show = async (typed: string) => {
        const { token } = await logIn(instance)
        const answer = await showCode(test, token, typed)
        return { status: answer.status, token }
      }
      const shown = await show(` ${code.toUpperCase().replaceAll("-", " ")} `)
      expect(shown.status).toBe(200)
      expect(await opens(shown.token)).toBe(200)
      for (const again of [code, code.replaceAll("-", ""), code.toUpperCase()]) {
        expect((await show(again)).status).toBe(403)
      }
      const { token } = await logIn(instance)
      const answers = await Promise.all([showCode(test, token, next), showCode(test, token, next)])
      expect(answers.map(({ status }) => status).sort()).toEqual([200, 403])
      const factors = await test.ok("GET", "/coffer/v1/me/second-factors", { token: shown.token })
      expect(factors).toMatchObject({ totp: { isConfirmed: true }, recoveryCodesLeft: 8 })
    })

    it("new recovery codes need a code and take the place of the old ones", async () => {
      const { test, first, secret, recoveryCodes, instance } = await aScene()
      const renew = (code: string) =>
        test.call("POST", "/coffer/v1/me/recovery-codes", { token: first.token, body: { code } })
      expect((await renew(codeOf(test, secret, 9))).status).toBe(403)
      const { body } = await renew(codeOf(test, secret))
      expect(body.recoveryCodes).toHaveLength(10)
      const { token } = await logIn(instance)
      expect((await showCode(test, token, recoveryCodes[0] ?? "")).status).toBe(403)
      expect((await showCode(test, token, body.recoveryCodes[0])).status).toBe(200)
    })

    it("the second factor is removed only against a code; then the password is enough again", async () => {
      const { test, first, secret, instance, opens } = await aScene()
      const remove = (code: string) =>
        test.call("DELETE", "/coffer/v1/me/totp", { token: first.token, body: { code } })
      expect((await remove("000000")).status).toBe(403)
      expect((await remove(codeOf(test, secret))).status).toBe(200)
      expect(await opens((await logIn(instance)).token)).toBe(200)
      const left = await test.storage.database.reader.selectFrom("user_recovery_code").selectAll().execute()
      expect(left).toEqual([])
    })

    it("a code that opened one session opens no other", async () => {
      const { instance, test, secret } = await aScene()
      test.clock.advance(60_000)
      const code = codeOf(test, secret)
      const show = async () => (await showCode(test, (await logIn(instance)).token, code)).status
      expect([await show(), await show()]).toEqual([200, 403])
    })

    it("a code that is shown for several sessions at once opens one", async () => {
      const { instance, test, secret } = await aScene()
      test.clock.advance(60_000)
      const sessions = [await logIn(instance), await logIn(instance), await logIn(instance)]
      const code = codeOf(test, secret)
      const answers = await Promise.all(sessions.map(({ token }) => showCode(test, token, code)))
      expect(answers.map(({ status }) => status).sort()).toEqual([200, 403, 403])
    })

    it("five wrong codes lock a person's codes for a quarter of an hour, the right one included", async () => {
      const { instance, test, secret } = await aScene()
      test.clock.advance(60_000)
      const { token } = await logIn(instance)
      for (let n = 0; n < 5; n += 1) expect((await showCode(test, token, "000000")).status).toBe(403)
      const { token: another } = await logIn(instance)
      expect((await showCode(test, another, codeOf(test, secret))).status).toBe(403)
      test.clock.advance(15 * 60_000)
      expect((await showCode(test, another, codeOf(test, secret))).status).toBe(200)
    })

    it("whatever is set up, shown, made anew or removed leaves its event, and no code or secret in it", async () => {
      const instance = await anInstance(await open())
      const { test } = instance
      const { token } = await logIn(instance)
      const { secret, recoveryCodes } = await enrol(test, token)
      const call = (method: string, path: string, body?: Readonly<Record<string, unknown>>) =>
        test.ok(method, `/coffer/v1/me/${path}`, body === undefined ? { token } : { token, body })
      await call("GET", "second-factors")
      test.clock.advance(60_000)
      const renewed = await call("POST", "recovery-codes", { code: codeOf(test, secret) })
      await call("DELETE", "totp", { code: renewed.recoveryCodes[0] })
      const events = (await test.auditEvents()).slice(-5)
      const userId = claimsOf(token)["userId"]
      expect(events.map(({ type, metadata }) => ({ type, ...metadata }))).toEqual([
        { type: "enrol-totp", userId },
        { type: "confirm-totp", userId },
        { type: "get-second-factors", userId },
        { type: "create-recovery-codes", userId, secondFactor: "totp" },
        { type: "remove-totp", userId, secondFactor: "recovery-code" },
      ])
      for (const clear of [secret, ...recoveryCodes, ...renewed.recoveryCodes]) {
        expect(JSON.stringify(events)).not.toContain(clear)
      }
    })

    it("right passwords at the enrolment never add up to a lock", async () => {
      const instance = await anInstance(await open())
      const { token } = await logIn(instance)
      const begin = () =>
        instance.test.call("POST", "/coffer/v1/me/totp", { token, body: { password: adminPassword } })
      for (let n = 0; n < 12; n += 1) expect((await begin()).status).toBe(200)
    })

    it("a recovery code of somebody else opens nothing", async () => {
      const { instance, test, recoveryCodes } = await aScene()
      const { email, password } = await aColleague(instance)
      const other = await logIn(instance, { email, password })
      await enrol(test, other.token, password)
      const { token } = await logIn(instance, { email, password })
      expect((await showCode(test, token, recoveryCodes[0] ?? "")).status).toBe(403)
    })

    it("who lost everything is helped by an administrator: the factors go, the sessions end", async () => {
      const { instance, test, first, opens } = await aScene()
      const colleague = await aColleague(instance)
      const login = { email: colleague.email, password: colleague.password }
      const own = await logIn(instance, login)
      await enrol(test, own.token, colleague.password)
      const url = `/coffer/v1/users/${colleague.id}`
      const { user } = await test.ok("GET", url, { token: first.token })
      expect(user.hasSecondFactor).toBe(true)
      expect((await test.call("DELETE", `${url}/second-factors`, { token: own.token })).status).toBe(403)
      expect((await test.call("DELETE", `${url}/second-factors`, { token: first.token })).status).toBe(200)
      expect(await test.lastEvent()).toMatchObject({ type: "reset-second-factors" })
      expect(await opens(own.token)).toBe(401)
      expect(await opens((await logIn(instance, login)).token)).toBe(200)
    })
  })
}
