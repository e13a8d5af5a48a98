import { readFileSync } from "node:fs"
import { describeDatabase } from "@coffer/testkit"
import { expect, it } from "vitest"
import { type Answer, aMachine, anInstance, aProject, aSecret, type TestApp } from "./test-app.ts"

type Recorded = {
  readonly method: string
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
  readonly body?: Readonly<Record<string, unknown>>
}

function recordedBy(client: string): readonly Recorded[] {
  const file = new URL(`./fixtures/recorded/http-${client}.jsonl`, import.meta.url)
  const lines = readFileSync(file, "utf8").trim().split("\n")
  return lines.map((line) => JSON.parse(line) as Recorded)
}

/** Sends recorded requests with the names of this server in the place of the stub's. */
async function replay(
  test: TestApp,
  requests: readonly Recorded[],
  names: Readonly<Record<string, string>>,
): Promise<ReadonlyMap<string, Answer>> {
  const rename = (text: string) =>
    Object.entries(names).reduce((renamed, [from, to]) => renamed.replaceAll(from, to), text)
  const answers = new Map<string, Answer>()
  for (const request of requests) {
    const { "accept-encoding": _, ...headers } = request.headers
    const body = request.body === undefined ? undefined : JSON.parse(rename(JSON.stringify(request.body)))
    const url = rename(request.url).replace(/^\/api/, "")
    const renamed = Object.entries(headers).map(([name, value]) => [name, rename(value)])
    const answer = await test.call(request.method, url, { body, headers: Object.fromEntries(renamed) })
    answers.set(`${request.method} ${request.url}`, answer)
  }
  return answers
}

/** Requests that a real ESO and a real command line sent, replayed on either database. */
export function describeRecordedClients(kind: "sqlite" | "postgres"): void {
  describeDatabase(kind, "requests that real clients sent", (open) => {
    it("the External Secrets Operator gets the answers it decodes", async () => {
      const instance = await anInstance(await open())
      const { test, adminToken } = instance
      const project = await aProject(instance, { slug: "frank-cluster-iwpg" })
      const machine = await aMachine(instance, { project: project.id, role: "member" })
      const folder = { workspaceId: project.id, environment: "prod", name: "db", path: "/" }
      await test.ok("POST", "/v1/folders", { token: adminToken, body: folder })
      for (const key of ["USER", "PASSWORD"]) {
        await aSecret(instance, { project: project.id, path: "/db", key, value: `the-${key}` })
      }
      await aSecret(instance, { project: project.id, key: "DATABASE_URL", value: "postgres://x" })
      const requests = recordedBy("eso-2.9")
      const isRevoke = (request: Recorded) => request.url.endsWith("/revoke")

      const answers = await replay(
        test,
        [...requests.filter((one) => !isRevoke(one)), ...requests.filter(isRevoke)],
        {
          '"p1"': JSON.stringify(project.id),
          "<token>": machine.token,
          cid: machine.clientId,
          csecret: machine.clientSecret,
        },
      )

      const of = (method: string, part: string) =>
        [...answers].find(([name]) => name.startsWith(`${method} /api${part}`))?.[1]
      const login = of("POST", "/v1/auth/universal-auth/login")
      expect(login?.body).toMatchObject({
        expiresIn: 2_592_000,
        accessTokenMaxTTL: 2_592_000,
        tokenType: "Bearer",
      })
      expect(login?.body.accessToken).toMatch(/^ey/)
      expect(of("GET", "/v3/secrets/raw/PUSHED")?.status).toBe(404)
      expect(of("GET", "/v3/secrets/raw/PUSHED")?.body).toMatchObject({
        error: "NotFound",
        message: "Secret with name 'PUSHED' not found",
      })
      expect(of("GET", "/v1/projects/slug/")?.body.id).toBe(project.id)
      expect(of("POST", "/v3/secrets/raw/PUSHED")?.body.secret).toMatchObject({
        secretValue: "t-1",
        skipMultilineEncoding: true,
      })
      expect(of("GET", "/v3/secrets/raw/PASSWORD")?.body.secret.secretValue).toBe("the-PASSWORD")
      const list = of(
        "GET",
        "/v3/secrets/raw?environment=prod&expandSecretReferences=true&include_imports=true",
      )
      expect(list?.body.secrets.map((secret: { secretKey: string }) => secret.secretKey)).toEqual([
        "DATABASE_URL",
        "PUSHED",
      ])
      expect(list?.body.imports).toEqual([])
      expect(of("POST", "/v1/auth/token/revoke")).toMatchObject({
        status: 200,
        body: { message: "Successfully revoked access token" },
      })
      for (const answer of answers.values()) {
        expect(answer.headers["content-type"]).toMatch(/^application\/json/)
      }
    })

    it("the Infisical command line gets the answers it decodes", async () => {
      const instance = await anInstance(await open())
      const project = await aProject(instance)
      const machine = await aMachine(instance, { project: project.id, role: "member" })
      await aSecret(instance, { project: project.id, key: "B", value: "1" })

      const answers = await replay(instance.test, recordedBy("infisical-cli"), {
        "projectId=p1": `projectId=${project.id}`,
        '"p1"': JSON.stringify(project.id),
        "<token>": machine.token,
        '"cid"': JSON.stringify(machine.clientId),
        '"cs"': JSON.stringify(machine.clientSecret),
      })

      expect([...answers.values()].map((answer) => answer.status)).toEqual([200, 200, 200, 200])
      const [, list] = [...answers.values()]
      const [secret] = list?.body.secrets ?? []
      expect(secret).toMatchObject({
        secretKey: "B",
        secretValue: "1",
        version: 1,
        secretPath: "/",
        tags: [],
      })
      expect(secret._id).toBe(secret.id)
    })

    it("a client that appends a slash or deletes with a JSON body is understood", async () => {
      const instance = await anInstance(await open())
      const { test, adminToken: token } = instance
      const project = await aProject(instance)
      const machine = await aMachine(instance, { project: project.id })
      const { clientId, clientSecret } = machine
      await test.ok("POST", "/v1/auth/universal-auth/login/", { body: { clientId, clientSecret } })
      await aSecret(instance, { project: project.id, key: "KEY", value: "1" })
      const body = { secretName: "KEY", workspaceId: project.id, environment: "prod", type: "personal" }
      expect(await test.call("DELETE", "/v3/secrets/raw/KEY", { token, body })).toMatchObject({
        status: 400,
        body: { message: "Must be user to create/delete personal secret" },
      })
      await test.ok("DELETE", "/v3/secrets/raw/KEY", { token, body: { ...body, type: "shared" } })
      const folders = { folderName: "w", workspaceId: project.id, environment: "prod", directory: "/api" }
      const made = { ...folders, name: "w", path: "/api" }
      await test.ok("POST", "/v1/folders", { token, body: made })
      const listed = await test.ok(
        "GET",
        `/v1/folders?environment=prod&workspaceId=${project.id}&directory=/api`,
        { token },
      )
      expect(listed.folders).toMatchObject([{ name: "w" }])
      expect((await test.ok("DELETE", "/v1/folders/w", { token, body: folders })).folder.name).toBe("w")
    })
  })
}
