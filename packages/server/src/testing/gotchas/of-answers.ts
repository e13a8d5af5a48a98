import { expect, it } from "vitest"
import type { AtAStand, ClientStand } from "../client-stand.ts"
import { GoSdk } from "../clients/go-sdk.ts"
import { InfisicalCli } from "../clients/infisical-cli.ts"
import { StaticSecretReconciler, scanEvents } from "../clients/infisical-operator.ts"
import { exchange, goQuery } from "../clients/wire.ts"
import { accepted, type EventReader, subscribeTo } from "../event-reader.ts"

const allEvents = ["secret:create", "secret:update", "secret:delete", "secret:import-mutation"]

async function withImports({ bench }: ClientStand): Promise<void> {
  for (const path of ["/one", "/two"]) await bench.folder(path)
  for (const path of ["/one", "/two"]) {
    await bench.ok("POST", "/v2/secret-imports", { path: "/", import: { environment: "prod", path } })
    await bench.put("TWICE", `of ${path}`, path)
  }
}

/** A stream as the operator (or, without conditions, the CLI's proxy) opens it. */
async function subscribe({ bench, origin, machine }: ClientStand, conditions?: object): Promise<EventReader> {
  const register = allEvents.map((event) => (conditions === undefined ? { event } : { event, conditions }))
  const opened = accepted(
    await subscribeTo({
      url: `${origin}/api/v1/events/subscribe/project-events`,
      token: machine.token,
      body: { projectId: bench.project, register },
    }),
  )
  return opened
}

/** What answers look like: gotchas 1 to 8, 25, 28 to 36, 45 and 47. */
export function gotchasOfAnswers(at: AtAStand): void {
  shapes(at)
  queries(at)
  conditionalLists(at)
  events(at)
}

function shapes(at: AtAStand): void {
  it(
    "gotcha 1: every JSON answer says that it is JSON, refusals too",
    at(async ({ bench, origin, machine }) => {
      await bench.put("A", "1")
      const headers = { authorization: `Bearer ${machine.token}` }
      const place = `projectId=${bench.project}&environment=prod`
      const asks: readonly [string, string, object?, object?][] = [
        ["GET", "/api/status"],
        ["GET", `/api/v4/secrets?${place}`, headers],
        ["GET", `/api/v4/secrets/NOPE?${place}`, headers],
        ["GET", `/api/v4/secrets?${place}`],
        ["GET", `/api/v4/secrets?${place}&recursive=perhaps`, headers],
        ["GET", "/api/v1/no-such-route", headers],
        ["POST", "/api/v1/auth/universal-auth/login", {}, { clientId: "x", clientSecret: "y" }],
      ]
      const seen = new Set<number>()
      for (const [method, target, sent = {}, body] of asks) {
        const reply = await exchange(origin, method, target, {
          headers: sent as Record<string, string>,
          ...(body === undefined ? {} : { body }),
        })
        seen.add(reply.status)
        expect(reply.headers["content-type"], `${method} ${target}`).toMatch(/^application\/json(;|$)/)
        JSON.parse(reply.text)
      }
      expect([...seen].sort()).toEqual([200, 401, 404, 422])
    }),
  )

  it(
    "gotchas 2, 3 and 4: `_id` beside `id`, integers, and values that are never null",
    at(async (stand) => {
      await withImports(stand)
      await stand.bench.put("EMPTY", "")
      const { body, text } = await stand.bench.list()
      for (const secret of [
        ...body.secrets,
        ...body.imports.flatMap((one: { secrets: [] }) => one.secrets),
      ]) {
        expect(secret._id).toBe(secret.id)
        expect(secret.secretValue).toBeTypeOf("string")
      }
      expect(body.secrets).toMatchObject([{ secretKey: "EMPTY", secretValue: "" }])
      expect(text).toMatch(/"version":1[,}]/)
      const { clientId, clientSecret } = stand.machine
      const login = await exchange(stand.origin, "POST", "/api/v1/auth/universal-auth/login", {
        body: { clientId, clientSecret },
      })
      expect(login.text).toMatch(/"expiresIn":\d+[,}]/)
      expect(login.text).toMatch(/"accessTokenMaxTTL":\d+[,}]/)
    }),
  )

  it(
    "gotcha 5: a project is bare by slug, and wrapped in `project` or `workspace` by id",
    at(async ({ bench, slug }) => {
      const id = bench.project
      expect((await bench.ok("GET", `/v1/projects/slug/${slug}`)).id).toBe(id)
      expect((await bench.ok("GET", `/v1/workspace/slug/${slug}`)).id).toBe(id)
      expect((await bench.ok("GET", `/v2/workspace/${slug}`)).id).toBe(id)
      const byId = await bench.ok("GET", `/v1/projects/${id}`)
      expect([byId.project.id, byId.id]).toEqual([id, undefined])
      const asWorkspace = await bench.ok("GET", `/v1/workspace/${id}`)
      expect([asWorkspace.workspace.id, asWorkspace.id]).toEqual([id, undefined])
    }),
  )

  it(
    "gotcha 31: the status says `Ok`, and nobody has to log in for it",
    at(async ({ origin }) => {
      expect(JSON.parse((await exchange(origin, "GET", "/api/status")).text).message).toBe("Ok")
    }),
  )

  it(
    "gotcha 36: times of folders are RFC 3339, in lists and alone",
    at(async ({ bench, origin, machine }) => {
      await bench.folder("/api")
      const sdk = new GoSdk(origin)
      await sdk.login(machine.clientId, machine.clientSecret)
      const [folder] = await sdk.listFolders({ workspaceId: bench.project, environment: "prod", path: "/" })
      expect(folder?.createdAt).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/)
      expect(folder?.updatedAt).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/)
    }),
  )

  it(
    "gotcha 25: a 422 has one text as its message, and the issues beside it",
    at(async ({ bench }) => {
      const answer = await bench.call("POST", "/v4/secrets/A", { environment: 7, secretValue: "x" })
      expect(answer).toMatchObject({ status: 422, body: { error: "ValidationFailure" } })
      expect(answer.body.message).toBeTypeOf("string")
      expect(answer.body.details).toEqual(
        expect.arrayContaining([expect.objectContaining({ path: expect.arrayContaining(["environment"]) })]),
      )
    }),
  )

  it(
    "gotcha 47: `skipMultilineEncoding: null` is legal, and reads as a truth value",
    at(async ({ bench, origin, machine }) => {
      await bench.ok("POST", "/v4/secrets/A", { secretValue: "1", skipMultilineEncoding: null })
      const cli = new InfisicalCli(origin)
      await cli.login(machine.clientId, machine.clientSecret)
      const [secret] = await cli.secrets({ projectId: bench.project, environment: "prod" })
      expect(secret?.skipMultilineEncoding).toBe(false)
      await bench.ok("PATCH", "/v4/secrets/A", { skipMultilineEncoding: null })
    }),
  )
}

function queries(at: AtAStand): void {
  it(
    "gotcha 6: an empty `workspaceId` beside a `workspaceSlug` is absent",
    at(async ({ bench, origin, machine, slug }) => {
      await bench.put("A", "1")
      const sdk = new GoSdk(origin)
      await sdk.login(machine.clientId, machine.clientSecret)
      const bySlug = await sdk.listSecrets({ projectSlug: slug, environment: "prod" })
      const byId = await sdk.listSecrets({ projectId: bench.project, environment: "prod" })
      expect(bySlug?.secrets).toEqual(byId?.secrets)
      expect(bySlug?.secrets).toMatchObject([{ secretKey: "A" }])
    }),
  )

  it(
    "gotchas 7 and 8: v3 takes snake case and defaults to no imports, v4 camel case and all of it",
    at(async (stand) => {
      await withImports(stand)
      const { bench } = stand
      await bench.put("REF", "<${TWICE}>")
      const v3 = (more: string) =>
        bench.ok("GET", `/v3/secrets/raw?workspaceId=${bench.project}&environment=prod${more}`)
      expect((await v3("")).imports ?? []).toEqual([])
      expect((await v3("&include_imports=true")).imports).toHaveLength(2)
      expect((await v3("")).secrets[0].secretValue).toBe("<${TWICE}>")
      const v4 = (await bench.list()).body
      expect(v4.imports).toHaveLength(2)
      expect(v4.secrets[0].secretValue).toBe("<of /one>")
      expect((await bench.list("&includeImports=false")).body.imports ?? []).toEqual([])
      const get = `/v3/secrets/raw/TWICE?workspaceId=${bench.project}&environment=prod`
      expect((await bench.call("GET", get)).status).toBe(404)
      expect((await bench.ok("GET", `${get}&includeImports=true`)).secret.secretValue).toBe("of /two")
    }),
  )

  it(
    "gotcha 35: imports stand in the order of their positions; a single read takes the last",
    at(async (stand) => {
      await withImports(stand)
      const { bench, origin, machine } = stand
      expect((await bench.list()).body.imports.map((one: { secretPath: string }) => one.secretPath)).toEqual([
        "/one",
        "/two",
      ])
      expect((await bench.read("TWICE")).body.secret.secretValue).toBe("of /two")
      const sdk = new GoSdk(origin)
      await sdk.login(machine.clientId, machine.clientSecret)
      const list = { projectId: bench.project, environment: "prod", includeImports: true }
      expect((await sdk.listSecrets(list))?.secrets).toMatchObject([{ secretValue: "of /one" }])
      const cli = new InfisicalCli(origin)
      await cli.login(machine.clientId, machine.clientSecret)
      expect(await cli.secrets(list)).toMatchObject([{ secretValue: "of /two" }])
    }),
  )

  it(
    "gotcha 45: truth values of a query are `true`, `false` or empty; anything else is a 422",
    at(async ({ bench }) => {
      for (const [value, status] of [
        ["true", 200],
        ["false", 200],
        ["", 200],
        ["1", 422],
        ["TRUE", 422],
      ] as const) {
        expect((await bench.list(`&recursive=${value}`)).status, value).toBe(status)
      }
    }),
  )
}

function conditionalLists(at: AtAStand): void {
  it(
    "gotcha 33: the ETag is the same for identical calls, and on another server of the same database",
    at(async ({ bench, origin }) => {
      await bench.put("A", "1")
      const { test, adminToken } = bench.instance
      const { TestApp } = await import("../test-app.ts")
      const other = new TestApp(test.storage)
      const query = goQuery({ projectId: bench.project, environment: "prod" })
      const headers = { authorization: `Bearer ${adminToken}` }
      const first = await exchange(origin, "GET", `/api/v4/secrets?${query}`, { headers })
      test.clock.advance(60_000)
      const second = await exchange(origin, "GET", `/api/v4/secrets?${query}`, { headers })
      const third = await other.call("GET", `/v4/secrets?${query}`, { token: adminToken })
      expect(first.headers["etag"]).toMatch(/^"/)
      expect([second.headers["etag"], third.headers["etag"]]).toEqual([
        first.headers["etag"],
        first.headers["etag"],
      ])
      expect([second.text, third.text]).toEqual([first.text, first.text])
    }),
  )

  it(
    "gotcha 34: a 304 has no body and keeps the ETag",
    at(async ({ bench, origin }) => {
      const headers = { authorization: `Bearer ${bench.instance.adminToken}` }
      const target = `/api/v3/secrets/raw?workspaceId=${bench.project}&environment=prod`
      const { etag } = (await exchange(origin, "GET", target, { headers })).headers
      const reply = await exchange(origin, "GET", target, {
        headers: { ...headers, "if-none-match": String(etag) },
      })
      expect(reply).toMatchObject({ status: 304, text: "", headers: { etag } })
    }),
  )

  it(
    "gotcha 32: `retry-after` is whole seconds, and no answer that needs no repetition has it",
    at(async ({ bench, origin, machine }) => {
      const reconciler = new StaticSecretReconciler(origin)
      await reconciler.login(machine.clientId, machine.clientSecret)
      const of = { projectId: bench.project, environment: "prod", secretPath: "/" }
      await reconciler.list(of)
      await bench.instance.test.storage.database.close()
      const headers = { authorization: `Bearer ${reconciler.token}` }
      const reply = await exchange(origin, "GET", `/api/v4/secrets?${goQuery({ ...of })}`, { headers })
      expect(reply.status).toBe(503)
      expect(reply.headers["retry-after"]).toMatch(/^[1-9]\d*$/)
      await expect(reconciler.list(of)).rejects.toThrow("too many requests")
    }),
  )
}

function events(at: AtAStand): void {
  it(
    "gotcha 28: each heartbeat has an `event: ping` line",
    at(async (stand) => {
      const reader = await subscribe(stand, { environmentSlug: "prod", secretPath: "/" })
      await reader.until(() => reader.pings.length > 0, "a ping")
      expect(scanEvents(reader.raw)).toContainEqual(expect.objectContaining({ event: "ping" }))
      expect(reader.raw).not.toMatch(/^:/m)
      reader.close()
    }),
  )

  it(
    "gotcha 29: the payload of an import mutation is an array, for the CLI's proxy",
    at(async (stand) => {
      const { bench } = stand
      await bench.folder("/one")
      const reader = await subscribe(stand)
      await reader.until(() => reader.pings.length > 0, "a ping")
      await bench.ok("POST", "/v2/secret-imports", {
        path: "/",
        import: { environment: "prod", path: "/one" },
      })
      const [event] = await reader.next()
      expect(event?.event).toBe("secret:import-mutation")
      expect(event?.data.data.payload).toEqual([{ environment: "prod", secretPath: "/" }])
      reader.close()
    }),
  )

  it(
    "gotcha 30: no refusal of a stream speaks of plans",
    at(async ({ bench, origin, machine }) => {
      const ask = (body: object) =>
        exchange(origin, "POST", "/api/v1/events/subscribe/project-events", {
          headers: { authorization: `Bearer ${machine.token}`, accept: "text/event-stream" },
          body,
        })
      const replies = [
        await ask({ projectId: "", register: [{ event: "secret:create" }] }),
        await ask({ projectId: bench.project, register: [] }),
        await ask({ projectId: bench.project, register: [{ event: "secret:what" }] }),
      ]
      expect(replies.map((reply) => reply.status)).toEqual([404, 422, 422])
      for (const { text } of replies) expect(text).not.toContain("current plan")
    }),
  )
}
