import { hash } from "node:crypto"
import { describeDatabase } from "@coffer/testkit"
import { afterEach, expect, it } from "vitest"
import { aColleague, anotherOrganization, claimsOf } from "../../../testing/people.ts"
import type { Answer } from "../../../testing/test-app.ts"
import { cookieOf, type Page, SignOnBench } from "./sign-on-bench.ts"

const tokenPath = "/coffer/v1/sso/oidc/command-token"

const benches: SignOnBench[] = []
afterEach(async () => {
  for (const bench of benches.splice(0)) await bench.provider.stop()
})

/** A command before its login: what it sends with the browser, and what it keeps. */
function aCommand(name: string) {
  const verifier = hash("sha256", `verifier of ${name}`, "base64url")
  const state = hash("sha256", `state of ${name}`, "base64url")
  return { verifier, order: { port: "49152", state, challenge: hash("sha256", verifier, "hex") } }
}

/** Where the page of the server leads. */
function linkOf(page: Page): URL {
  const href = /<a href="([^"]+)">/.exec(page.html)?.[1] ?? ""
  return new URL(href.replaceAll("&#38;", "&"))
}

/** How a command gets a session by the login of a browser, on either database. */
export function describeCommandLogin(kind: "sqlite" | "postgres"): void {
  describeDatabase(kind, "a command logs in with single sign-on", (open) => {
    const make = async () => {
      const bench = await SignOnBench.on(await open())
      benches.push(bench)
      await bench.set()
      return bench
    }
    describeExchange(make)
    describeRefusals(make)
    describeThefts(make)
    describeChanges(make)
  })
}

type Make = () => Promise<SignOnBench>
type Command = ReturnType<typeof aCommand>

async function confirmPage(bench: SignOnBench, command: Command, person = "root"): Promise<Page> {
  const begun = await bench.begin(command.order)
  return await bench.open(await bench.callback(begun, person), begun.cookie)
}

async function codeOf(bench: SignOnBench, command: Command, person = "root"): Promise<string> {
  return linkOf(await confirmPage(bench, command, person)).searchParams.get("code") ?? ""
}

function exchange(bench: SignOnBench, code: string, verifier: string): Promise<Answer> {
  return bench.instance.test.call("POST", tokenPath, {
    body: { code, verifier },
    headers: { "user-agent": "cli" },
  })
}

async function countSessions(bench: SignOnBench): Promise<number> {
  const { reader } = bench.instance.test.storage.database
  return (await reader.selectFrom("user_session").selectAll().execute()).length
}

function describeExchange(make: Make): void {
  it("the page leads to the command, which exchanges its code for a session of its own", async () => {
    const bench = await make()
    const command = aCommand("mine")
    const page = await confirmPage(bench, command)
    expect(page.status, page.html).toBe(200)
    expect(page.html).toContain("root@acme.test")
    const { challenge, state } = command.order
    expect(page.html).toContain(`${challenge.slice(0, 4)}-${challenge.slice(4, 8)}`)
    const link = linkOf(page)
    expect(link.origin).toBe("http://127.0.0.1:49152")
    expect(link.searchParams.get("state")).toBe(state)
    const answer = await exchange(bench, link.searchParams.get("code") ?? "", command.verifier)
    expect(answer).toMatchObject({
      status: 200,
      body: { isMfaEnabled: false, organizationId: bench.instance.orgId },
    })
    expect(await bench.instance.test.lastEvent()).toMatchObject({
      type: "user-login",
      actor: { type: "user", name: "root@acme.test", authMethod: "oidc" },
      source: { userAgentType: "cli" },
    })
    const { token } = answer.body
    expect((await bench.call("GET", "/v1/projects", undefined, token)).status).toBe(200)
    const { exp, iat } = claimsOf(token) as { exp: number; iat: number }
    expect(exp - iat).toBeGreaterThan(24 * 3_600)
  })

  it("nobody is logged in by the page alone: it sends the browser nowhere, and gives it no session", async () => {
    const bench = await make()
    const page = await confirmPage(bench, aCommand("mine"))
    expect(page.headers["location"]).toBeUndefined()
    expect(page.html).not.toMatch(/http-equiv|<script|<form/i)
    expect(page.headers["content-security-policy"]).toContain("frame-ancestors 'none'")
    expect(page.headers["referrer-policy"]).toBe("no-referrer")
    expect(page.headers["cache-control"]).toBe("no-store")
    expect(cookieOf(page, "jid")).toBeUndefined()
    expect(await countSessions(bench)).toBe(0)
    expect(await bench.instance.test.lastEvent()).toMatchObject({ type: "create-login-code" })
  })
}

function describeRefusals(make: Make): void {
  it("a refusal leads to the command as well, without a code, so that it need not wait", async () => {
    const bench = await make()
    const mine = aCommand("mine")
    const page = await confirmPage(bench, mine, "ann")
    expect(page).toMatchObject({ status: 401, html: expect.stringContaining("ask an administrator") })
    const link = linkOf(page)
    expect(link.origin).toBe("http://127.0.0.1:49152")
    expect(Object.fromEntries(link.searchParams)).toEqual({ error: "refused", state: mine.order.state })
    expect((await bench.logIn("ann")).html).not.toContain("<a href")
  })
}

function describeThefts(make: Make): void {
  it("a stolen code opens nothing without the verifier of its command", async () => {
    const bench = await make()
    const [mine, thief] = [aCommand("mine"), aCommand("thief")]
    const code = await codeOf(bench, mine)
    const tries = [thief.verifier, mine.order.challenge.slice(0, 43), mine.order.state]
    for (const verifier of tries) {
      const { status, body } = await exchange(bench, code, verifier)
      expect({ status, message: body.message }).toEqual({
        status: 401,
        message: expect.stringContaining("not accepted"),
      })
    }
    expect(await countSessions(bench)).toBe(0)
    expect(await bench.instance.test.lastEvent()).toMatchObject({
      type: "user-login-failed",
      metadata: { reasonCode: "oidc-wrong-verifier" },
    })
    expect((await exchange(bench, code, mine.verifier)).status).toBe(200)
  })

  it("a code works once, and of many at the same time one", async () => {
    const bench = await make()
    const mine = aCommand("mine")
    const code = await codeOf(bench, mine)
    const answers = await Promise.all([1, 2, 3, 4].map(() => exchange(bench, code, mine.verifier)))
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 401, 401, 401])
    expect((await exchange(bench, code, mine.verifier)).status).toBe(401)
    expect(await countSessions(bench)).toBe(1)
  })

  it("a code works for two minutes", async () => {
    const bench = await make()
    const mine = aCommand("mine")
    const [early, late] = [await codeOf(bench, mine), await codeOf(bench, mine)]
    bench.instance.test.clock.advance(119_000)
    expect((await exchange(bench, early, mine.verifier)).status).toBe(200)
    bench.instance.test.clock.advance(1_000)
    expect((await exchange(bench, late, mine.verifier)).status).toBe(401)
    expect(await bench.instance.test.lastEvent()).toMatchObject({
      metadata: { reasonCode: "oidc-code-late" },
    })
  })

  it("a code is no token and no cookie, and a made-up one no code", async () => {
    const bench = await make()
    const mine = aCommand("mine")
    const begun = await bench.begin(mine.order)
    const code = await codeOf(bench, mine)
    expect((await bench.call("GET", "/v1/projects", undefined, code)).status).toBe(403)
    const { test } = bench.instance
    const refresh = await test.call("POST", "/v1/auth/token", { headers: { cookie: `jid=${code}` } })
    expect(refresh.status).toBe(401)
    const flow = begun.cookie.split("=")[1] ?? ""
    for (const other of ["made-up", flow, code.slice(0, -4), `${code.slice(0, -6)}AAAAAA`]) {
      expect((await exchange(bench, other, mine.verifier)).status).toBe(401)
    }
    expect(code).not.toContain(bench.instance.orgId)
    expect(await countSessions(bench)).toBe(0)
  })

  it("a login for a command that was begun elsewhere ends in no other browser", async () => {
    const bench = await make()
    const attacker = await bench.begin(aCommand("attacker").order)
    const victims = await bench.callback(attacker, "root")
    const own = await bench.begin(aCommand("mine").order)
    for (const cookie of ["", own.cookie]) {
      const page = await bench.open(victims, cookie)
      expect(page).toMatchObject({ status: 401, html: expect.stringContaining("not begun in this browser") })
      expect(page.html).not.toContain("127.0.0.1:49152")
    }
  })

  it("a login that another command began is of no use to mine: the attacker's code does not fit its verifier", async () => {
    const bench = await make()
    await aColleague(bench.instance, { email: "ann@acme.test" })
    const mine = aCommand("mine")
    const attackers = await codeOf(bench, { ...aCommand("attacker"), verifier: "" }, "ann")
    expect((await exchange(bench, attackers, mine.verifier)).status).toBe(401)
    expect(await countSessions(bench)).toBe(0)
  })

  it.for([
    { what: "another host", change: { port: "80@evil.test" } },
    { what: "a path", change: { port: "4915/evil" } },
    { what: "a host and a port", change: { port: "evil.test:443" } },
    { what: "a privileged port", change: { port: "1023" } },
    { what: "no port", change: { port: "0" } },
    { what: "a port that is none", change: { port: "65536" } },
    { what: "a state that is markup", change: { state: '"><script>alert(1)</script>'.padEnd(43, "x") } },
    { what: "a short state", change: { state: "x" } },
    { what: "a challenge that is a verifier", change: { challenge: "A".repeat(43) } },
  ])("a code is led to 127.0.0.1 only: $what is refused", async ({ change }) => {
    const bench = await make()
    const query = new URLSearchParams({ ...aCommand("mine").order, ...change })
    const page = await bench.open(`/coffer/v1/sso/oidc/${bench.slug}/command-login?${query}`)
    expect(page.status).toBe(422)
    expect(page.headers["set-cookie"]).toBeUndefined()
    expect(page.html).not.toMatch(/evil|<script/)
  })

  it("an address to return to that a caller adds is not believed", async () => {
    const bench = await make()
    const mine = aCommand("mine")
    const more = { redirect_uri: "https://evil.test/", host: "evil.test", redirectUri: "https://evil.test" }
    const begun = await bench.begin({ ...mine.order, ...more })
    expect(begun.url).not.toContain("evil")
    const page = await bench.open(await bench.callback(begun, "root"), begun.cookie)
    expect(page.html).not.toContain("evil")
    expect(linkOf(page).origin).toBe("http://127.0.0.1:49152")
  })
}

function describeChanges(make: Make): void {
  const refused: Readonly<Record<string, (bench: SignOnBench, id: string) => Promise<unknown>>> = {
    "the person was deactivated": (bench, id) =>
      bench.call("PATCH", `/coffer/v1/users/${id}`, { isActive: false }),
    "the person was removed": (bench, id) => bench.call("DELETE", `/coffer/v1/users/${id}`),
    "the person joined another organization": (bench, id) => anotherOrganization(bench.instance.test, id),
    "the provider was switched off": (bench) => bench.set({ isActive: false }),
    "another client id was set": (bench) => bench.set({ clientId: "another" }),
  }
  it.for(Object.keys(refused))("the exchange judges again: %s meanwhile", async (what) => {
    const bench = await make()
    const ann = await aColleague(bench.instance, { email: "ann@acme.test" })
    const mine = aCommand("mine")
    const code = await codeOf(bench, mine, "ann")
    await refused[what]?.(bench, ann.id)
    expect((await exchange(bench, code, mine.verifier)).status).toBe(401)
    expect(await countSessions(bench)).toBe(0)
  })
}
