import { describeDatabase } from "@coffer/testkit"
import { expect, it } from "vitest"
import { takePasswordAttempt } from "../features/attempts/index.ts"
import { claimsOf, cookieOf, logIn, refresh, tryLogin } from "./people.ts"
import { adminPassword, anInstance, aProject } from "./test-app.ts"

const minuteMs = 60_000

/** People log in, choose an organization, go on with their session and end it, on either database. */
export function describeLogins(kind: "sqlite" | "postgres"): void {
  describeDatabase(kind, "logins of people", (open) => {
    it("a person logs in, chooses the organization and works in it", async () => {
      const instance = await anInstance(await open())
      const { test, orgId } = instance
      const login = await tryLogin(test, { headers: { "user-agent": "Mozilla/5.0 (test)" } })
      expect(login.status).toBe(200)
      expect(claimsOf(login.body.accessToken)).toMatchObject({
        authTokenType: "accessToken",
        authMethod: "password",
        accessVersion: 1,
      })
      expect(claimsOf(login.body.accessToken)).not.toHaveProperty("organizationId")
      const token = login.body.accessToken
      expect(await test.lastEvent()).toMatchObject({
        type: "user-login",
        orgId,
        actor: { type: "user", name: "root@acme.test", authMethod: "password" },
        source: { userAgentType: "web" },
      })
      expect(await test.call("GET", "/v1/projects", { token })).toMatchObject({
        status: 403,
        body: { error: "ForbiddenError", message: expect.stringContaining("select-organization") },
      })
      expect(await test.ok("GET", "/v1/organization", { token })).toEqual({
        organizations: [{ id: orgId, name: "Acme", slug: expect.any(String), userRole: "admin" }],
      })
      const body = { organizationId: orgId }
      const chosen = await test.ok("POST", "/v3/auth/select-organization", { token, body })
      expect(chosen).toEqual({ token: expect.any(String), isMfaEnabled: false })
      expect(await test.lastEvent()).toMatchObject({ type: "select-organization", orgId })
      expect(claimsOf(chosen.token)).toMatchObject({ organizationId: orgId })
      await aProject(instance, { token: chosen.token })
      expect((await test.ok("GET", "/v1/projects", { token: chosen.token })).projects).toHaveLength(1)
      expect(await test.ok("POST", "/v1/auth/checkAuth", { token: chosen.token })).toEqual({
        message: "Authenticated",
      })
    })

    it("nobody chooses an organization that they are no active member of", async () => {
      const { test } = await anInstance(await open())
      const token = (await tryLogin(test)).body.accessToken
      const body = { organizationId: "00000000-0000-4000-8000-0000000000ff" }
      const answer = await test.call("POST", "/v3/auth/select-organization", { token, body })
      expect(answer).toMatchObject({ status: 403, body: { error: "ForbiddenError" } })
      expect(cookieOf(answer)).toBeUndefined()
    })

    it("a command line gets a token for days, a browser one for an hour; none outlives its session", async () => {
      const lifetimes = { sessionSeconds: 86_400 * 12, commandLineTokenSeconds: 86_400 * 10 }
      const { test, orgId } = await anInstance(await open(), { sessionLifetimes: lifetimes })
      const token = (await tryLogin(test)).body.accessToken
      const choose = async (more: object) => {
        const body = { organizationId: orgId, ...more }
        const answer = await test.ok("POST", "/v3/auth/select-organization", { token, body })
        const { exp, iat } = claimsOf(answer.token)
        return Number(exp) - Number(iat)
      }
      expect(await choose({})).toBe(3_600)
      expect(await choose({ userAgent: "cli" })).toBe(864_000)
      const { cookie } = await logIn({ test, orgId, adminToken: "", adminId: "" })
      test.clock.advance(86_400_000 * 12 - 60_000)
      const last = await refresh(test, cookie)
      const { exp, iat } = claimsOf(last.body.token)
      expect(Number(exp) - Number(iat)).toBe(60)
      test.clock.advance(60_000)
      expect((await refresh(test, cookieOf(last) ?? "")).status).toBe(401)
    })

    it("whatever is wrong, a refused login says the same and is in the audit log with its reason", async () => {
      const { test, orgId } = await anInstance(await open())
      const wrong = await tryLogin(test, { password: "wrong" })
      const unknown = await tryLogin(test, { email: "nobody@acme.test" })
      const error = { error: "UnauthorizedError", statusCode: 401 }
      expect(wrong).toMatchObject({ status: 401, body: error })
      expect(unknown.body).toEqual({ ...wrong.body, reqId: unknown.body.reqId })
      expect(cookieOf(wrong)).toBeUndefined()
      const events = (await test.auditEvents()).filter(({ type }) => type === "user-login-failed")
      expect(events).toMatchObject([
        { orgId, actor: { type: "user" }, metadata: { reasonCode: "wrong-password" } },
        { orgId: "", actor: { type: "unknown" }, metadata: { userId: null, reasonCode: "unknown-email" } },
      ])
      expect(JSON.stringify(events)).not.toContain("nobody@acme.test")
    })

    it("ten wrong passwords lock one address out for a quarter of an hour, the right password included", async () => {
      const { test } = await anInstance(await open())
      const from = "192.0.2.1"
      for (let n = 0; n < 10; n += 1) await tryLogin(test, { password: "wrong", from })
      expect((await tryLogin(test, { from })).status).toBe(401)
      expect(await test.lastEvent()).toMatchObject({ metadata: { reasonCode: "locked" } })
      expect((await tryLogin(test, { from: "192.0.2.2" })).status).toBe(200)
      expect((await tryLogin(test, { from })).status).toBe(401)
      test.clock.advance(15 * minuteMs)
      expect((await tryLogin(test, { from })).status).toBe(200)
    })

    it("right passwords never add up to a lock", async () => {
      const { test } = await anInstance(await open())
      for (let n = 0; n < 12; n += 1) expect((await tryLogin(test)).status).toBe(200)
    })

    it("many addresses together lock a person after a hundred tries, one address alone never does", async () => {
      const { test } = await anInstance(await open())
      const { features } = test.app
      const login = await tryLogin(test, { from: "198.51.100.1" })
      const userId = String(claimsOf(login.body.accessToken)["userId"])
      const take = (from: string) => takePasswordAttempt(features, userId, from)
      for (let n = 0; n < 200; n += 1) await take("192.0.2.1")
      expect((await tryLogin(test, { from: "198.51.100.1" })).status).toBe(200)
      for (let n = 0; n < 90; n += 1) expect(await take(`203.0.113.${n}`)).toBeDefined()
      expect((await tryLogin(test, { from: "198.51.100.1" })).status).toBe(401)
      test.clock.advance(15 * minuteMs)
      expect((await tryLogin(test, { from: "198.51.100.1" })).status).toBe(200)
    })

    it("tries at the same moment do not outrun the count", async () => {
      const { test } = await anInstance(await open())
      const tries = Array.from({ length: 25 }, () => tryLogin(test, { password: "wrong" }))
      await Promise.all(tries)
      const events = await test.auditEvents()
      const reasons = events.flatMap(({ type, metadata }) =>
        type === "user-login-failed" ? [metadata["reasonCode"]] : [],
      )
      expect(reasons.filter((reason) => reason === "wrong-password")).toHaveLength(10)
      expect(reasons.filter((reason) => reason === "locked")).toHaveLength(15)
    })

    it("a password that is changed ends the other sessions, and the old one opens nothing", async () => {
      const instance = await anInstance(await open())
      const { test } = instance
      const [mine, other] = [await logIn(instance), await logIn(instance)]
      const change = (oldPassword: string, newPassword: string) =>
        test.call("POST", "/coffer/v1/me/password", { token: mine.token, body: { oldPassword, newPassword } })
      expect((await change("wrong", "another good password")).status).toBe(403)
      expect((await change(adminPassword, "short")).status).toBe(422)
      expect(await change(adminPassword, "another good password")).toMatchObject({
        status: 200,
        body: { endedSessions: 1 },
      })
      expect(await test.lastEvent()).toMatchObject({
        type: "change-user-password",
        metadata: { endedSessions: 1 },
      })
      expect((await test.call("GET", "/v1/projects", { token: mine.token })).status).toBe(200)
      expect((await test.call("GET", "/v1/projects", { token: other.token })).status).toBe(401)
      expect((await refresh(test, other.cookie)).status).toBe(401)
      expect((await tryLogin(test)).status).toBe(401)
      expect((await tryLogin(test, { password: "another good password" })).status).toBe(200)
    })

    it("guesses at the old password are counted as logins are", async () => {
      const instance = await anInstance(await open())
      const { token } = await logIn(instance)
      const change = (oldPassword: string) =>
        instance.test.call("POST", "/coffer/v1/me/password", {
          token,
          body: { oldPassword, newPassword: "another good password" },
        })
      for (let n = 0; n < 10; n += 1) expect((await change("wrong")).status).toBe(403)
      expect((await change(adminPassword)).status).toBe(403)
    })
  })
}
