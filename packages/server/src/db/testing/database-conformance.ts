import type { OpenTestStorage, TestStorage } from "@coffer/testkit"
import { expect, it } from "vitest"
import { verifyAuditLogs } from "../../audit/index.ts"
import { AppError } from "../../errors.ts"
import type { WriteScope } from "../database.ts"
import { isUniqueViolation } from "../database-error.ts"
import { anEvent, insertChange, insertProject, nextRevision } from "./rows.ts"

const nothing = { projectIds: [], actorIds: [] }

/** What every database has to do, whatever it is built on. */
export function databaseConformance(open: OpenTestStorage): void {
  writes(open)
  concurrentWrites(open)
  records(open)
  restarts(open)
}

async function openWithProject(open: OpenTestStorage): Promise<TestStorage> {
  const storage = await open()
  await storage.database.write(({ db }) => insertProject(db))
  return storage
}

async function eventIds({ database }: TestStorage): Promise<string[]> {
  const rows = await database.reader
    .selectFrom("audit_event")
    .select("id")
    .orderBy("log_id")
    .orderBy("seq")
    .execute()
  return rows.map((row) => row.id)
}

async function revisionOf({ database }: TestStorage): Promise<number | undefined> {
  return (await database.reader.selectFrom("project").select("revision").executeTakeFirst())?.revision
}

async function expectIntact({ database, keyring }: TestStorage): Promise<void> {
  const report = await verifyAuditLogs(database.reader, keyring.auditPublicKeyBytes)
  expect(report.findings).toEqual([])
}

function writes(open: OpenTestStorage): void {
  it("a write keeps its rows, its audit events and its result together", async () => {
    const storage = await open()
    const result = await storage.database.write(async ({ db, audit }) => {
      await insertProject(db)
      audit(anEvent("created"))
      return nextRevision(db)
    })
    expect(result).toBe(1)
    expect(await revisionOf(storage)).toBe(1)
    expect(await eventIds(storage)).toEqual(["created"])
    await expectIntact(storage)
  })

  it("a write that throws leaves nothing, no row, no event and no effect", async () => {
    const storage = await openWithProject(open)
    const failure = new AppError("conflict", "Test", "no")
    let effects = 0
    const write = storage.database.write(async ({ db, audit, afterCommit }) => {
      await nextRevision(db)
      audit(anEvent("never"))
      afterCommit(() => effects++)
      throw failure
    })
    await expect(write).rejects.toBe(failure)
    expect(await revisionOf(storage)).toBe(0)
    expect(await eventIds(storage)).toEqual([])
    expect(effects).toBe(0)
  })

  it("a statement that failed ends the write, even when the use case goes on", async () => {
    const storage = await openWithProject(open)
    const write = storage.database.write(async ({ db, audit }) => {
      await nextRevision(db)
      audit(anEvent("never"))
      await insertProject(db).catch(() => undefined)
      return "done"
    })
    await expect(write).rejects.toSatisfy(isUniqueViolation)
    expect(await revisionOf(storage)).toBe(0)
    expect(await eventIds(storage)).toEqual([])
  })

  it("effects run once the write is durable, before its caller goes on", async () => {
    const storage = await openWithProject(open)
    const order: string[] = []
    await storage.database.write(async ({ db, afterCommit }) => {
      await nextRevision(db)
      afterCommit(() => order.push("effect"))
      order.push("work")
    })
    order.push("caller")
    expect(order).toEqual(["work", "effect", "caller"])
  })

  it("an effect that throws is told in the log and takes nothing along: the write stands, and so do other effects", async () => {
    const storage = await openWithProject(open)
    const effects: string[] = []
    const write = (name: string) =>
      storage.database.write(async ({ db, afterCommit }) => {
        const revision = await nextRevision(db)
        afterCommit(() => {
          throw new Error("planned")
        })
        afterCommit(() => effects.push(name))
        return revision
      })
    expect((await Promise.all([write("one"), write("two")])).toSorted()).toEqual([1, 2])
    expect(effects.toSorted()).toEqual(["one", "two"])
    expect(await revisionOf(storage)).toBe(2)
    const told = storage.log.entries.filter(({ message }) => message === "An effect after a commit failed")
    expect(told.map(({ level }) => level)).toEqual(["error", "error"])
  })

  it("a scope can't be used after its write", async () => {
    const storage = await openWithProject(open)
    let leaked: WriteScope | undefined
    await storage.database.write(async (scope) => {
      leaked = scope
      await nextRevision(scope.db)
    })
    await expect(async () => leaked && (await nextRevision(leaked.db))).rejects.toThrow(/this write is over/)
    expect(() => leaked?.audit(anEvent("late"))).toThrow(/this write is over/)
    expect(await revisionOf(storage)).toBe(1)
  })

  it("a write or a record inside a write is refused instead of waiting for itself", async () => {
    const storage = await openWithProject(open)
    const { database } = storage
    await expect(database.write(() => database.write(async () => 1))).rejects.toThrow(/write inside a write/)
    await expect(database.write(() => database.record([anEvent("x")], nothing))).rejects.toThrow(
      /record inside a write/,
    )
    await database.write(({ db }) => nextRevision(db))
    expect(await revisionOf(storage)).toBe(1)
  })

  it("an event that can't be written fails its own write alone", async () => {
    const storage = await openWithProject(open)
    const oversized = anEvent("oversized", { metadata: { text: "x".repeat(2 * 1024 * 1024) } })
    const [failed, kept] = await Promise.allSettled([
      storage.database.write(async ({ db, audit }) => {
        await nextRevision(db)
        audit(oversized)
      }),
      storage.database.write(async ({ db, audit }) => {
        await nextRevision(db)
        audit(anEvent("kept"))
      }),
    ])
    expect(failed.status).toBe("rejected")
    expect(kept.status).toBe("fulfilled")
    expect(await eventIds(storage)).toEqual(["kept"])
    expect(await revisionOf(storage)).toBe(1)
  })
}

function concurrentWrites(open: OpenTestStorage): void {
  it("of writes that share a commit, one that fails takes none of its neighbours along", async () => {
    const storage = await openWithProject(open)
    const outcomes = await Promise.allSettled(
      Array.from({ length: 20 }, (_, index) =>
        storage.database.write(async ({ db, audit }) => {
          const revision = await nextRevision(db)
          await insertChange(db, revision)
          audit(anEvent(`event ${index}`))
          if (index % 3 === 0) throw new Error("planned")
        }),
      ),
    )
    const kept = outcomes.flatMap(({ status }, index) => (status === "fulfilled" ? [`event ${index}`] : []))
    expect(kept).toHaveLength(13)
    expect((await eventIds(storage)).toSorted()).toEqual(kept.toSorted())
    expect(await revisionOf(storage)).toBe(13)
    await expectIntact(storage)
  })

  it("the order of revisions is the order of commits", async () => {
    const storage = await openWithProject(open)
    const committed: number[] = []
    await Promise.all(
      Array.from({ length: 40 }, async () => {
        const revision = await storage.database.write(async ({ db, audit }) => {
          const next = await nextRevision(db)
          await insertChange(db, next)
          audit(anEvent(`revision ${next}`))
          return next
        })
        committed.push(revision)
      }),
    )
    const inOrder = Array.from({ length: 40 }, (_, index) => index + 1)
    expect(committed.toSorted((left, right) => left - right)).toEqual(inOrder)
    expect(await eventIds(storage)).toEqual(inOrder.map((revision) => `revision ${revision}`))
    const changes = await storage.database.reader
      .selectFrom("change")
      .select("revision")
      .orderBy("revision")
      .execute()
    expect(changes.map((change) => change.revision)).toEqual(inOrder)
  })
}

function records(open: OpenTestStorage): void {
  it("a record answers with the revisions and epochs of what exists", async () => {
    const storage = await openWithProject(open)
    await storage.database.write(async ({ db }) => {
      await nextRevision(db)
      const identity = {
        id: "identity-1",
        org_id: "org-1",
        name: "ci",
        has_delete_protection: 0,
        metadata: "[]",
      } as const
      await db
        .insertInto("identity")
        .values({ ...identity, epoch: 7, created_at: 1, updated_at: 1 })
        .execute()
      const user = { id: "user-1", email: "a@b.test", first_name: "", last_name: "", password_hash: "" }
      await db
        .insertInto("user_account")
        .values({ ...user, super_admin: 0, epoch: 3, created_at: 1, updated_at: 1 })
        .execute()
    })
    const witness = await storage.database.record([anEvent("read")], {
      projectIds: ["project-1", "no-such-project"],
      actorIds: ["identity-1", "user-1", "no-such-actor"],
    })
    expect([...witness.projectRevisions]).toEqual([["project-1", 1]])
    expect([...witness.actorEpochs]).toEqual([
      ["identity-1", 7],
      ["user-1", 3],
    ])
    expect(await eventIds(storage)).toEqual(["read"])
  })

  it("a witness is never older than a write that was acknowledged before", async () => {
    const storage = await openWithProject(open)
    for (let round = 0; round < 10; round++) {
      const revision = await storage.database.write(({ db }) => nextRevision(db))
      const witnesses = await Promise.all([
        storage.database.record([anEvent(`read ${round}`)], { projectIds: ["project-1"], actorIds: [] }),
        storage.database.record([], { projectIds: ["project-1"], actorIds: [] }),
      ])
      for (const { projectRevisions } of witnesses) expect(projectRevisions.get("project-1")).toBe(revision)
    }
  })

  it("concurrent records are all there, once, each with its own witness", async () => {
    const storage = await openWithProject(open)
    const ids = Array.from({ length: 300 }, (_, index) => `read ${index}`)
    const witnesses = await Promise.all(
      ids.map((id, index) =>
        storage.database.record([anEvent(id)], {
          projectIds: index % 2 === 0 ? ["project-1"] : [],
          actorIds: [],
        }),
      ),
    )
    expect(witnesses.map((witness) => witness.projectRevisions.size)).toEqual(
      ids.map((_, index) => 1 - (index % 2)),
    )
    expect((await eventIds(storage)).toSorted()).toEqual(ids.toSorted())
    await expectIntact(storage)
  })

  it("an event with characters of every kind is kept as it was", async () => {
    const storage = await open()
    const name = 'quote " backslash \\ NUL \0 newline \n emoji 🔑 lone \ud800 {braces},NULL'
    await storage.database.record(
      [anEvent("odd", { metadata: { name, list: [1, true, null, { deep: name }] } })],
      nothing,
    )
    const row = await storage.database.reader
      .selectFrom("audit_event")
      .select("body")
      .executeTakeFirstOrThrow()
    expect(JSON.parse(row.body).metadata).toEqual({ name, list: [1, true, null, { deep: name }] })
    await expectIntact(storage)
  })
}

function restarts(open: OpenTestStorage): void {
  it("after a restart everything is there and the same audit log goes on", async () => {
    const storage = await openWithProject(open)
    await storage.database.record([anEvent("before")], nothing)
    await storage.database.close()
    const again = await open({ sameAs: storage })
    await again.database.record([anEvent("after")], nothing)
    expect(await eventIds(again)).toEqual(["before", "after"])
    expect(await again.database.reader.selectFrom("audit_log").select("id").execute()).toHaveLength(1)
    await expectIntact(again)
  })

  it("a log whose rows don't lead to its newest head is left alone, and a new one begun", async () => {
    const storage = await openWithProject(open)
    await storage.database.record([anEvent("before")], nothing)
    await storage.database.write(({ db }) =>
      db
        .updateTable("audit_event")
        .set({ leaf_hash: Buffer.alloc(32) })
        .execute(),
    )
    await storage.database.close()
    const again = await open({ sameAs: storage })
    await again.database.record([anEvent("after")], nothing)
    expect(await again.database.reader.selectFrom("audit_log").select("id").execute()).toHaveLength(2)
    expect(again.log.entries.filter((entry) => entry.level === "error")).toHaveLength(1)
    const report = await verifyAuditLogs(again.database.reader, again.keyring.auditPublicKeyBytes)
    expect(report.findings.map((finding) => finding.kind)).toEqual(["event-edited"])
  })

  it("loading a log begins at its snapshot, not at its first event", async () => {
    const storage = await openWithProject(open)
    const events = Array.from({ length: 900 }, (_, index) => anEvent(`read ${index}`))
    for (let round = 0; round < 4; round++) await storage.database.record(events, nothing)
    await storage.database.record([anEvent("last")], nothing)
    const snapshots = () => storage.database.reader.selectFrom("audit_log").select("snapshot_size").execute()
    // Saved once more than two thousand events lie behind the one before, not with each batch.
    expect(await snapshots()).toEqual([{ snapshot_size: 2_700 }])
    await storage.database.close()
    const again = await open({ sameAs: storage })
    await again.database.record([anEvent("after")], nothing)
    const log = await again.database.reader.selectFrom("audit_log").selectAll().executeTakeFirstOrThrow()
    expect(log.snapshot_size).toBeGreaterThan(1_000)
    await expectIntact(again)
  })

  it("a closed database refuses", async () => {
    const { database } = await openWithProject(open)
    const last = database.write(({ db }) => nextRevision(db))
    await database.close()
    expect(await last).toBe(1)
    await expect(database.write(async () => 1)).rejects.toMatchObject({ kind: "unavailable" })
    await expect(database.record([anEvent("x")], nothing)).rejects.toMatchObject({ kind: "unavailable" })
  })
}
