import { describeDatabase } from "@coffer/testkit"
import { afterEach, expect, it } from "vitest"
import { aPerson } from "../../../testing/a-person.ts"
import { aColleague, anotherOrganization } from "../../../testing/people.ts"
import { callbackPath, clientSecret, cookieOf, SignOnBench, settingsPath, siteUrl } from "./sign-on-bench.ts"

type Make = (config?: Parameters<typeof SignOnBench.on>[1]) => Promise<SignOnBench>

const benches: SignOnBench[] = []
afterEach(async () => {
  for (const bench of benches.splice(0)) await bench.provider.stop()
})

/** Single sign-on with a real OpenID provider process, on either database. */
export function describeOidcSignOn(kind: "sqlite" | "postgres"): void {
  describeDatabase(kind, "single sign-on", (open) => {
    const make: Make = async (config = {}) => {
      const bench = await SignOnBench.on(await open(), config)
      benches.push(bench)
      return bench
    }
    describeSettings(make)
    describeTrials(make)
    describeAdmission(make)
    describeAddresses(make)
    describeFlow(make)
    describeProvider(make)
  })
}

function describeSettings(make: Make): void {
  it("are set by administrators, and the client secret is sealed and never shown", async () => {
    const bench = await make()
    const oidc = await bench.set({ allowedEmailDomains: ["ACME.test"] })
    expect(oidc).toMatchObject({
      issuer: bench.provider.issuer,
      allowedEmailDomains: ["acme.test"],
      defaultRole: null,
      isActive: true,
      redirectUrl: `${siteUrl}/api${callbackPath}`,
    })
    const shown = await bench.call("GET", settingsPath)
    expect(shown.text).not.toContain(clientSecret)
    const { test } = bench.instance
    const rows = await test.storage.database.reader.selectFrom("oidc_sign_on").selectAll().execute()
    expect(Buffer.from(rows[0]?.client_secret_sealed ?? []).toString("latin1")).not.toContain(clientSecret)
    expect(JSON.stringify(await test.auditEvents())).not.toContain(clientSecret)
    const { token } = await aPerson(bench.instance, { email: "member@acme.test" })
    expect((await bench.call("GET", settingsPath, undefined, token)).status).toBe(403)
    expect((await bench.call("DELETE", settingsPath, undefined, token)).status).toBe(403)
    expect((await bench.call("DELETE", settingsPath)).status).toBe(200)
    expect((await bench.call("GET", settingsPath)).status).toBe(404)
  })

  it("a secret that was given for one provider is not kept for another", async () => {
    const bench = await make()
    await bench.set()
    const body = { issuer: bench.provider.issuer, clientId: "coffer" }
    expect((await bench.call("POST", settingsPath, body)).status).toBe(200)
    const elsewhere = { ...body, issuer: "https://evil.test" }
    expect((await bench.call("POST", settingsPath, elsewhere)).status).toBe(400)
    const open = { ...body, defaultRole: "member" }
    expect((await bench.call("POST", settingsPath, open)).status).toBe(422)
  })
}

function describeTrials(make: Make): void {
  const tryIt = (bench: SignOnBench, token?: string) => bench.call("POST", `${settingsPath}/test`, {}, token)

  it("settings that are right are told from a wrong secret, a wrong client and a wrong issuer", async () => {
    const bench = await make()
    expect((await tryIt(bench)).status).toBe(404)
    await bench.set()
    const { status, body } = await tryIt(bench)
    expect({ status, body }).toEqual({ status: 200, body: { test: { isUsable: true, problem: null } } })
    expect(await bench.instance.test.lastEvent()).toMatchObject({ type: "test-oidc-sign-on" })
    const wrong = { isUsable: false, problem: expect.stringContaining("refuses the client") }
    await bench.set({ clientSecret: "not the secret" })
    expect((await tryIt(bench)).body.test).toEqual(wrong)
    await bench.set({ clientId: "somebody-else" })
    expect((await tryIt(bench)).body.test).toEqual(wrong)
    await bench.set({ issuer: `${bench.provider.issuer}/elsewhere` })
    expect((await tryIt(bench)).body.test.problem).toContain("no OpenID configuration")
    await bench.set()
    await bench.provider.stop()
    expect((await tryIt(bench)).body.test).toEqual({
      isUsable: false,
      problem: expect.stringContaining("ECONNREFUSED"),
    })
    const { token } = await aPerson(bench.instance, { email: "member@acme.test" })
    expect((await tryIt(bench, token)).status).toBe(403)
  })

  it("an address that is not public is named as the problem, and not asked", async () => {
    const bench = await make({ allowInternalConnections: false })
    await bench.set()
    expect((await tryIt(bench)).body.test.problem).toContain("must be reached by https")
    await bench.set({ issuer: "https://127.0.0.1:1" })
    expect((await tryIt(bench)).body.test.problem).toContain("COFFER_ALLOW_INTERNAL_CONNECTIONS")
  })
}

function describeAdmission(make: Make): void {
  it("a member logs in, and the session is one of the organization", async () => {
    const bench = await make()
    await bench.set()
    const page = await bench.logIn("root")
    expect(page.status, page.html).toBe(200)
    expect(page.headers["content-type"]).toBe("text/html; charset=utf-8")
    expect(page.html).toContain("root@acme.test is logged in")
    const { test, orgId } = bench.instance
    expect(await test.lastEvent()).toMatchObject({
      type: "user-login",
      orgId,
      actor: { type: "user", name: "root@acme.test", authMethod: "oidc" },
    })
    const token = await bench.tokenOf(page)
    expect((await bench.call("GET", "/v1/projects", undefined, token)).status).toBe(200)
    const { sessions } = (await bench.call("GET", "/coffer/v1/me/sessions", undefined, token)).body
    expect(sessions).toMatchObject([{ authMethod: "oidc", isCurrent: true }])
  })

  it("nobody comes in uninvited unless a role for them is set", async () => {
    const bench = await make()
    await bench.set({ allowedEmailDomains: ["acme.test"] })
    const refused = await bench.logIn("ann")
    expect(refused).toMatchObject({ status: 401, html: expect.stringContaining("ask an administrator") })
    expect(cookieOf(refused, "jid")).toBeUndefined()
    const users = () => bench.call("GET", "/coffer/v1/users?email=ann")
    expect((await users()).body.totalCount).toBe(0)
    await bench.set({ allowedEmailDomains: ["acme.test"], defaultRole: "no-access" })
    expect((await bench.logIn("ann")).status).toBe(200)
    expect((await users()).body.users).toMatchObject([
      { email: "ann@acme.test", role: "no-access", hasPassword: false, firstName: "Ann", lastName: "A." },
    ])
  })

  it("an invitation is used up by the login, with what it gives", async () => {
    const bench = await make()
    await bench.set()
    const { project } = (await bench.call("POST", "/v1/projects", { projectName: "P" })).body
    const projects = [{ projectId: project.id, role: "viewer" }]
    const invitation = { email: "ann@acme.test", role: "no-access", projects }
    const sent = (await bench.call("POST", "/coffer/v1/invitations", invitation)).body
    const token = await bench.tokenOf(await bench.logIn("ann"))
    const read = `/v4/secrets?projectId=${project.id}&environment=prod`
    expect((await bench.call("GET", read, undefined, token)).status).toBe(200)
    const accept = { token: sent.token, password: "another password" }
    expect((await bench.call("POST", "/coffer/v1/invitations/accept", accept)).status).not.toBe(200)
  })

  it("who is known by its subject stays the same person when its address changes", async () => {
    const bench = await make()
    await bench.set({ allowedEmailDomains: ["acme.test"], defaultRole: "member" })
    await bench.logIn("ann")
    const { database } = bench.instance.test.storage
    await database.write(({ db }) =>
      db
        .updateTable("user_account")
        .set({ email: "ann.b@acme.test" })
        .where("email", "=", "ann@acme.test")
        .execute(),
    )
    expect((await bench.logIn("ann")).html).toContain("ann.b@acme.test is logged in")
  })

  it("who was deactivated, or belongs to another organization too, is not let in", async () => {
    const bench = await make()
    await bench.set()
    const ann = await aColleague(bench.instance, { email: "ann@acme.test" })
    expect((await bench.logIn("ann")).status).toBe(200)
    await bench.call("PATCH", `/coffer/v1/users/${ann.id}`, { isActive: false })
    expect(await bench.logIn("ann")).toMatchObject({
      status: 401,
      html: expect.stringContaining("not active"),
    })
    await bench.call("PATCH", `/coffer/v1/users/${ann.id}`, { isActive: true })
    await anotherOrganization(bench.instance.test, ann.id)
    const refused = await bench.logIn("ann")
    expect(refused).toMatchObject({ status: 401, html: expect.stringContaining("another organization") })
  })

  it("an account that a provider speaks for joins no other organization", async () => {
    const bench = await make()
    await bench.set()
    const ann = await aColleague(bench.instance, { email: "ann@acme.test", password: "a password of ann" })
    expect((await bench.logIn("ann")).status).toBe(200)
    const { test } = bench.instance
    const other = await anotherOrganization(test, ann.id)
    await test.storage.database.write(async ({ db }) => {
      await db
        .deleteFrom("organization_membership")
        .where("org_id", "=", bench.instance.orgId)
        .where("actor_id", "=", ann.id)
        .execute()
      await db.updateTable("oidc_link").set({ org_id: other }).execute()
    })
    const sent = (await bench.call("POST", "/coffer/v1/invitations", { email: "ann@acme.test" })).body
    const body = { token: sent.token, password: "a password of ann" }
    const accepted = await test.call("POST", "/coffer/v1/invitations/accept", { body })
    expect(accepted).toMatchObject({
      status: 403,
      body: { message: expect.stringContaining("single sign-on") },
    })
  })
}

function describeAddresses(make: Make): void {
  it.for([
    { person: "unverified", says: "has not verified your e-mail address" },
    { person: "texty", says: "has not verified your e-mail address" },
    { person: "nameless", says: "did not name your e-mail address" },
    { person: "foreign", says: "may not log in here" },
  ])("$person is linked to no account", async ({ person, says }) => {
    const bench = await make()
    await bench.set({ allowedEmailDomains: ["acme.test"], defaultRole: "member" })
    const page = await bench.logIn(person)
    expect(page).toMatchObject({ status: 401, html: expect.stringContaining(says) })
    expect(cookieOf(page, "jid")).toBeUndefined()
    const { test } = bench.instance
    expect(await test.lastEvent()).toMatchObject({ type: "user-login-failed", actor: { type: "unknown" } })
    const links = await test.storage.database.reader.selectFrom("oidc_link").selectAll().execute()
    expect(links).toEqual([])
  })
}

function describeFlow(make: Make): void {
  it("CVE-2026-33757: a login that was begun elsewhere opens no session, here or there", async () => {
    const bench = await make()
    await bench.set()
    const attacker = await bench.begin()
    const victims = await bench.callback(attacker, "root")
    const own = await bench.begin()
    for (const cookie of ["", own.cookie, "coffer_oidc=made-up"]) {
      const page = await bench.open(victims, cookie)
      expect(page).toMatchObject({ status: 401, html: expect.stringContaining("not begun in this browser") })
      expect(cookieOf(page, "jid")).toBeUndefined()
    }
    const { database } = bench.instance.test.storage
    expect(await database.reader.selectFrom("user_session").selectAll().execute()).toEqual([])
  })

  it("CVE-2026-33758: what a callback says is never shown", async () => {
    const bench = await make()
    await bench.set()
    const script = "<script>alert('XSS-3758')</script>"
    const { cookie, url } = await bench.begin()
    const state = new URL(url).searchParams.get("state") ?? ""
    const hostile = { error: script, error_description: script, error_uri: "javascript:alert('XSS-3758')" }
    for (const query of [
      { ...hostile, state: script },
      { ...hostile, state },
    ]) {
      const page = await bench.open(`${callbackPath}?${new URLSearchParams(query)}`, cookie)
      expect(page.status).toBe(401)
      expect(page.html).not.toContain("XSS-3758")
      expect(page.html).not.toContain("<script")
      expect(page.headers["content-security-policy"]).toContain("default-src 'none'")
    }
    expect(JSON.stringify(await bench.instance.test.auditEvents())).not.toContain("XSS-3758")
  })

  it("an address that is markup is shown as text", async () => {
    const bench = await make()
    await bench.set({ allowedEmailDomains: ["acme.test"], defaultRole: "member" })
    await bench.logIn("ann")
    const { database } = bench.instance.test.storage
    await database.write(({ db }) =>
      db
        .updateTable("user_account")
        .set({ email: "<b>&\"'@x" })
        .where("email", "=", "ann@acme.test")
        .execute(),
    )
    const page = await bench.logIn("ann")
    expect(page.html).toContain("&#60;b&#62;&#38;&#34;&#39;@x is logged in")
  })

  it("a callback works once, and only for ten minutes", async () => {
    const bench = await make()
    await bench.set()
    const begun = await bench.begin()
    const callback = await bench.callback(begun, "root")
    expect((await bench.open(callback, begun.cookie)).status).toBe(200)
    expect((await bench.open(callback, begun.cookie)).status).toBe(401)
    const late = await bench.begin()
    const lateCallback = await bench.callback(late, "root")
    bench.instance.test.clock.advance(10 * 60_000)
    expect((await bench.open(lateCallback, late.cookie)).status).toBe(401)
  })

  it("state, nonce and verifier are other ones each time, and the cookie shows none of them", async () => {
    const bench = await make()
    await bench.set()
    const [one, other] = [await bench.begin(), await bench.begin()]
    for (const name of ["state", "nonce", "code_challenge"]) {
      const [left, right] = [one, other].map(({ url }) => new URL(url).searchParams.get(name) ?? "")
      expect(left).toMatch(/^[\w-]{43}$/)
      expect(left).not.toBe(right)
      expect(one.cookie).not.toContain(left)
    }
    expect(new URL(one.url).searchParams.get("code_challenge_method")).toBe("S256")
    const page = await bench.open(`/coffer/v1/sso/oidc/${bench.slug}/login`)
    expect(String(page.headers["set-cookie"])).toMatch(/HttpOnly/)
    expect(String(page.headers["set-cookie"])).toMatch(/SameSite=Lax/)
  })

  it("a code of another login is refused", async () => {
    const bench = await make()
    await bench.set()
    const [mine, theirs] = [await bench.begin(), await bench.begin()]
    const callback = await bench.callback(theirs, "root")
    const code = new URLSearchParams(callback.split("?")[1]).get("code") ?? ""
    const state = new URL(mine.url).searchParams.get("state") ?? ""
    const iss = bench.provider.issuer
    const page = await bench.open(`${callbackPath}?${new URLSearchParams({ code, state, iss })}`, mine.cookie)
    expect(page).toMatchObject({ status: 401, html: expect.stringContaining("could not be accepted") })
  })
}

function describeProvider(make: Make): void {
  it("an organization without a provider looks like one that does not exist", async () => {
    const bench = await make()
    const oidc = await bench.set({ isActive: false })
    const slug = /oidc\/([^/]+)\/login$/.exec(oidc.loginUrl)?.[1]
    const answers = [
      await bench.open(`/coffer/v1/sso/oidc/${slug}/login`),
      await bench.open("/coffer/v1/sso/oidc/nobody/login"),
    ]
    expect(answers.map(({ status }) => status)).toEqual([404, 404])
    expect(answers[0]?.html).toBe(answers[1]?.html)
    const forPrograms = await bench.call("GET", "/coffer/v1/sso/oidc/nobody/login")
    expect(forPrograms).toMatchObject({ status: 404, body: { error: "NotFound", statusCode: 404 } })
  })

  it("a provider that was switched off meanwhile lets nobody in", async () => {
    const bench = await make()
    await bench.set()
    const begun = await bench.begin()
    const callback = await bench.callback(begun, "root")
    await bench.set({ isActive: false })
    expect((await bench.open(callback, begun.cookie)).status).toBe(401)
  })

  it("a provider at an address that is not public is not asked unless that is allowed", async () => {
    const bench = await make({ allowInternalConnections: false })
    await bench.set()
    const page = await bench.open(`/coffer/v1/sso/oidc/${bench.slug}/login`)
    expect(page).toMatchObject({ status: 401, html: expect.stringContaining("cannot be used now") })
    for (const issuer of ["https://127.0.0.1:1", "https://169.254.169.254", "https://[::1]:1"]) {
      await bench.set({ issuer })
      expect((await bench.open(`/coffer/v1/sso/oidc/${bench.slug}/login`)).status).toBe(401)
    }
  })

  it("a provider that is away, or does not know the secret, is a clear refusal", async () => {
    const bench = await make()
    await bench.set({ clientSecret: "not the secret" })
    const page = await bench.logIn("root")
    expect(page).toMatchObject({ status: 401, html: expect.stringContaining("could not be accepted") })
    expect(JSON.stringify(bench.instance.test.storage.log.entries)).not.toContain("not the secret")
    await bench.provider.stop()
    bench.instance.test.clock.advance(11 * 60_000)
    expect((await bench.open(`/coffer/v1/sso/oidc/${bench.slug}/login`)).status).toBe(401)
  })
}
