/** Transactions that PostgreSQL ends for the sake of others are made again as a whole. */
import { AsyncResource } from "node:async_hooks"
import { describeDatabase, type TestStorage } from "@coffer/testkit"
import { sql } from "kysely"
import { expect, it, vi } from "vitest"
import type { WriteScope } from "../database.ts"
import { anEvent, insertProject, nextRevision } from "../testing/rows.ts"

async function revisionOf({ database }: TestStorage, id: string): Promise<number | undefined> {
  const row = await database.reader
    .selectFrom("project")
    .select("revision")
    .where("id", "=", id)
    .executeTakeFirst()
  return row?.revision
}

async function eventIds({ database }: TestStorage): Promise<string[]> {
  return (await database.reader.selectFrom("audit_event").select("id").execute()).map((row) => row.id)
}

describeDatabase("postgres", "a write that PostgreSQL ends", (open) => {
  it("in a deadlock with another (40P01) is made again: both count, once, with one event and one effect each", async () => {
    const storage = await open()
    await storage.database.write(async ({ db }) => {
      await insertProject(db, "left")
      await insertProject(db, "right")
    })
    const effect = vi.fn()
    let attempts = 0
    const holds = { left: Promise.withResolvers<void>(), right: Promise.withResolvers<void>() }
    const cross = (first: "left" | "right", second: "left" | "right") =>
      storage.database.write(async ({ db, audit, afterCommit }) => {
        attempts += 1
        audit(anEvent(`from ${first}`))
        afterCommit(() => effect(first))
        await nextRevision(db, first)
        holds[first].resolve()
        // Each has its first row before either asks for its second.
        await holds[second].promise
        await nextRevision(db, second)
        return first
      })
    expect(await Promise.all([cross("left", "right"), cross("right", "left")])).toEqual(["left", "right"])
    expect(attempts).toBe(3)
    expect([await revisionOf(storage, "left"), await revisionOf(storage, "right")]).toEqual([2, 2])
    expect((await eventIds(storage)).toSorted()).toEqual(["from left", "from right"])
    expect(effect.mock.calls.flat().toSorted()).toEqual(["left", "right"])
  })

  it("because another was faster (40001) is made again from what that one left", async () => {
    const storage = await open()
    await storage.database.write(({ db }) => insertProject(db))
    const outside = new AsyncResource("outside of the write")
    const another = () => storage.database.write((other) => nextRevision(other.db))
    const effect = vi.fn()
    const seen: number[] = []
    const revision = await storage.database.write(async ({ db, audit, afterCommit }) => {
      await sql`set transaction isolation level repeatable read`.execute(db)
      const { rows } = await sql<{ revision: number }>`select revision from project`.execute(db)
      seen.push(...rows.map((row) => row.revision))
      audit(anEvent("slower"))
      afterCommit(effect)
      if (seen.length === 1) await outside.runInAsyncScope(another)
      return await nextRevision(db)
    })
    expect(seen).toEqual([0, 1])
    expect(revision).toBe(2)
    expect(await eventIds(storage)).toEqual(["slower"])
    expect(effect).toHaveBeenCalledTimes(1)
  })

  it("again and again is refused in the end, and leaves nothing", async () => {
    const storage = await open()
    await storage.database.write(({ db }) => insertProject(db))
    const effect = vi.fn()
    const work = vi.fn(async ({ db, audit, afterCommit }: WriteScope) => {
      await nextRevision(db)
      audit(anEvent("never"))
      afterCommit(effect)
      await sql`do $$ begin raise exception using errcode = '40001'; end $$`.execute(db)
    })
    await expect(storage.database.write(work)).rejects.toMatchObject({
      kind: "unavailable",
      message: "The database is overloaded: other changes kept interfering",
    })
    expect(work).toHaveBeenCalledTimes(6)
    expect(await revisionOf(storage, "project-1")).toBe(0)
    expect(await eventIds(storage)).toEqual([])
    expect(effect).not.toHaveBeenCalled()
  })
})
