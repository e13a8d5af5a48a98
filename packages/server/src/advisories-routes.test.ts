/** What brought advisories to secret managers before, tried on every route that this one serves. */
import { describeDatabase, type OpenTestStorage } from "@coffer/testkit"
import { describe, expect, it } from "vitest"
import { plausibleRequest, type Target, targetOf, urlOf } from "./testing/hostile/request.ts"
import { aWorld, type World } from "./testing/hostile/world.ts"
import { aMachine, TestApp } from "./testing/test-app.ts"

/**
 * Routes that take something without a token: each does it for a proof in its body or its cookie, or before the first
 * run. Whoever adds one says here which proof it is.
 */
const openWrites: Readonly<Record<string, string>> = {
  "POST /api/coffer/v1/auth/passkey/add-options":
    "none: a ticket of an addition that a password began; it changes nothing",
  "POST /api/coffer/v1/auth/passkey/command-code": "an answer signed by a passkey",
  "POST /api/coffer/v1/auth/passkey/command-token":
    "a code that a passkey gave, once, and the command's own verifier",
  "POST /api/coffer/v1/auth/passkey/login": "an answer signed by a passkey",
  "POST /api/coffer/v1/auth/passkey/options": "none: it gives the question that a passkey answers",
  "POST /api/coffer/v1/auth/password-reset": "a token that an administrator made, once",
  "POST /api/coffer/v1/invitations/accept": "the token of an invitation, once",
  "POST /api/coffer/v1/invitations/look-up": "the token of an invitation",
  "POST /api/coffer/v1/sso/oidc/command-token":
    "a code that a login gave, once, and the command's own verifier",
  "POST /api/v1/admin/bootstrap": "loopback or the setup token, before the first run",
  "POST /api/v1/auth/jwt-auth/login": "a signed JWT",
  "POST /api/v1/auth/kubernetes-auth/login": "the token of a service account",
  "POST /api/v1/auth/logout": "the cookie or the token of the session that ends",
  "POST /api/v1/auth/oidc-auth/login": "a signed JWT",
  "POST /api/v1/auth/token": "the cookie of a session",
  "POST /api/v1/auth/token/renew": "the token that is renewed",
  "POST /api/v1/auth/token/revoke": "the token that is revoked",
  "POST /api/v1/auth/universal-auth/login": "a client secret",
  "POST /api/v3/auth/login": "a password",
}

async function targets(open: OpenTestStorage): Promise<readonly Target[]> {
  const { app } = new TestApp(await open())
  await app.http.ready()
  return app.catalogue.map(targetOf)
}

const nameOf = ({ route }: Target) => `${route.method} ${route.url}`

async function send(world: World, target: Target, token: string | undefined) {
  const request = plausibleRequest(target, world.names, true)
  return await world.instance.test.app.http.inject({
    method: target.route.method as "GET",
    url: urlOf(request),
    headers: {
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
      ...(request.payload === undefined ? {} : { "content-type": "application/json" }),
    },
    ...(request.payload === undefined ? {} : { payload: request.payload }),
  })
}

/** Every row of every table; the audit log tells of refusals, and failed attempts are counted: these two may grow. */
async function contentOf({ instance }: World): Promise<Readonly<Record<string, readonly string[]>>> {
  const { reader } = instance.test.storage.database
  const tables = await reader.introspection.getTables()
  const kept = tables.filter(({ name }) => !/^audit_|attempt|login_failure/.test(name))
  const content: Record<string, readonly string[]> = {}
  for (const { name } of kept) {
    const rows = await reader
      .selectFrom(name as "project")
      .selectAll()
      .execute()
    content[name] = rows.map((row) => JSON.stringify(row)).sort()
  }
  expect(Object.values(content).flat().length).toBeGreaterThan(50)
  return content
}

describeDatabase("sqlite", "advisories, on every route", (open) => {
  it("CVE-2026-5807: nobody changes anything: a route that writes asks for a token, or is on a closed list", async () => {
    const all = await targets(open)
    const writes = all.filter(({ route }) => route.method !== "GET")
    const isOpen = ({ route }: Target) => route.description?.access === "open"
    expect(writes.length).toBeGreaterThan(100)
    expect(writes.filter(isOpen).map(nameOf).sort()).toEqual(Object.keys(openWrites))
    const world = await aWorld(await open())
    const before = await contentOf(world)
    for (const target of writes) {
      const answer = await send(world, target, undefined)
      if (!isOpen(target)) expect(answer.statusCode, `${nameOf(target)}: ${answer.body}`).toBe(401)
    }
    expect(await contentOf(world)).toEqual(before)
  })

  it("CVE-2026-40264, CVE-2026-45808, GHSA-c36x-h252-g9x2, GHSA-vv66-6rp4-wr4f, GHSA-mwr2-wmgp-crj6: an id of another organization opens nothing on any route", async () => {
    const all = await targets(open)
    const world = await aWorld(await open())
    const named = all.filter(
      ({ route, params }) => params.length > 0 && route.description?.access === "token",
    )
    expect(named.length).toBeGreaterThan(80)
    const statuses = new Map<number, number>()
    for (const target of named) {
      const answer = await send(world, target, world.tokens.stranger)
      expect([400, 403, 404, 422], `${nameOf(target)}: ${answer.body}`).toContain(answer.statusCode)
      statuses.set(answer.statusCode, (statuses.get(answer.statusCode) ?? 0) + 1)
    }
    const refused = (statuses.get(403) ?? 0) + (statuses.get(404) ?? 0)
    expect(refused / named.length).toBeGreaterThan(0.8)
  })

  it("VULN-243: every route that reads or lists authorises: who has no role in the project sees nothing of it", async () => {
    const all = await targets(open)
    const world = await aWorld(await open())
    const machine = await aMachine(world.instance, {})
    const reads = all.filter(({ route }) => route.method === "GET" && route.description?.access === "token")
    expect(reads.length).toBeGreaterThan(60)
    for (const target of reads) {
      const answer = await send(world, target, machine.token)
      const name = `${nameOf(target)}: ${answer.statusCode} ${answer.body.slice(0, 300)}`
      for (const canary of [...world.canaries, ...world.hidden])
        expect(answer.body, name).not.toContain(canary)
      const isOfTheProject = /:(projectId|secretId|secretName|folderId|tagId|secretImportId)/.test(
        target.route.url,
      )
      if (isOfTheProject) expect([400, 403, 404, 422], name).toContain(answer.statusCode)
    }
  })

  it("VULN-240: a token in the query, or the path of a login there, is no proof on any route", async () => {
    const all = await targets(open)
    const world = await aWorld(await open())
    const { tokens, instance } = world
    for (const target of all.filter(({ route }) => route.description?.access === "token")) {
      const url = urlOf(plausibleRequest(target, world.names))
      const query = `access_token=${tokens.admin}&authorization=Bearer%20${tokens.admin}&path=/api/v1/auth/token/revoke`
      const answer = await instance.test.app.http.inject({
        method: target.route.method as "GET",
        url: `${url}${url.includes("?") ? "&" : "?"}${query}`,
      })
      expect(answer.statusCode, nameOf(target)).toBe(401)
    }
  })
})

describe("advisories, about the documents", () => {
  it("every advisory that docs/threat-model.md names has a test of that name where it says so", async () => {
    const { readFileSync } = await import("node:fs")
    const root = new URL("../../../", import.meta.url)
    const page = readFileSync(new URL("docs/threat-model.md", root), "utf8")
    const rows = [...page.matchAll(/^\| ((?:[A-Z0-9][\w-]+(?:, )?)+) \| [^|]+ \| `([^`]+)` \|$/gm)]
    expect(rows.length).toBeGreaterThan(20)
    for (const [, ids = "", path = ""] of rows) {
      const text = readFileSync(new URL(path, root), "utf8")
      for (const id of ids.split(", "))
        expect(text, `${id} in ${path}`).toMatch(new RegExp(`["\`][^"\`\\n]*${id}`))
    }
  })
})
