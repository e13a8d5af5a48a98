import { hash } from "node:crypto"
import { describeDatabase } from "@coffer/testkit"
import { expect, it } from "vitest"
import { Authenticator } from "./authenticator.ts"
import { aColleague, anotherOrganization, claimsOf, logIn } from "./people.ts"
import { type Answer, adminPassword, anInstance, type Instance, type TestApp } from "./test-app.ts"

const siteUrl = "https://secrets.acme.test"
const auth = "/coffer/v1/auth/passkey"
const me = "/coffer/v1/me/passkeys"

/** A command before its login: what it sends with the browser, and what it keeps. */
function aCommand(name: string) {
  const verifier = hash("sha256", `verifier of ${name}`, "base64url")
  const state = hash("sha256", `state of ${name}`, "base64url")
  return { verifier, order: { port: "49152", state, challenge: hash("sha256", verifier, "hex") } }
}

type Command = ReturnType<typeof aCommand>

/** What the command begins with, for the page. */
async function ticketOf(test: TestApp, token: string, password = adminPassword): Promise<string> {
  return (await test.ok("POST", `${me}/options`, { token, body: { password } })).challengeToken
}

/** Adds a passkey as command and page do together. */
async function add(
  test: TestApp,
  of: { readonly token: string; readonly device: Authenticator; readonly password?: string },
) {
  const ticket = await ticketOf(test, of.token, of.password)
  const { options } = await test.ok("POST", `${auth}/add-options`, { body: { ticket } })
  const body = { name: "Laptop", challengeToken: ticket, response: of.device.create(options) }
  return { ticket, body, answer: await test.call("POST", me, { token: of.token, body }) }
}

type Mischief = Parameters<Authenticator["get"]>[1]

/** What the page of a login sends. */
async function answerOf(test: TestApp, of: { device: Authenticator; command: Command; mischief?: Mischief }) {
  const { options, challengeToken } = await test.ok("POST", `${auth}/options`)
  const response = of.device.get(options, of.mischief)
  return { challengeToken, response, command: of.command.order }
}

function linkOf(answer: Answer): URL {
  return new URL(answer.body.commandUrl)
}

function exchange(test: TestApp, code: string, verifier: string): Promise<Answer> {
  const headers = { "user-agent": "cli" }
  return test.call("POST", `${auth}/command-token`, { body: { code, verifier }, headers })
}

async function countSessions({ storage }: TestApp): Promise<number> {
  return (await storage.database.reader.selectFrom("user_session").selectAll().execute()).length
}

/** Passkeys of people at a terminal, by the pages of the server, on either database. */
export function describePasskeyCommands(kind: "sqlite" | "postgres"): void {
  describeDatabase(kind, "passkeys for commands", (open) => {
    const aScene = async () => {
      const instance = await anInstance(await open(), { siteUrl })
      const { test } = instance
      const { token } = await logIn(instance)
      const device = new Authenticator(siteUrl)
      const added = await add(test, { token, device })
      const command = aCommand("mine")
      const codeOf = async (of: Command = command) => {
        const body = await answerOf(test, { device, command: of })
        const answer = await test.call("POST", `${auth}/command-code`, { body })
        expect(answer.status, answer.text).toBe(200)
        return linkOf(answer).searchParams.get("code") ?? ""
      }
      return { instance, test, token, device, added, command, codeOf }
    }
    describeLogins(aScene)
    describeThefts(aScene)
    describeAdditions(aScene)
    describePages(async (config) => await anInstance(await open(), config))
  })
}

type Scene = {
  readonly instance: Instance
  readonly test: TestApp
  readonly token: string
  readonly device: Authenticator
  readonly added: Awaited<ReturnType<typeof add>>
  readonly command: Command
  readonly codeOf: (of?: Command) => Promise<string>
}
type Make = () => Promise<Scene>

function describeLogins(aScene: Make): void {
  it("a passkey gives a code, and the command exchanges it for a session of its own", async () => {
    const { instance, test, device, command } = await aScene()
    const before = await countSessions(test)
    const body = await answerOf(test, { device, command })
    const given = await test.call("POST", `${auth}/command-code`, { body })
    expect(given).toMatchObject({ status: 200, body: { email: "root@acme.test" } })
    expect(given.headers["set-cookie"]).toBeUndefined()
    const link = linkOf(given)
    expect(link.origin + link.pathname).toBe("http://127.0.0.1:49152/")
    expect(link.searchParams.get("state")).toBe(command.order.state)
    expect(await test.lastEvent()).toMatchObject({
      type: "create-login-code",
      actor: { authMethod: "passkey" },
    })
    expect(await countSessions(test)).toBe(before)
    const answer = await exchange(test, link.searchParams.get("code") ?? "", command.verifier)
    expect(answer.status, answer.text).toBe(200)
    expect(await test.lastEvent()).toMatchObject({
      type: "user-login",
      actor: { type: "user", name: "root@acme.test", authMethod: "passkey" },
      metadata: { secondFactor: "passkey" },
      source: { userAgentType: "cli" },
    })
    const { accessToken: token } = answer.body
    const wanted = { organizationId: instance.orgId, userAgent: "cli" }
    const chosen = await test.ok("POST", "/v3/auth/select-organization", { token, body: wanted })
    expect(chosen.isMfaEnabled).toBe(false)
    expect((await test.call("GET", "/v1/projects", { token: chosen.token })).status).toBe(200)
    const { exp, iat } = claimsOf(chosen.token) as { exp: number; iat: number }
    expect(exp - iat).toBeGreaterThan(24 * 3_600)
  })

  it("an answer of the device gives one code, and one that does not fit gives none", async () => {
    const { test, device, command } = await aScene()
    const body = await answerOf(test, { device, command })
    expect((await test.call("POST", `${auth}/command-code`, { body })).status).toBe(200)
    expect((await test.call("POST", `${auth}/command-code`, { body })).status).toBe(403)
    expect((await test.call("POST", `${auth}/login`, { body })).status).toBe(403)
    for (const mischief of [{ origin: "https://evil.example" }, { isUserVerified: false }]) {
      const wrong = await answerOf(test, { device, command, mischief })
      expect((await test.call("POST", `${auth}/command-code`, { body: wrong })).status).toBe(403)
      expect(await test.lastEvent()).toMatchObject({ type: "user-login-failed" })
    }
    const stranger = await answerOf(test, { device: new Authenticator(siteUrl), command })
    expect((await test.call("POST", `${auth}/command-code`, { body: stranger })).status).toBe(403)
  })

  const meanwhile: Readonly<Record<string, (scene: Scene, id: string) => Promise<unknown>>> = {
    "the person was deactivated": ({ instance, test }, id) =>
      test.ok("PATCH", `/coffer/v1/users/${id}`, { token: instance.adminToken, body: { isActive: false } }),
    "the passkey was taken away": ({ instance, test }, id) =>
      test.ok("DELETE", `/coffer/v1/users/${id}/second-factors`, { token: instance.adminToken }),
  }
  it.for(Object.keys(meanwhile))("the exchange judges again: %s meanwhile", async (what) => {
    const scene = await aScene()
    const { instance, test, command } = scene
    const { id, email, password } = await aColleague(instance)
    const { token } = await logIn(instance, { email, password })
    const device = new Authenticator(siteUrl)
    await add(test, { token, device, password })
    const body = await answerOf(test, { device, command })
    const code = linkOf(await test.call("POST", `${auth}/command-code`, { body })).searchParams.get("code")
    const before = await countSessions(test)
    await meanwhile[what]?.(scene, id)
    expect((await exchange(test, code ?? "", command.verifier)).status).toBe(401)
    expect(await test.lastEvent()).toMatchObject({ metadata: { reasonCode: "passkey-not-active" } })
    expect(await countSessions(test)).toBe(before)
  })

  it("somebody of two organizations gets a session that names neither yet", async () => {
    const { instance, test, command, codeOf } = await aScene()
    const users = await test.ok("GET", "/coffer/v1/users", { token: instance.adminToken })
    await anotherOrganization(test, users.users[0].id)
    const { accessToken: token } = (await exchange(test, await codeOf(), command.verifier)).body
    const { organizations } = await test.ok("GET", "/v1/organization", { token })
    expect(organizations).toHaveLength(2)
    expect((await test.call("GET", "/v1/projects", { token })).status).not.toBe(200)
  })
}

function describeThefts(aScene: Make): void {
  it("a stolen code opens nothing without the verifier, works for two minutes, once, and of many at once one", async () => {
    const { test, command, codeOf } = await aScene()
    const thief = aCommand("thief")
    const [code, late] = [await codeOf(), await codeOf()]
    const before = await countSessions(test)
    for (const verifier of [thief.verifier, command.order.challenge.slice(0, 43), command.order.state]) {
      expect((await exchange(test, code, verifier)).status).toBe(401)
    }
    expect(await test.lastEvent()).toMatchObject({ metadata: { reasonCode: "passkey-wrong-verifier" } })
    test.clock.advance(119_000)
    const answers = await Promise.all([1, 2, 3].map(() => exchange(test, code, command.verifier)))
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 401, 401])
    expect((await exchange(test, code, command.verifier)).status).toBe(401)
    expect(await test.lastEvent()).toMatchObject({ metadata: { reasonCode: "passkey-code-used" } })
    test.clock.advance(1_000)
    expect((await exchange(test, late, command.verifier)).status).toBe(401)
    expect(await test.lastEvent()).toMatchObject({ metadata: { reasonCode: "passkey-code-late" } })
    expect(await countSessions(test)).toBe(before + 1)
  })

  it("a code of a passkey is none of single sign-on, no token, and a made-up one is none", async () => {
    const { test, command, codeOf } = await aScene()
    const code = await codeOf()
    const body = { code, verifier: command.verifier }
    expect((await test.call("POST", "/coffer/v1/sso/oidc/command-token", { body })).status).toBe(401)
    expect((await test.call("GET", "/v1/projects", { token: code })).status).toBe(403)
    for (const other of ["made-up", `${code.slice(0, -6)}AAAAAA`]) {
      expect((await exchange(test, other, command.verifier)).status).toBe(401)
    }
    expect((await exchange(test, code, command.verifier)).status).toBe(200)
  })

  it.for([
    { what: "another host", change: { port: "80@evil.test" } },
    { what: "a privileged port", change: { port: "443" } },
    { what: "a state that is markup", change: { state: '"><script>alert(1)</script>'.padEnd(43, "x") } },
    { what: "a challenge that is a verifier", change: { challenge: "A".repeat(43) } },
  ])("a code is led to 127.0.0.1 only: $what is refused by the page and by its call", async ({ change }) => {
    const { test, device, command } = await aScene()
    const order = { ...command.order, ...change }
    const page = await test.call("GET", `${auth}/command-login?${new URLSearchParams(order)}`)
    expect(page.status).toBe(422)
    expect(page.text).not.toMatch(/evil|<script/)
    const body = { ...(await answerOf(test, { device, command })), command: order }
    expect((await test.call("POST", `${auth}/command-code`, { body })).status).toBe(422)
  })

  it("a form of another page cannot send an answer: only JSON is read", async () => {
    const { test, device, command } = await aScene()
    const body = await answerOf(test, { device, command })
    for (const type of ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data"]) {
      const headers = { "content-type": type, origin: "https://evil.example" }
      const answer = await test.call("POST", `${auth}/command-code`, { body, headers })
      expect(answer.status, type).toBeGreaterThanOrEqual(400)
      expect(answer.text).not.toContain("127.0.0.1")
    }
    expect((await test.call("POST", `${auth}/command-code`, { body })).status).toBe(200)
  })
}

function describeAdditions(aScene: Make): void {
  it("the page is told for whom a passkey is added; it is added by the command, once", async () => {
    const { test, token, device, added } = await aScene()
    expect(added.answer).toMatchObject({ status: 200, body: { passkey: { id: device.id, name: "Laptop" } } })
    const ticket = await ticketOf(test, token)
    const told = await test.call("POST", `${auth}/add-options`, { body: { ticket } })
    expect(told.body.email).toBe("root@acme.test")
    expect(told.body.options.excludeCredentials).toMatchObject([{ id: device.id }])
    const body = { name: "Again", challengeToken: added.ticket, response: added.body.response }
    expect((await test.call("POST", me, { token, body })).status).toBe(403)
    const used = await test.call("POST", `${auth}/add-options`, { body: { ticket: added.ticket } })
    expect(used).toMatchObject({
      status: 403,
      body: { message: expect.stringContaining("passkeys add' again") },
    })
  })

  it("a ticket gives nobody a right: without the person's token nothing is added, and with another's neither", async () => {
    const { instance, test, token } = await aScene()
    const { email, password } = await aColleague(instance)
    const other = await logIn(instance, { email, password })
    const ticket = await ticketOf(test, token)
    const thief = new Authenticator(siteUrl)
    const { options } = await test.ok("POST", `${auth}/add-options`, { body: { ticket } })
    const body = { name: "Evil", challengeToken: ticket, response: thief.create(options) }
    expect((await test.call("POST", me, { body })).status).toBe(401)
    expect((await test.call("POST", me, { token: other.token, body })).status).toBe(403)
    expect((await test.call("POST", me, { token: ticket, body })).status).toBe(403)
    const mine = await test.ok("GET", me, { token })
    expect(mine.passkeys).toHaveLength(1)
    expect((await test.ok("GET", me, { token: other.token })).passkeys).toEqual([])
  })

  it("a ticket ends after five minutes; one that was made up, of a login, or a token, is none", async () => {
    const { test, token } = await aScene()
    const ticket = await ticketOf(test, token)
    const login = await test.ok("POST", `${auth}/options`)
    const second = await test.ok("POST", `${auth}/second-factor/options`, { token })
    const tried = async (what: string) =>
      (await test.call("POST", `${auth}/add-options`, { body: { ticket: what } })).status
    for (const other of ["a.b.c", login.challengeToken, second.challengeToken, token]) {
      expect(await tried(other)).toBe(403)
    }
    test.clock.advance(5 * 60_000 - 2_000)
    expect(await tried(ticket)).toBe(200)
    test.clock.advance(2_000)
    expect(await tried(ticket)).toBe(403)
  })
}

function describePages(make: (config?: { siteUrl?: string }) => Promise<Instance>): void {
  const { order } = aCommand("mine")
  const ticket = "header.claims.signature"
  const paths = [
    `${auth}/command-login?${new URLSearchParams(order)}`,
    `${auth}/add?${new URLSearchParams({ port: order.port, state: order.state, ticket })}`,
  ]

  it("the pages run a script of this server only, in no frame, and hold nothing that a reader of addresses lacks", async () => {
    const { test } = await make({ siteUrl })
    for (const path of paths) {
      const page = await test.call("GET", path)
      expect(page.status).toBe(200)
      expect(page.headers).toMatchObject({
        "content-type": "text/html; charset=utf-8",
        "x-frame-options": "DENY",
        "referrer-policy": "no-referrer",
        "cache-control": "no-store",
      })
      const policy = String(page.headers["content-security-policy"])
      for (const rule of [
        "default-src 'none'",
        "script-src 'self'",
        "frame-ancestors 'none'",
        "form-action 'none'",
      ])
        expect(policy).toContain(rule)
      expect(policy).not.toMatch(/unsafe|https?:|\*/)
      expect(page.text).not.toMatch(
        /<script(?![^>]* src="files\/page\.js"><\/script>)|<style| style=| on\w+=/,
      )
      expect(page.text).not.toContain(ticket)
      expect(page.headers["set-cookie"]).toBeUndefined()
    }
    const { challenge } = order
    const login = await test.call("GET", paths[0] ?? "")
    expect(login.text).toContain(`${challenge.slice(0, 4)}-${challenge.slice(4, 8)}`)
    expect((await test.call("GET", `${auth}/files/page.js`)).headers["content-type"]).toContain("javascript")
    expect((await test.call("GET", `${auth}/files/constructor`)).status).toBe(404)
  })

  it("the command is led to the address that passkeys are bound to, whatever it calls the server", async () => {
    const known = await make({ siteUrl })
    const headers = { host: "127.0.0.1:8080" }
    expect(await known.test.ok("GET", auth, { headers })).toEqual({
      commandLoginUrl: `${siteUrl}/api/coffer/v1/auth/passkey/command-login`,
      addPasskeyUrl: `${siteUrl}/api/coffer/v1/auth/passkey/add`,
    })
    const unknown = await make()
    const pages = await unknown.test.ok("GET", auth, { headers })
    expect(pages.addPasskeyUrl).toBe("http://localhost:8080/api/coffer/v1/auth/passkey/add")
    for (const host of ["evil.example", "127.0.0.1.evil.example", "127.0.0.2:8080"]) {
      const refused = await unknown.test.call("GET", auth, { headers: { host } })
      expect(refused).toMatchObject({
        status: 400,
        body: { message: expect.stringContaining("COFFER_SITE_URL") },
      })
      const page = await unknown.test.call("GET", paths[0] ?? "", { headers: { host } })
      expect(page).toMatchObject({ status: 400, text: expect.stringContaining("COFFER_SITE_URL") })
      expect(page.text).not.toContain("evil")
    }
  })
}
