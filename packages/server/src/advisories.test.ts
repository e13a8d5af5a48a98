/** What brought advisories to secret managers before, tried against this one. */
import { request } from "node:http"
import { describeDatabase } from "@coffer/testkit"
import { expect, it } from "vitest"
import { aStranger } from "./testing/a-stranger.ts"
import { aMachine, anInstance, aProject, aSecret } from "./testing/test-app.ts"

/** Over a socket: `fetch` and `inject` resolve dot segments before they send. */
function getAsItStands(port: number, path: string, token: string) {
  return new Promise<{ readonly status: number | undefined; readonly body: unknown }>((resolve, reject) => {
    const headers = { authorization: `Bearer ${token}` }
    const sent = request({ host: "127.0.0.1", port, path, headers, agent: false }, (response) => {
      const chunks: Buffer[] = []
      response.on("data", (chunk: Buffer) => chunks.push(chunk))
      response.on("end", () => {
        resolve({ status: response.statusCode, body: JSON.parse(Buffer.concat(chunks).toString("utf8")) })
      })
    })
    sent.on("error", reject).end()
  })
}

describeDatabase("sqlite", "advisories", (open) => {
  it("an id of another organization opens nothing, on any route", async () => {
    const instance = await anInstance(await open())
    const { test } = instance
    const { id: project, slug } = await aProject(instance)
    const secret = await aSecret(instance, { project, key: "KEY", value: "1" })
    const machine = await aMachine(instance, { project })
    const foreign = await aStranger(instance)
    const { token } = foreign
    const v3 = { workspaceId: project, environment: "prod" }
    const auth = `/v1/auth/universal-auth/identities/${machine.id}`
    const tries: readonly (readonly [string, string, Readonly<Record<string, unknown>>?])[] = [
      ["GET", `/v3/secrets/raw?workspaceId=${project}&environment=prod`],
      ["GET", `/v3/secrets/raw?workspaceSlug=${slug}&environment=prod`],
      ["GET", `/v4/secrets/KEY?projectId=${project}&environment=prod`],
      ["GET", `/v1/secret/${secret.id}/secret-versions`],
      ["POST", "/v3/secrets/raw/NEW", { ...v3, secretValue: "1" }],
      ["DELETE", "/v3/secrets/raw/KEY", v3],
      ["POST", "/v1/folders", { ...v3, name: "f" }],
      ["GET", `/v1/projects/${project}`],
      ["GET", `/v1/projects/slug/${slug}`],
      ["PATCH", `/v1/projects/${project}`, { name: "x" }],
      ["DELETE", `/v1/projects/${project}`],
      ["POST", `/v1/projects/${project}/environments`, { name: "E", slug: "e" }],
      ["POST", `/v1/projects/${project}/memberships/identities/${foreign.id}`, { role: "admin" }],
      ["GET", `/v1/organization/audit-logs?projectId=${project}`],
      ["GET", `/v1/identities/${machine.id}`],
      ["PATCH", `/v1/identities/${machine.id}`, { name: "x" }],
      ["DELETE", `/v1/identities/${machine.id}`],
      ["GET", auth],
      ["PATCH", auth, { accessTokenTTL: 60 }],
      ["DELETE", auth],
      ["GET", `${auth}/client-secrets`],
      ["POST", `${auth}/client-secrets`, {}],
      ["POST", `${auth}/client-secrets/${machine.clientSecretId}/revoke`],
      ["POST", `${auth}/clear-lockouts`],
    ]
    for (const [method, url, body] of tries) {
      const answer = await test.call(method, url, { token, ...(body === undefined ? {} : { body }) })
      expect([403, 404], `${method} ${url}: ${answer.text}`).toContain(answer.status)
    }
    const { id: foreignProject } = await aProject(instance, { slug: "theirs-x1", token })
    const url = `/v1/projects/${foreignProject}/memberships/identities/${machine.id}`
    expect((await test.call("POST", url, { token, body: { role: "admin" } })).status).toBe(404)
    expect((await test.ok("GET", "/v1/identities", { token })).identities).toHaveLength(1)
    expect((await test.ok("GET", "/v1/projects", { token })).projects).toHaveLength(1)
    const { auditLogs } = await test.ok("GET", "/v1/organization/audit-logs?limit=1000", { token })
    expect(auditLogs.every((log: { orgId: string }) => log.orgId !== instance.orgId)).toBe(true)
    const body = { name: "x", organizationId: instance.orgId }
    expect((await test.call("POST", "/v1/identities", { token, body })).status).toBe(403)
  })

  it.for([
    "/api/v3/secrets/raw/../../v1/projects",
    "/api/v3/secrets/raw/%2e%2e/x",
    "/api/v3/./secrets/raw",
    "/api/v3/secrets/raw/.%2E",
    "/api/v3/secrets/raw/%2E?environment=prod",
    "/api/v3/secrets/raw/a%00b",
  ])("CVE-2026-3605: the path %s is refused as it stands", async (url) => {
    const { test, adminToken } = await anInstance(await open())
    const address = await test.app.http.listen({ host: "127.0.0.1", port: 0 })
    try {
      const answer = await getAsItStands(Number(new URL(address).port), url, adminToken)
      expect(answer.status).toBe(400)
      expect(answer.body).toMatchObject({
        error: "BadRequest",
        reqId: expect.stringMatching(/^req-[A-Za-z0-9]{14}$/),
      })
    } finally {
      await test.app.http.close()
    }
  })

  it("names are decoded exactly once", async () => {
    const instance = await anInstance(await open())
    const { test, adminToken: token } = instance
    const { id: project } = await aProject(instance)
    const query = `projectId=${project}&environment=prod`
    for (const key of ["A%2FB", "100%25", "a+b", "ä ö", "..."]) {
      await aSecret(instance, { project, key, value: key })
      const read = await test.ok("GET", `/v4/secrets/${encodeURIComponent(key)}?${query}`, { token })
      expect(read.secret).toMatchObject({ secretKey: key, secretValue: key })
    }
    expect((await test.ok("GET", `/v4/secrets/a+b?${query}`, { token })).secret.secretKey).toBe("a+b")
    expect((await test.call("GET", `/v4/secrets/A%2FB?${query}`, { token })).status).toBe(404)
    expect((await test.call("GET", `/v4/secrets/%?${query}`, { token })).status).toBe(400)
  })

  it("CVE-2026-3605: a path is one canonical path, and dot segments in it are refused", async () => {
    const instance = await anInstance(await open())
    const { test, adminToken: token } = instance
    const { id: project } = await aProject(instance)
    const folder = { workspaceId: project, environment: "prod", name: "b", path: "a/" }
    await test.ok("POST", "/v1/folders", { token, body: folder })
    await aSecret(instance, { project, path: "/a/b/", key: "KEY", value: "1" })
    const list = (path: string) =>
      test.call("GET", `/v3/secrets/raw?workspaceId=${project}&environment=prod&secretPath=${path}`, {
        token,
      })
    for (const path of ["a/b", "/a/b/", "%2Fa%2Fb", " /a/b "]) {
      expect((await list(path)).body.secrets).toHaveLength(1)
    }
    for (const path of ["/a//b", "/A/b", "/a/b/c"]) expect((await list(path)).body.secrets).toEqual([])
    for (const path of ["/a/../a/b", "/a/./b", ".."]) expect((await list(path)).status).toBe(422)
  })

  it("JSON that is too deep, too large, of another type or with odd keys changes nothing and breaks nothing", async () => {
    const instance = await anInstance(await open())
    const { test, adminToken: token } = instance
    const { id: project } = await aProject(instance)
    const post = (payload: string, type = "application/json") =>
      test.app.http.inject({
        method: "POST",
        url: "/api/v3/secrets/raw/KEY",
        headers: { authorization: `Bearer ${token}`, "content-type": type },
        payload,
      })
    const body = { workspaceId: project, environment: "prod", secretValue: "1" }
    expect((await post(`${"[".repeat(50_000)}`)).statusCode).toBe(400)
    expect((await post(JSON.stringify({ ...body, secretValue: "x".repeat(1_100_000) }))).statusCode).toBe(413)
    expect((await post("a=b", "application/x-www-form-urlencoded")).statusCode).toBe(415)
    expect((await post("null")).statusCode).toBe(422)
    const odd = `{"__proto__":{"workspaceId":"${project}"},"constructor":1,"environment":"prod","secretValue":"1"}`
    expect((await post(odd)).statusCode).toBe(400)
    expect((await post(JSON.stringify({ ...body, __proto__: { a: 1 }, unknown: {} }))).statusCode).toBe(200)
    const twice = `/v3/secrets/raw?workspaceId=${project}&workspaceId=${project}&environment=prod`
    expect((await test.call("GET", twice, { token })).status).toBe(422)
  })

  it("a token works only where it is sent as one", async () => {
    const instance = await anInstance(await open())
    const machine = await aMachine(instance)
    const query = `/v1/projects?access_token=${machine.token}&path=/api/v1/auth/token/revoke`
    expect((await instance.test.call("GET", query)).status).toBe(401)
  })

  it("an unknown route answers in the standard body, whatever its method", async () => {
    const { test } = await anInstance(await open())
    for (const method of ["GET", "POST", "DELETE", "PUT"]) {
      const answer = await test.call(method, "/v2/service-token?token=abc-of-the-url", { body: {} })
      expect(answer).toMatchObject({ status: 404, body: { error: "NotFound", statusCode: 404 } })
      expect(answer.headers["content-type"]).toMatch(/^application\/json/)
      expect(answer.text).not.toContain("of-the-url")
    }
  })
})
