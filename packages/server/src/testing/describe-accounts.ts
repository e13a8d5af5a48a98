import { describeDatabase } from "@coffer/testkit"
import { expect, it } from "vitest"
import { aColleague, anotherOrganization, claimsOf, logIn, refresh, tryLogin } from "./people.ts"
import { aMachine, anInstance, aProject } from "./test-app.ts"

const userIdOf = (token: string) => String(claimsOf(token)["userId"])

/** Sessions of one's own, and what administrators do with the people of their organization, on either database. */
export function describeAccounts(kind: "sqlite" | "postgres"): void {
  describeDatabase(kind, "accounts of people", (open) => {
    async function aScene() {
      const instance = await anInstance(await open())
      const admin = await logIn(instance)
      const colleague = await aColleague(instance)
      const login = { email: colleague.email, password: colleague.password }
      const { test } = instance
      const asAdmin = (method: string, path: string, body?: object) =>
        test.call(method, `/coffer/v1/users/${colleague.id}${path}`, {
          token: admin.token,
          ...(body === undefined ? {} : { body: body as Readonly<Record<string, unknown>> }),
        })
      return { instance, test, admin, adminUserId: userIdOf(admin.token), colleague, login, asAdmin }
    }

    it("a person sees when, from where, with what and how each session was opened, and ends one or all others", async () => {
      const { instance, test, login, colleague } = await aScene()
      const phone = await logIn(instance, { ...login, from: "192.0.2.7", headers: { "user-agent": "Phone" } })
      test.clock.advance(60_000)
      const laptop = await logIn(instance, { ...login, headers: { "user-agent": "Laptop" } })
      const desk = await logIn(instance, login)
      const list = () => test.ok("GET", "/coffer/v1/me/sessions", { token: laptop.token })
      const { sessions } = await list()
      expect(sessions).toHaveLength(3)
      const ofPhone = sessions.find((one: { userAgent: string }) => one.userAgent === "Phone")
      expect(ofPhone).toMatchObject({
        createdAt: new Date(test.clock.now() - 60_000).toISOString(),
        ipAddress: "192.0.2.7",
        authMethod: "password",
        secondFactor: null,
        isCurrent: false,
      })
      expect(sessions.filter((one: { isCurrent: boolean }) => one.isCurrent)).toMatchObject([
        { userAgent: "Laptop" },
      ])
      const end = (id: string) => test.call("DELETE", `/coffer/v1/me/sessions${id}`, { token: laptop.token })
      expect(await end(`/${ofPhone.id}`)).toMatchObject({ status: 200, body: { endedSessions: 1 } })
      expect(await test.lastEvent()).toMatchObject({
        type: "revoke-user-sessions",
        metadata: { userId: colleague.id, sessionId: ofPhone.id, endedSessions: 1 },
      })
      expect((await test.call("GET", "/v1/projects", { token: phone.token })).status).toBe(401)
      expect((await refresh(test, phone.cookie)).status).toBe(401)
      expect((await end(`/${ofPhone.id}`)).status).toBe(404)
      expect(await end("")).toMatchObject({ status: 200, body: { endedSessions: 1 } })
      expect((await test.call("GET", "/v1/projects", { token: desk.token })).status).toBe(401)
      expect((await list()).sessions).toHaveLength(1)
    })

    it("everybody sees their own account, whatever their role; a machine has none", async () => {
      const { instance, test, colleague, login } = await aScene()
      const { token } = await logIn(instance, login)
      const { user } = await test.ok("GET", "/coffer/v1/me", { token })
      expect(user).toMatchObject({ id: colleague.id, email: colleague.email, role: "member" })
      expect(user).toMatchObject({ hasPassword: true, hasSecondFactor: false })
      expect(await test.lastEvent()).toMatchObject({ type: "get-user", metadata: { userId: colleague.id } })
      const machine = await aMachine(instance, { orgRole: "admin" })
      expect((await test.call("GET", "/coffer/v1/me", { token: machine.token })).status).toBe(403)
    })

    it("nobody ends or sees a session of somebody else as their own", async () => {
      const { instance, test, admin, login } = await aScene()
      const theirs = await logIn(instance, login)
      const id = String(claimsOf(theirs.token)["tokenVersionId"])
      const answer = await test.call("DELETE", `/coffer/v1/me/sessions/${id}`, { token: admin.token })
      expect(answer.status).toBe(404)
      expect((await test.call("GET", "/v1/projects", { token: theirs.token })).status).toBe(200)
      const { token } = await aMachine(instance, { orgRole: "admin" })
      expect((await test.call("GET", "/coffer/v1/me/sessions", { token })).status).toBe(403)
    })

    it("an administrator lists people with their role, state and newest login, page by page", async () => {
      const { test, admin, colleague, instance, login } = await aScene()
      await logIn(instance, login)
      const list = (query: string) => test.ok("GET", `/coffer/v1/users${query}`, { token: admin.token })
      const all = await list("")
      expect(all.totalCount).toBe(2)
      expect(all.users).toMatchObject([
        { id: colleague.id, email: colleague.email, role: "member", isActive: true, hasPassword: true },
        { email: "root@acme.test", role: "admin", isActive: true, hasSecondFactor: false },
      ])
      expect(all.users[0].lastLoginAt).toBe(new Date(test.clock.now()).toISOString())
      expect(await list("?limit=1&offset=1")).toMatchObject({ users: [{ role: "admin" }], totalCount: 2 })
      expect(await list("?email=COLLEAGUE")).toMatchObject({ users: [{ id: colleague.id }], totalCount: 1 })
      expect(await list("?email=%25")).toMatchObject({ users: [], totalCount: 0 })
      expect(JSON.stringify(all)).not.toContain("argon2id")
    })

    it("a member reads who is there and manages nobody; without a role one does neither", async () => {
      const { instance, test, login, colleague, adminUserId } = await aScene()
      const { token } = await logIn(instance, login)
      expect((await test.call("GET", "/coffer/v1/users", { token })).status).toBe(200)
      const one = `/coffer/v1/users/${adminUserId}`
      const tries: readonly (readonly [string, string, object?])[] = [
        ["PATCH", one, { role: "member" }],
        ["DELETE", one],
        ["GET", `${one}/sessions`],
        ["DELETE", `${one}/sessions`],
        ["POST", `${one}/password-reset`, {}],
        ["POST", `${one}/unlock`, {}],
        ["PATCH", `/coffer/v1/users/${colleague.id}`, { role: "admin" }],
      ]
      for (const [method, url, body] of tries) {
        const answer = await test.call(method, url, {
          token,
          ...(body === undefined ? {} : { body: body as Readonly<Record<string, unknown>> }),
        })
        expect(answer, `${method} ${url}`).toMatchObject({
          status: 403,
          body: { error: "PermissionDenied", message: "You are not allowed to manage on members" },
        })
      }
      const nobody = await aColleague(instance, { email: "guest@acme.test", role: "no-access" })
      const guest = await logIn(instance, { email: nobody.email, password: nobody.password })
      expect((await test.call("GET", "/coffer/v1/users", { token: guest.token })).status).toBe(403)
    })

    it("a role that changes counts at once", async () => {
      const { instance, test, login, asAdmin } = await aScene()
      const { token } = await logIn(instance, login)
      const manage = () =>
        test.call("GET", `/coffer/v1/users/${userIdOf(token)}/sessions`, { token }).then((one) => one.status)
      expect(await manage()).toBe(403)
      expect(await asAdmin("PATCH", "", { role: "admin" })).toMatchObject({
        status: 200,
        body: { user: { role: "admin" } },
      })
      expect(await test.lastEvent()).toMatchObject({
        type: "update-user",
        metadata: { role: "admin", oldRole: "member", isActive: true, wasActive: true },
      })
      expect(await manage()).toBe(200)
      expect((await asAdmin("PATCH", "", {})).status).toBe(422)
      expect((await asAdmin("PATCH", "", { role: "owner" })).status).toBe(422)
    })

    it("who is deactivated is logged out and cannot log in until activated again", async () => {
      const { instance, test, login, asAdmin } = await aScene()
      const session = await logIn(instance, login)
      expect((await asAdmin("PATCH", "", { isActive: false })).status).toBe(200)
      expect((await test.call("GET", "/v1/projects", { token: session.token })).status).toBe(401)
      expect((await refresh(test, session.cookie)).status).toBe(401)
      expect(await tryLogin(test, login)).toMatchObject({
        status: 401,
        body: { error: "UnauthorizedError", message: expect.stringContaining("not active") },
      })
      const wrong = await tryLogin(test, { ...login, password: "wrong" })
      expect(wrong.body.message).not.toContain("active")
      expect((await asAdmin("PATCH", "", { isActive: true })).status).toBe(200)
      expect((await tryLogin(test, login)).status).toBe(200)
    })

    it("the last active administrator stays: no demotion, no deactivation, no removal", async () => {
      const { test, admin, adminUserId, asAdmin } = await aScene()
      const own = (method: string, body?: Readonly<Record<string, unknown>>) =>
        test.call(method, `/coffer/v1/users/${adminUserId}`, {
          token: admin.token,
          ...(body === undefined ? {} : { body }),
        })
      const tries = () =>
        Promise.all([own("PATCH", { role: "member" }), own("PATCH", { isActive: false }), own("DELETE")])
      for (const answer of await tries()) {
        expect(answer).toMatchObject({
          status: 400,
          body: { message: expect.stringContaining("last active administrator") },
        })
      }
      await asAdmin("PATCH", "", { role: "admin", isActive: false })
      expect((await own("PATCH", { role: "member" })).status).toBe(400)
      await asAdmin("PATCH", "", { isActive: true })
      expect((await own("PATCH", { role: "member" })).status).toBe(200)
    })

    it("two administrators who demote each other at the same moment leave one", async () => {
      const { instance, test, admin, adminUserId, colleague, login, asAdmin } = await aScene()
      await asAdmin("PATCH", "", { role: "admin" })
      const other = await logIn(instance, login)
      const demote = (token: string, userId: string) =>
        test.call("PATCH", `/coffer/v1/users/${userId}`, { token, body: { role: "member" } })
      const answers = await Promise.all([demote(admin.token, colleague.id), demote(other.token, adminUserId)])
      expect(answers.filter(({ status }) => status === 200)).toHaveLength(1)
      const admins = await test.storage.database.reader
        .selectFrom("organization_membership")
        .select("id")
        .where("actor_type", "=", "user")
        .where("role", "=", "admin")
        .execute()
      expect(admins).toHaveLength(1)
    })

    it("who is removed loses sessions, projects and every credential; of what they did the name stays", async () => {
      const { instance, test, login, asAdmin, colleague } = await aScene()
      const { id: project } = await aProject(instance)
      const body = { emails: [colleague.email], roleSlugs: ["member"] }
      await test.ok("POST", `/v2/workspace/${project}/memberships`, { token: instance.adminToken, body })
      const session = await logIn(instance, login)
      expect((await asAdmin("DELETE", "")).status).toBe(200)
      expect(await test.lastEvent()).toMatchObject({
        type: "remove-user",
        metadata: { userId: colleague.id, isLastOrganization: true },
      })
      expect((await test.call("GET", "/v1/projects", { token: session.token })).status).toBe(401)
      expect((await tryLogin(test, login)).status).toBe(401)
      expect((await asAdmin("GET", "")).status).toBe(404)
      const { reader } = test.storage.database
      const left = await reader
        .selectFrom("user_account")
        .selectAll()
        .where("id", "=", colleague.id)
        .execute()
      expect(left).toMatchObject([{ email: colleague.email, password_hash: "" }])
      const memberships = reader.selectFrom("project_membership").select("id")
      expect(await memberships.where("actor_id", "=", colleague.id).execute()).toEqual([])
    })

    it("an administrator sees and ends the sessions of a member, one or all", async () => {
      const { instance, test, login, asAdmin } = await aScene()
      const first = await logIn(instance, login)
      const second = await logIn(instance, login)
      const { body } = await asAdmin("GET", "/sessions")
      expect(body.sessions).toHaveLength(2)
      const id = claimsOf(first.token)["tokenVersionId"]
      expect((await asAdmin("DELETE", `/sessions/${id}`)).status).toBe(200)
      expect((await test.call("GET", "/v1/projects", { token: first.token })).status).toBe(401)
      expect((await test.call("GET", "/v1/projects", { token: second.token })).status).toBe(200)
      expect((await asAdmin("DELETE", `/sessions/${id}`)).status).toBe(404)
      expect(await asAdmin("DELETE", "/sessions")).toMatchObject({ body: { endedSessions: 1 } })
      expect((await refresh(test, second.cookie)).status).toBe(401)
    })

    it("a token that an administrator hands over sets a new password, once, within a day", async () => {
      const { instance, test, login, asAdmin } = await aScene()
      const session = await logIn(instance, login)
      const reset = (token: string, newPassword = "a brand new password") =>
        test.call("POST", "/coffer/v1/auth/password-reset", { body: { token, newPassword } })
      const first = await asAdmin("POST", "/password-reset", {})
      expect(first.status).toBe(200)
      const { body } = await asAdmin("POST", "/password-reset", {})
      expect((await tryLogin(test, login)).status).toBe(200)
      expect((await reset(first.body.token)).status).toBe(401)
      expect((await reset(body.token, "short")).status).toBe(422)
      for (let n = 0; n < 10; n += 1) await tryLogin(test, { ...login, password: "wrong" })
      const answers = await Promise.all([reset(body.token), reset(body.token)])
      expect(answers.map(({ status }) => status).sort()).toEqual([200, 401])
      expect((await test.auditEvents()).filter(({ type }) => type === "reset-user-password")).toHaveLength(1)
      expect((await test.call("GET", "/v1/projects", { token: session.token })).status).toBe(401)
      expect((await tryLogin(test, login)).status).toBe(401)
      expect((await tryLogin(test, { ...login, password: "a brand new password" })).status).toBe(200)
      const late = await asAdmin("POST", "/password-reset", {})
      test.clock.advance(86_400_000)
      expect((await reset(late.body.token)).status).toBe(401)
      const stored = await test.storage.database.reader.selectFrom("password_reset").selectAll().execute()
      expect(JSON.stringify(stored)).not.toContain(late.body.token)
    })

    it("an administrator unlocks who is locked out", async () => {
      const { test, login, asAdmin } = await aScene()
      for (let n = 0; n < 10; n += 1) await tryLogin(test, { ...login, password: "wrong" })
      expect((await tryLogin(test, login)).status).toBe(401)
      expect((await asAdmin("POST", "/unlock", {})).status).toBe(200)
      expect((await tryLogin(test, login)).status).toBe(200)
    })

    it("an account that another organization trusts too is not taken over by the administrator of one", async () => {
      const { instance, test, login, asAdmin, colleague } = await aScene()
      const elsewhere = await anotherOrganization(test, colleague.id)
      expect((await asAdmin("POST", "/password-reset", {})).status).toBe(403)
      const { loginToken, token } = await logIn(instance, login)
      expect((await asAdmin("DELETE", "")).status).toBe(200)
      expect((await test.call("GET", "/v1/projects", { token })).status).toBe(401)
      const body = { organizationId: elsewhere }
      const chosen = await test.ok("POST", "/v3/auth/select-organization", { token: loginToken, body })
      expect((await test.call("GET", "/v1/projects", { token: chosen.token })).status).toBe(200)
      const stranger = await test.call("GET", `/coffer/v1/users/${userIdOf((await logIn(instance)).token)}`, {
        token: chosen.token,
      })
      expect(stranger.status).toBe(404)
    })
  })
}
