/** What brought advisories to secret managers before: rules about names, proofs and limits, each tried by its id. */
import { readdirSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { describeDatabase } from "@coffer/testkit"
import { describe, expect, it } from "vitest"
import { aMachine, anInstance, aProject, aSecret } from "./testing/test-app.ts"
import { aWorkbench } from "./testing/workbench.ts"

const login = "/v1/auth/universal-auth/login"
const renew = "/v1/auth/token/renew"

describeDatabase("sqlite", "advisories, about rules", (open) => {
  it("CVE-2025-5999, CVE-2025-54996, CVE-2025-64761: no spelling of a name passes for another one", async () => {
    const instance = await anInstance(await open())
    const { test, adminToken: token } = instance
    const { id: project } = await aProject(instance)
    const machine = await aMachine(instance, { project, role: "viewer", orgRole: "no-access" })
    const membership = `/v1/projects/${project}/memberships/identities/${machine.id}`
    for (const role of ["ADMIN", "Admin", "admin\u200b", "\u0430dmin", "ad\u0000min", "admin/"]) {
      const given = await test.call("PATCH", membership, { token, body: { roles: [{ role }] } })
      expect([400, 404, 422], `${JSON.stringify(role)}: ${given.text}`).toContain(given.status)
      const slug = { slug: role, name: "x", permissions: [] }
      const made = await test.call("POST", `/v1/projects/${project}/roles`, { token, body: slug })
      expect([400, 422], `${JSON.stringify(role)}: ${made.text}`).toContain(made.status)
    }
    const body = { workspaceId: project, environment: "prod", secretValue: "1" }
    expect((await test.call("POST", "/v3/secrets/raw/A", { token: machine.token, body })).status).toBe(403)
  })

  it("CVE-2024-9180: a reserved role can be made by no path, neither new nor by renaming", async () => {
    const { instance, project } = await aWorkbench(await open())
    const { test, adminToken: token } = instance
    const roles = `/v1/projects/${project}/roles`
    const permissions = [{ subject: "secrets", action: ["describeSecret"] }]
    const { role } = await test.ok("POST", roles, { token, body: { slug: "reader", name: "R", permissions } })
    for (const slug of ["admin", "member", "viewer", "no-access", " admin "]) {
      const made = await test.call("POST", roles, { token, body: { slug, name: "x", permissions } })
      expect([400, 422], `${slug}: ${made.text}`).toContain(made.status)
      const renamed = await test.call("PATCH", `${roles}/${role.id}`, { token, body: { slug } })
      expect([400, 422], `${slug}: ${renamed.text}`).toContain(renamed.status)
    }
  })

  it("CVE-2025-4166, CVE-2025-52893: no parser's complaint repeats what it could not read", async () => {
    const { instance, project } = await aWorkbench(await open())
    const { test, adminToken: token } = instance
    const secret = "pAyLoAd-6b1d"
    const texts = [
      `{"secretValue": "${secret}"`,
      `{"a":${secret}}`,
      `[${secret}`,
      `${secret}: [`,
      `"${secret}\\x"`,
    ]
    const headers = { authorization: `Bearer ${token}`, "content-type": "application/json" }
    const url = "/api/v3/secrets/raw/X"
    const answers: string[] = []
    for (const payload of texts) {
      const refused = await test.app.http.inject({ method: "POST", url, headers, payload })
      expect(refused.statusCode).toBe(400)
      answers.push(refused.body)
      for (const format of ["json", "yaml", "dotenv"]) {
        const body = { environment: "prod", format, content: payload }
        answers.push((await test.call("POST", `/coffer/v1/projects/${project}/import`, { token, body })).text)
      }
    }
    expect(answers.filter((answer) => answer.includes("statusCode")).length).toBeGreaterThan(10)
    const log = JSON.stringify(test.storage.log.entries)
    const events = JSON.stringify(await test.auditEvents())
    expect([...answers.filter((answer) => answer.includes("statusCode")), log, events].join()).not.toContain(
      secret,
    )
  })

  it("GHSA-xp3c-3jw3-4vcr: a list shows nothing that a deny hides from a get", async () => {
    const { instance, project, ...bench } = await aWorkbench(await open())
    const { test, adminToken: token } = instance
    await test.ok("POST", "/v1/folders", {
      token,
      body: { workspaceId: project, environment: "prod", name: "sub" },
    })
    await aSecret(instance, { project, key: "OPEN", value: "1" })
    await aSecret(instance, { project, key: "DENIED", value: "2", path: "/sub" })
    expect(bench).toBeDefined()
    const permissions = [
      { subject: "secrets", action: ["describeSecret", "readValue"] },
      {
        subject: "secrets",
        action: ["describeSecret", "readValue"],
        inverted: true,
        conditions: { secretPath: { $glob: "/sub" } },
      },
    ]
    const body = { slug: "partly", name: "Partly", permissions }
    await test.ok("POST", `/v1/projects/${project}/roles`, { token, body })
    const machine = await aMachine(instance, { project, role: "partly" })
    const query = `projectId=${project}&environment=prod`
    const get = (url: string) => test.call("GET", url, { token: machine.token })
    expect((await get(`/v4/secrets/OPEN?${query}`)).status).toBe(200)
    expect((await get(`/v4/secrets/DENIED?${query}&secretPath=/sub`)).status).toBe(403)
    for (const more of ["", "&recursive=true", "&secretPath=/sub", "&recursive=true&viewSecretValue=false"]) {
      expect((await get(`/v4/secrets?${query}${more}`)).text, more).not.toContain("DENIED")
    }
  })

  it("CVE-2026-39388: a token is renewed by the proof that it came from, and by nothing else", async () => {
    const instance = await anInstance(await open())
    const { test, adminToken: token } = instance
    const [first, second] = [await aMachine(instance), await aMachine(instance)]
    const renewed = await test.ok("POST", renew, { body: { accessToken: first.token } })
    const claims = (jwt: string) =>
      JSON.parse(Buffer.from(jwt.split(".")[1] ?? "", "base64url").toString("utf8"))
    expect(claims(renewed.accessToken).identityId).toBe(first.id)
    const [head, , signature] = first.token.split(".")
    const mixed = `${head}.${second.token.split(".")[1]}.${signature}`
    expect((await test.call("POST", renew, { body: { accessToken: mixed } })).status).toBe(401)
    const secrets = `/v1/auth/universal-auth/identities/${first.id}/client-secrets`
    await test.ok("POST", `${secrets}/${first.clientSecretId}/revoke`, { token })
    const after = await test.call("POST", renew, { body: { accessToken: renewed.accessToken } })
    expect(after.status).toBeGreaterThanOrEqual(400)
    expect(after.text).not.toContain(head)
  })

  it("CVE-2026-46405: a login that is refused leaves no token behind, however good its secret", async () => {
    const instance = await anInstance(await open())
    const { test } = instance
    const settings = {
      accessTokenTrustedIps: [{ ipAddress: "0.0.0.0/0" }],
      clientSecretTrustedIps: [{ ipAddress: "10.0.0.0/8" }],
    }
    const machine = await aMachine(instance)
    const url = `/v1/auth/universal-auth/identities/${machine.id}`
    await test.ok("PATCH", url, { token: instance.adminToken, body: settings })
    const count = async () =>
      (await test.storage.database.reader.selectFrom("access_token").select("id").execute()).length
    const before = await count()
    const { clientId, clientSecret } = machine
    const refused = await test.call("POST", login, { body: { clientId, clientSecret }, from: "192.0.2.1" })
    expect(refused.status).toBeGreaterThanOrEqual(400)
    expect(refused.body).not.toHaveProperty("accessToken")
    expect(await count()).toBe(before)
  })

  it("GHSA-rh46-vc3j-w2w3: what a caller may name as an operation is a closed list on every entry point", async () => {
    const { instance, project } = await aWorkbench(await open())
    const { test, adminToken: token } = instance
    const place = { projectId: project, workspaceId: project, environment: "prod" }
    const secrets = [{ secretKey: "A", secretValue: "1" }]
    const tries: readonly (readonly [string, string, Readonly<Record<string, unknown>>])[] = [
      ["PATCH", "/v4/secrets/batch", { ...place, secrets, mode: "purge" }],
      [
        "POST",
        "/v1/events/subscribe/project-events",
        { projectId: project, register: [{ event: "internal:all" }] },
      ],
      [
        "POST",
        "/v1/webhooks",
        { ...place, webhookUrl: "https://a.test", eventsFilter: [{ eventName: "internal" }] },
      ],
      [
        "POST",
        `/coffer/v1/projects/${project}/import`,
        { environment: "prod", format: "exec", content: "A=1" },
      ],
      ["POST", `/coffer/v1/projects/${project}/trash/restore`, { kind: "user", id: "x" }],
    ]
    for (const [method, url, body] of tries) {
      expect((await test.call(method, url, { token, body })).status, url).toBe(422)
    }
  })

  it("CVE-2026-39946: what looks like SQL is a name like any other", async () => {
    const { instance, project } = await aWorkbench(await open())
    const { test, adminToken: token } = instance
    for (const key of [`a'; DROP TABLE secret; --`, `"x" OR 1=1`, "100%_\\", "`a`", "$1", "?1"]) {
      await aSecret(instance, { project, key, value: key })
      const url = `/v4/secrets/${encodeURIComponent(key)}?projectId=${project}&environment=prod`
      expect((await test.ok("GET", url, { token })).secret.secretValue).toBe(key)
      const body = { key: { contains: key } }
      const found = await test.ok("POST", `/coffer/v1/projects/${project}/search`, { token, body })
      expect(JSON.stringify(found)).toContain(JSON.stringify(key).slice(1, -1))
    }
    const all = await test.ok("GET", `/v4/secrets?projectId=${project}&environment=prod`, { token })
    expect(all.secrets).toHaveLength(6)
  })

  it("CVE-2024-7594: empty means none: a role without rules allows nothing, and no list of addresses is empty", async () => {
    const { instance, project } = await aWorkbench(await open())
    const { test, adminToken: token } = instance
    await aSecret(instance, { project, key: "KEY", value: "1" })
    const body = { slug: "nothing", name: "Nothing", permissions: [] }
    await test.ok("POST", `/v1/projects/${project}/roles`, { token, body })
    const machine = await aMachine(instance, { project, role: "nothing" })
    const read = `/v4/secrets/KEY?projectId=${project}&environment=prod`
    expect((await test.call("GET", read, { token: machine.token })).status).toBe(403)
    const url = `/v1/auth/universal-auth/identities/${machine.id}`
    for (const field of ["accessTokenTrustedIps", "clientSecretTrustedIps"]) {
      expect((await test.call("PATCH", url, { token, body: { [field]: [] } })).status).toBe(422)
    }
    expect(
      (
        await test.call("PATCH", `/v1/projects/${project}/memberships/identities/${machine.id}`, {
          token,
          body: { roles: [] },
        })
      ).status,
    ).toBe(422)
  })

  it("GHSA-g892-p242-8g86: a name is judged by the same rule whichever way it comes", async () => {
    const { instance, project } = await aWorkbench(await open())
    const { test, adminToken: token } = instance
    await aSecret(instance, { project, key: "OLD", value: "1" })
    const place = { projectId: project, workspaceId: project, environment: "prod" }
    for (const key of ["A/B", "A:B", "A\u0000", ".."]) {
      const path = encodeURIComponent(key)
      const item = { secretKey: key, secretValue: "1" }
      const tries: readonly (readonly [string, string, Readonly<Record<string, unknown>>])[] = [
        ["POST", `/v3/secrets/raw/${path}`, { ...place, secretValue: "1" }],
        ["POST", `/v4/secrets/${path}`, { ...place, secretValue: "1" }],
        ["PATCH", "/v3/secrets/raw/OLD", { ...place, newSecretName: key }],
        ["PATCH", "/v4/secrets/OLD", { ...place, newSecretName: key }],
        ["POST", "/v3/secrets/batch/raw", { ...place, secrets: [item] }],
        ["POST", "/v4/secrets/batch", { ...place, secrets: [item] }],
        ["PATCH", "/v4/secrets/batch", { ...place, mode: "upsert", secrets: [item] }],
        ["POST", `/coffer/v1/projects/${project}/secrets/rename`, { secretKey: "OLD", newSecretKey: key }],
        [
          "POST",
          `/coffer/v1/projects/${project}/import`,
          { ...place, format: "json", content: JSON.stringify({ [key]: "1" }) },
        ],
      ]
      for (const [method, url, body] of tries) {
        const answer = await test.call(method, url, { token, body })
        expect([400, 404, 422], `${method} ${url} ${JSON.stringify(key)}: ${answer.text}`).toContain(
          answer.status,
        )
      }
    }
    const { secrets } = await test.ok(
      "GET",
      `/v4/secrets?projectId=${project}&environment=prod&recursive=true`,
      { token },
    )
    expect(secrets.map((one: { secretKey: string }) => one.secretKey)).toEqual(["OLD"])
  })

  it("CVE-2025-11621: what is remembered of a token or an answer is remembered for that caller alone", async () => {
    const { instance, project } = await aWorkbench(await open())
    const { test } = instance
    await aSecret(instance, { project, key: "KEY", value: "1" })
    const reader = await aMachine(instance, { project, role: "viewer" })
    const stranger = await aMachine(instance, { orgRole: "admin" })
    const url = `/v4/secrets/KEY?projectId=${project}&environment=prod`
    const read = await test.call("GET", url, { token: reader.token })
    const headers = { "if-none-match": String(read.headers["etag"]) }
    expect((await test.call("GET", url, { token: reader.token, headers })).status).toBe(304)
    expect((await test.call("GET", url, { token: stranger.token, headers })).status).toBe(403)
    const [head, claims, signature = ""] = reader.token.split(".")
    const last = signature.endsWith("A") ? "Q" : "A"
    const forged = [
      `${head}.${claims}.${signature.slice(0, -1)}${last}`,
      `${head}.${claims}.${stranger.token.split(".")[2]}`,
      `${reader.token} `,
      `${head}.${claims}.`,
    ]
    for (const token of forged.filter((one) => one.trim() !== reader.token)) {
      expect((await test.call("GET", url, { token })).status).toBeGreaterThanOrEqual(401)
    }
  })

  it("VULN-236: an allow-list believes no forwarded address but that of a trusted proxy", async () => {
    const instance = await anInstance(await open(), { trustedProxies: ["198.51.100.0/24"] })
    const { test } = instance
    const settings = { accessTokenTrustedIps: [{ ipAddress: "10.0.0.0/8" }] }
    const machine = await aMachine(instance, { settings, orgRole: "admin" })
    const call = (from: string, forwarded?: string) =>
      test.call("GET", "/v1/projects", {
        token: machine.token,
        from,
        ...(forwarded === undefined
          ? {}
          : {
              headers: {
                "x-forwarded-for": forwarded,
                "x-real-ip": forwarded,
                forwarded: `for=${forwarded}`,
              },
            }),
      })
    expect((await call("10.1.2.3")).status).toBe(200)
    for (const forwarded of ["10.1.2.3", "10.1.2.3, 10.1.2.3", "10.1.2.3, 192.0.2.9"]) {
      expect((await call("192.0.2.1", forwarded)).status, forwarded).toBeGreaterThanOrEqual(401)
    }
    expect((await call("198.51.100.7", "10.1.2.3")).status).toBe(200)
    expect((await call("198.51.100.7", "10.1.2.3, 192.0.2.9")).status).toBeGreaterThanOrEqual(401)
  })
})

describe("advisories, about the source", () => {
  const root = import.meta.dirname
  const read = (name: string) => readFileSync(join(root, name), "utf8")

  it("GHSA-34fc-gh42-pj53: what proves something is compared in constant time, and nowhere as text", () => {
    const files = readdirSync(root, { recursive: true, encoding: "utf8" }).filter(
      (name) => name.endsWith(".ts") && !/\.test\.ts$|testing\//.test(name),
    )
    expect(files.length).toBeGreaterThan(200)
    const proof =
      "\\w*(?:[sS]ecret|[mM]ac|[pP]assword|[tT]oken|[sS]ignature|secretHash|passwordHash)(?:Bytes)?"
    const asText = new RegExp(
      `\\b${proof} ?[!=]== ?(?!undefined|null)[\\w.]*?${proof}\\b|${proof}\\.equals\\(`,
    )
    expect(files.filter((name) => asText.test(read(name)))).toEqual([])
    for (const name of [
      "features/universal-auth/login.ts",
      "features/passwords/passwords.ts",
      "keyring/stored-keyring.ts",
    ]) {
      expect(read(name), name).toContain("timingSafeEqual(")
    }
  })
})
