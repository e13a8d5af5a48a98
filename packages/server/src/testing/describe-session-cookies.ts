import { describeDatabase } from "@coffer/testkit"
import { expect, it } from "vitest"
import { claimsOf, cookieOf, logIn, refresh, tryLogin } from "./people.ts"
import { anInstance } from "./test-app.ts"

/** The refresh cookie: what it is, that it is used up, and what a copy of it does, on either database. */
export function describeSessionCookies(kind: "sqlite" | "postgres"): void {
  describeDatabase(kind, "session cookies", (open) => {
    it("scripts cannot read the cookie, other sites cannot send it, and over https nothing else carries it", async () => {
      const storage = await open()
      const instance = await anInstance(storage)
      const plain = String((await tryLogin(instance.test)).headers["set-cookie"])
      expect(plain).toMatch(/^jid=ey/)
      expect(plain).toMatch(/; Path=\//)
      expect(plain).toMatch(/; HttpOnly/)
      expect(plain).toMatch(/; SameSite=Strict/)
      expect(plain).not.toMatch(/; Secure/)
      const secure = await anInstance(await open(), { isHttps: true })
      expect(String((await tryLogin(secure.test)).headers["set-cookie"])).toMatch(/; Secure/)
    })

    it("the cookie brings a new access token for the same organization, and another cookie", async () => {
      const instance = await anInstance(await open())
      const { test, orgId } = instance
      const { cookie, token } = await logIn(instance)
      test.clock.advance(3_600_000)
      expect((await test.call("GET", "/v1/projects", { token })).status).toBe(401)
      const answer = await refresh(test, cookie)
      expect(answer).toMatchObject({ status: 200, body: { organizationId: orgId } })
      expect((await test.call("GET", "/v1/projects", { token: answer.body.token })).status).toBe(200)
      const next = cookieOf(answer) ?? ""
      expect(next).not.toBe(cookie)
      expect((await refresh(test, next)).status).toBe(200)
    })

    it("a cookie that comes twice ends the session, for the thief and for the owner", async () => {
      const instance = await anInstance(await open())
      const { test, orgId } = instance
      const { cookie } = await logIn(instance)
      const first = await refresh(test, cookie)
      test.clock.advance(10_000)
      expect(await refresh(test, cookie)).toMatchObject({ status: 401, body: { error: "UnauthorizedError" } })
      expect(await test.lastEvent()).toMatchObject({
        type: "reuse-user-session",
        orgId,
        metadata: { sessionId: claimsOf(first.body.token)["tokenVersionId"] },
      })
      expect((await test.call("GET", "/v1/projects", { token: first.body.token })).status).toBe(401)
      expect((await refresh(test, cookieOf(first) ?? "")).status).toBe(401)
      expect((await tryLogin(test)).status).toBe(200)
    })

    it("two tabs that refresh at once both go on, and only one gets the next cookie", async () => {
      const instance = await anInstance(await open())
      const { test } = instance
      const { cookie } = await logIn(instance)
      const answers = await Promise.all([refresh(test, cookie), refresh(test, cookie)])
      expect(answers.map(({ status }) => status)).toEqual([200, 200])
      const cookies = answers.flatMap((answer) => cookieOf(answer) ?? [])
      expect(cookies).toHaveLength(1)
      for (const { body } of answers) {
        expect((await test.call("GET", "/v1/projects", { token: body.token })).status).toBe(200)
      }
    })

    it("an access token alone cannot be made to last: later the organization is chosen with the cookie only", async () => {
      const instance = await anInstance(await open())
      const { test, orgId } = instance
      const [mine, other] = [await logIn(instance), await logIn(instance)]
      const choose = (cookie?: string) =>
        test.call("POST", "/v3/auth/select-organization", {
          token: mine.token,
          body: { organizationId: orgId, userAgent: "cli" },
          ...(cookie === undefined ? {} : { headers: { cookie } }),
        })
      expect((await choose()).status).toBe(200)
      test.clock.advance(15 * 60_000)
      for (const cookie of [undefined, other.cookie, `jid=${mine.token}`]) {
        const answer = await choose(cookie)
        expect(answer).toMatchObject({
          status: 401,
          body: { message: expect.stringContaining("log in again") },
        })
        expect(cookieOf(answer)).toBeUndefined()
      }
      expect((await choose(mine.cookie)).status).toBe(200)
      const next = cookieOf(await refresh(test, mine.cookie))
      expect((await choose(mine.cookie)).status).toBe(401)
      expect((await choose(next)).status).toBe(200)
    })

    it("a refresh token opens no route, and an access token is no refresh token", async () => {
      const instance = await anInstance(await open())
      const { test, adminToken } = instance
      const { cookie, token } = await logIn(instance)
      const refreshToken = decodeURIComponent(cookie.slice("jid=".length))
      expect((await test.call("GET", "/v1/projects", { token: refreshToken })).status).toBe(403)
      for (const wrong of [token, adminToken, "x", ""]) {
        expect((await refresh(test, `jid=${wrong}`)).status).toBe(401)
      }
      expect((await test.call("POST", "/v1/auth/token")).status).toBe(401)
    })

    it("who logs out by cookie or by token is out: token, cookie and session are dead", async () => {
      const instance = await anInstance(await open())
      const { test } = instance
      for (const by of ["cookie", "token"] as const) {
        const { cookie, token, loginToken } = await logIn(instance)
        const call = by === "cookie" ? { headers: { cookie } } : { token }
        const answer = await test.call("POST", "/v1/auth/logout", call)
        expect(answer).toMatchObject({ status: 200, body: { message: "Successfully logged out" } })
        expect(String(answer.headers["set-cookie"])).toMatch(/^jid=; .*Expires=Thu, 01 Jan 1970/)
        expect(await test.lastEvent()).toMatchObject({ type: "user-logout", actor: { type: "user" } })
        expect((await test.call("GET", "/v1/projects", { token })).status).toBe(401)
        expect((await test.call("GET", "/v1/organization", { token: loginToken })).status).toBe(401)
        expect((await refresh(test, cookie)).status).toBe(401)
      }
      expect((await test.call("POST", "/v1/auth/logout")).status).toBe(401)
    })
  })
}
