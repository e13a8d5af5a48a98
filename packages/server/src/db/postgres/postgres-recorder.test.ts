/** How records of concurrent requests share statements; a stand-in for the pool answers, no server is needed. */
import type { Pool } from "pg"
import { expect, it } from "vitest"
import { DatabaseError } from "../database-error.ts"
import type { PostgresAudit } from "./postgres-audit.ts"
import { PostgresRecorder } from "./postgres-recorder.ts"

type Asked = { readonly projectIds: readonly string[]; readonly actorIds: readonly string[] }

/** Every project has the length of its id as its revision, and every actor as its epoch. */
function aPool() {
  const pool = {
    asked: [] as Asked[],
    returned: [] as boolean[],
    failures: [] as Error[],
    /** What a statement waits for. */
    gate: Promise.resolve(),
    connect: async () => ({
      query: async ({ values: [projectIds, actorIds] }: { values: [string[], string[]] }) => {
        pool.asked.push({ projectIds, actorIds })
        await pool.gate
        const failure = pool.failures.shift()
        if (failure !== undefined) throw failure
        const row = (kind: string) => (id: string) => ({ kind, id, value: id.length })
        return { rows: [...projectIds.map(row("project")), ...actorIds.map(row("actor"))] }
      },
      release: (isBroken: boolean) => pool.returned.push(isBroken),
    }),
  }
  return pool
}

/** Of records without events, which need no audit log. */
function aRecorder(pool: ReturnType<typeof aPool>) {
  const recorder = new PostgresRecorder(pool as unknown as Pool, undefined as unknown as PostgresAudit)
  return { recorder, record: (request: Asked) => recorder.record([], request) }
}

const about = (projectId: string): Asked => ({ projectIds: [projectId], actorIds: ["actor"] })

it("records that come together ask once, for each id once, and each gets what it asked for", async () => {
  const pool = aPool()
  const { record } = aRecorder(pool)
  const answers = await Promise.all(["a", "bb", "a"].map((id) => record(about(id))))
  expect(pool.asked).toEqual([{ projectIds: ["a", "bb"], actorIds: ["actor"] }])
  expect(answers).toEqual(
    ["a", "bb", "a"].map((id) => ({
      projectRevisions: new Map([[id, id.length]]),
      actorEpochs: new Map([["actor", 5]]),
    })),
  )
  expect(pool.returned).toEqual([false])
})

it("records that come while a statement runs share the next one, however far apart they come", async () => {
  const pool = aPool()
  const { record } = aRecorder(pool)
  const gate = Promise.withResolvers<void>()
  pool.gate = gate.promise
  const records = [record(about("a"))]
  for (const id of ["b", "c"]) {
    for (let turn = 0; turn < 5; turn += 1) await new Promise(setImmediate)
    records.push(record(about(id)))
  }
  gate.resolve()
  await Promise.all(records)
  expect(pool.asked.map(({ projectIds }) => projectIds)).toEqual([["a"], ["b", "c"]])
})

it("five hundred records share a statement, and no more", async () => {
  const pool = aPool()
  const { record } = aRecorder(pool)
  await Promise.all(Array.from({ length: 1_001 }, (_, index) => record(about(`p${index}`))))
  expect(pool.asked.map(({ projectIds }) => projectIds.length)).toEqual([500, 500, 1])
})

it("ten thousand records wait, and the next one is refused", async () => {
  const pool = aPool()
  const { record } = aRecorder(pool)
  const waiting = Array.from({ length: 10_000 }, () => record(about("a")))
  await expect(record(about("a"))).rejects.toMatchObject({
    kind: "unavailable",
    message: "The database is overloaded: too many requests wait",
  })
  expect(await Promise.all(waiting)).toHaveLength(10_000)
  await expect(record(about("a"))).resolves.toBeDefined()
})

it("a record that is made as soon as another one is answered is answered too", async () => {
  const pool = aPool()
  const { recorder, record } = aRecorder(pool)
  let second: Promise<unknown> | undefined
  await record(about("a")).then(() => {
    second = record(about("b"))
  })
  await second
  expect(pool.asked.map(({ projectIds }) => projectIds)).toEqual([["a"], ["b"]])
  await recorder.idle()
})

it("it is idle once everybody is answered, also who came meanwhile", async () => {
  const pool = aPool()
  const { recorder, record } = aRecorder(pool)
  const answered: string[] = []
  const first = record(about("a")).then(async () => {
    answered.push("a")
    await record(about("b"))
    answered.push("b")
  })
  await recorder.idle()
  expect(answered).toEqual(["a", "b"])
  await first
})

it("records whose statement failed are told, its connection is given up, and the next ones are taken", async () => {
  const pool = aPool()
  const { record } = aRecorder(pool)
  pool.failures.push(new Error("connection lost"))
  const outcomes = await Promise.allSettled([record(about("a")), record(about("b"))])
  expect(outcomes).toMatchObject([
    { status: "rejected", reason: { kind: "unavailable" } },
    { status: "rejected", reason: { kind: "unavailable" } },
  ])
  await record(about("c"))
  expect(pool.returned).toEqual([true, false])
})

it("a statement that others interfered with is made again, four times in all", async () => {
  const pool = aPool()
  const { record } = aRecorder(pool)
  const interfered = () => new DatabaseError("retryable", "40001", "could not serialize")
  pool.failures.push(interfered(), interfered(), interfered())
  await expect(record(about("a"))).resolves.toBeDefined()
  expect(pool.asked).toHaveLength(4)
  pool.failures.push(interfered(), interfered(), interfered(), interfered())
  await expect(record(about("a"))).rejects.toMatchObject({
    kind: "unavailable",
    message: "The database is overloaded: other writers kept interfering",
  })
  expect(pool.asked).toHaveLength(8)
})
