import { describeDatabase, type TestStorage } from "@coffer/testkit"
import { expect, it } from "vitest"
import type { Session } from "../actor.ts"
import type { WriteScope } from "../db/index.ts"
import { insertChange, insertProject, nextRevision } from "../db/testing/rows.ts"
import type { AppError } from "../errors.ts"
import { createHttpApp, endpoint } from "../http/index.ts"
import { aWorkbench, type Workbench } from "./workbench.ts"

type Json = Readonly<Record<string, unknown>>

/** The same request from several callers at once: one is done, the others are told why not, and none fails. */
export function describeRaces(kind: "sqlite" | "postgres"): void {
  describeDatabase(kind, "two at once", (open) => {
    const make = async () => aWorkbench(await open())

    /** Statuses of the same call made four times at once, the lowest first. */
    const statuses = async (bench: Workbench, method: string, url: string, body?: Json) => {
      const answers = await Promise.all(Array.from({ length: 4 }, () => bench.call(method, url, body)))
      return answers.map(({ status }) => status).sort()
    }
    const once = [200, 400, 400, 400]

    it("one name is given once", async () => {
      const bench = await make()
      const { project, instance } = bench
      const { identity } = await bench.ok("POST", "/v1/identities", {
        name: "m",
        organizationId: instance.orgId,
        role: "no-access",
      })
      const rules = [{ subject: "secrets", action: "readValue" }]
      const table: readonly (readonly [string, Json])[] = [
        ["/v1/groups", { name: "Team", slug: "team" }],
        ["/coffer/v1/invitations", { email: "somebody@example.com", role: "member" }],
        [`/v1/projects/${project}/roles`, { slug: "own", name: "Own", permissions: rules }],
        [`/v1/projects/${project}/tags`, { slug: "tag", color: "#000" }],
        [`/v1/projects/${project}/environments`, { slug: "qa", name: "QA" }],
        [`/v2/workspace/${project}/identity-memberships/${identity.id}`, { role: "viewer" }],
        [`/v1/auth/universal-auth/identities/${identity.id}`, {}],
        [`/v1/auth/token-auth/identities/${identity.id}`, {}],
        ["/v4/secrets/KEY", { secretValue: "v" }],
        ["/v1/projects", { projectName: "Other", slug: "other-project" }],
      ]
      for (const [url, body] of table)
        expect([url, await statuses(bench, "POST", url, body)]).toEqual([url, once])
    })

    it("projects that one caller creates, and deletes, at the same time are all created and deleted", async () => {
      const bench = await make()
      const numbers = Array.from({ length: 10 }, (_, index) => index)
      const created = await Promise.all(
        numbers.map((number) =>
          bench.call("POST", "/v1/projects", { projectName: "Many", slug: `many-${number}` }),
        ),
      )
      expect(created.map(({ status }) => status)).toEqual(numbers.map(() => 200))
      const ids: string[] = created.map(({ body }) => body.project.id)
      for (const id of ids) expect((await bench.call("GET", `/v1/projects/${id}`)).status).toBe(200)
      const deleted = await Promise.all(ids.map((id) => bench.call("DELETE", `/v1/projects/${id}`)))
      expect(deleted.map(({ status }) => status)).toEqual(numbers.map(() => 200))
      for (const id of ids) expect((await bench.call("GET", `/v1/projects/${id}`)).status).toBe(404)
    })

    it.for([
      {
        lost: "a key that was taken meanwhile",
        names: { sqlite: /UNIQUE constraint failed: project\./, postgres: /constraint project_pkey/ },
        work: ({ db }: WriteScope) => insertProject(db),
      },
      {
        lost: "what it belongs to, which was removed meanwhile",
        names: { sqlite: /FOREIGN KEY constraint/, postgres: /constraint change_project_id_fkey/ },
        work: ({ db }: WriteScope) => insertChange(db, 1, "removed-meanwhile"),
      },
    ])("a write that loses $lost is a conflict, not a failure", async ({ names, work }) => {
      const storage = await open()
      await storage.database.write(({ db }) => insertProject(db))
      const { answer, refused } = await answerTo(storage, async (scope) => {
        await nextRevision(scope.db)
        await work(scope)
      })
      expect([answer.statusCode, answer.json()]).toMatchObject([
        409,
        { statusCode: 409, error: "Conflict", message: /^Someone else changed this at the same time/ },
      ])
      expect(answer.body).not.toMatch(/constraint|project|removed/i)
      expect(refused.map(({ kind, code }) => [kind, code])).toEqual([["conflict", "Conflict"]])
      expect(storage.log.entries.at(-1)).toEqual({
        level: "warn",
        message: "request lost a race",
        fields: expect.objectContaining({ route: "/api/work", detail: expect.stringMatching(names[kind]) }),
      })
      const { revision } = await storage.database.reader
        .selectFrom("project")
        .select("revision")
        .executeTakeFirstOrThrow()
      expect(revision).toBe(0)
    })
  })
}

/** What a route answers that does nothing but this, without a word of its own on what can go wrong. */
async function answerTo({ database, random, log }: TestStorage, work: (scope: WriteScope) => Promise<void>) {
  const refused: AppError[] = []
  const ports = {
    authenticate: () => ({}) as Session,
    recordRefusal: async (_session: Session, error: AppError) => void refused.push(error),
  }
  const app = createHttpApp({ random, log, trustedProxies: [] }, [
    (api) => {
      api.post(
        "/work",
        endpoint(ports, {}, async () => ({ done: await database.write(work) })),
      )
    },
  ])
  const answer = await app.inject({ method: "POST", url: "/api/work" })
  await app.close()
  return { answer, refused }
}
