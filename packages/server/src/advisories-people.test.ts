/** What brought advisories to secret managers before, tried against the logins of people. */
import { inspect } from "node:util"
import { describeDatabase } from "@coffer/testkit"
import { expect, it } from "vitest"
import { claimsOf, codeOf, enrol, logIn, showCode, tryLogin } from "./testing/people.ts"
import { adminPassword, anInstance, TestApp } from "./testing/test-app.ts"

describeDatabase("sqlite", "advisories, people", (open) => {
  it("CVE-2025-6004, -54998, -6013, -55001: variants of a name share one lock and one second factor", async () => {
    const instance = await anInstance(await open())
    const { test, orgId } = instance
    const { token } = await logIn(instance)
    await enrol(test, token)
    const variants = [
      "root@acme.test",
      "ROOT@acme.test",
      " root@ACME.test ",
      "\troot@acme.test\n",
      "Root@Acme.Test",
    ]
    for (const email of variants) {
      const login = await tryLogin(test, { email })
      const body = { organizationId: orgId }
      const chosen = await test.ok("POST", "/v3/auth/select-organization", {
        token: login.body.accessToken,
        body,
      })
      expect(chosen.isMfaEnabled, email).toBe(true)
      expect((await test.call("GET", "/v1/projects", { token: chosen.token })).status, email).toBe(401)
    }
    for (let n = 0; n < 10; n += 1) {
      await tryLogin(test, { email: variants[n % variants.length] ?? "", password: "wrong" })
    }
    for (const email of variants) {
      expect((await tryLogin(test, { email })).status, email).toBe(401)
      expect(await test.lastEvent()).toMatchObject({ metadata: { reasonCode: "locked" } })
    }
  })

  it("CVE-2025-6014, -55000: a one-time password works once, whatever the spaces, and no older one after it", async () => {
    const instance = await anInstance(await open())
    const { test } = instance
    const { secret } = await enrol(test, (await logIn(instance)).token)
    const code = codeOf(test, secret)
    const before = codeOf(test, secret, -1)
    const show = async (typed: string) => (await showCode(test, (await logIn(instance)).token, typed)).status
    const spaced = `${code.slice(0, 3)} ${code.slice(3)}`
    expect(await show(` ${spaced}\u00a0`)).toBe(200)
    for (const again of [code, spaced, `${code.slice(0, 3)}-${code.slice(3)}`, `\u200b${code}`, before]) {
      expect(await show(again)).toBe(403)
    }
  })

  it("CVE-2025-6014, -55000: the same code in two sessions at the same moment opens one", async () => {
    const instance = await anInstance(await open())
    const { test } = instance
    const { secret } = await enrol(test, (await logIn(instance)).token)
    const [one, other] = [await logIn(instance), await logIn(instance)]
    const code = codeOf(test, secret)
    const answers = await Promise.all([showCode(test, one.token, code), showCode(test, other.token, code)])
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 403])
  })

  it("CVE-2025-6015, -55003: guesses count per person, over sessions, addresses, spaces and the moment", async () => {
    const instance = await anInstance(await open())
    const { test } = instance
    const { secret, recoveryCodes } = await enrol(test, (await logIn(instance)).token)
    const tokens = await Promise.all(Array.from({ length: 5 }, () => logIn(instance)))
    const wrong = codeOf(test, secret, 40)
    const guesses = tokens.map(({ token }, n) =>
      test.call("POST", "/v2/auth/mfa/verify", {
        token,
        from: `192.0.2.${n}`,
        body: { mfaToken: `${" ".repeat(n)}${wrong}` },
      }),
    )
    for (const { status } of await Promise.all(guesses)) expect(status).toBe(403)
    const { token } = await logIn(instance)
    expect((await showCode(test, token, codeOf(test, secret))).status).toBe(403)
    expect((await showCode(test, token, recoveryCodes[0] ?? "")).status).toBe(403)
    test.clock.advance(15 * 60_000)
    expect((await showCode(test, token, codeOf(test, secret))).status).toBe(200)
  })

  it("CVE-2025-6011, -6010, -54999: an unknown e-mail costs the same argon2 work as a wrong password", async () => {
    const { test } = await anInstance(await open())
    const { passwords } = test.app.features
    const work = async (login: { readonly email?: string; readonly password?: string }) => {
      const before = passwords.derivations
      const answer = await tryLogin(test, login)
      return {
        status: answer.status,
        message: answer.body.message,
        derivations: passwords.derivations - before,
      }
    }
    const known = await work({ password: "wrong" })
    expect(known).toMatchObject({ status: 401, derivations: 1 })
    expect(await work({ email: "nobody@acme.test" })).toEqual(known)
    expect(await work({ email: "nobody@acme.test", password: adminPassword })).toEqual(known)
    for (let n = 0; n < 10; n += 1) await tryLogin(test, { password: "wrong" })
    for (let n = 0; n < 10; n += 1) await tryLogin(test, { email: "nobody@acme.test" })
    const locked = await work({ password: "wrong" })
    expect(locked).toEqual({ ...known, derivations: 0 })
    expect(await work({ email: "nobody@acme.test" })).toEqual(locked)
  })

  it("CVE-2022-30689: after a restart the second factor is still due", async () => {
    const storage = await open()
    const instance = await anInstance(storage)
    const { secret } = await enrol(instance.test, (await logIn(instance)).token)
    const { token } = await logIn(instance)
    const restarted = new TestApp(storage)
    expect(await restarted.call("GET", "/v1/projects", { token })).toMatchObject({
      status: 401,
      body: { error: "SecondFactorRequired" },
    })
    const after = await logIn({ ...instance, test: restarted })
    expect((await restarted.call("GET", "/v1/projects", { token: after.token })).status).toBe(401)
    expect((await showCode(restarted, token, codeOf(restarted, secret))).status).toBe(200)
    expect((await restarted.call("GET", "/v1/projects", { token })).status).toBe(200)
  })

  it("CVE-2024-8365, CVE-2025-4166: no password, code, cookie or token of a person is in a log, event or table", async () => {
    const storage = await open()
    const instance = await anInstance(storage)
    const { test } = instance
    const typed = "canary-typed-9c1e@not-a-name"
    await tryLogin(test, { email: `${typed}.test`, password: "canary-wrong-77aa" })
    await test.call("POST", "/v3/auth/login", {
      body: { email: "canary-no-email-51", password: ["canary-list-51"] },
    })
    const { token, cookie } = await logIn(instance)
    const { secret, recoveryCodes } = await enrol(test, token)
    const code = recoveryCodes[0] ?? ""
    await showCode(test, (await logIn(instance)).token, code)
    await showCode(test, (await logIn(instance)).token, "canary7code7that7is7wrong")
    const userId = String(claimsOf(token)["userId"])
    const reset = await test.ok("POST", `/coffer/v1/users/${userId}/password-reset`, { token })
    const newPassword = "canary-new-password-3b"
    await test.ok("POST", "/coffer/v1/auth/password-reset", { body: { token: reset.token, newPassword } })
    const planted = [typed, "canary-", adminPassword, token, cookie.slice(4), secret, code, reset.token]
    const forms = [...planted, code.replaceAll("-", ""), "canary7code"]
    const logs = inspect(storage.log.entries, { depth: null, maxStringLength: null, maxArrayLength: null })
    const events = JSON.stringify(await test.auditEvents())
    const rows: string[] = []
    for (const table of [
      "user_account",
      "user_session",
      "user_totp",
      "user_recovery_code",
      "password_reset",
      "login_attempt",
    ] as const) {
      const found = await storage.database.reader.selectFrom(table).selectAll().execute()
      rows.push(inspect(found, { depth: null, maxStringLength: null, maxArrayLength: null }))
      rows.push(
        ...found
          .flatMap((row) => Object.values(row))
          .map((value) =>
            Buffer.from(value instanceof Uint8Array ? value : String(value)).toString("latin1"),
          ),
      )
    }
    expect(events).toContain("reset-user-password")
    for (const form of forms) {
      expect(logs, form).not.toContain(form)
      expect(events, form).not.toContain(form)
      for (const row of rows) expect(row, form).not.toContain(form)
    }
  })

  it("CVE-2024-8185: names that nobody has leave a bounded number of counters", async () => {
    const { test } = await anInstance(await open())
    await tryLogin(test, { email: "someone-else@acme.test" })
    const rows = await test.storage.database.reader.selectFrom("login_attempt").select("subject").execute()
    const own = rows.map(({ subject }) => subject).filter((subject) => subject.includes("nobody"))
    expect(own.length).toBeGreaterThan(0)
    for (const subject of own) expect(subject).toMatch(/^password:nobody-[0-9a-f]{4}$/)
  })
})
