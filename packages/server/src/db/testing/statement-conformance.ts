import type { OpenTestStorage } from "@coffer/testkit"
import { sql } from "kysely"
import { expect, it } from "vitest"
import { DatabaseError, isUniqueViolation } from "../database-error.ts"
import { fixedPair, fixedStatement } from "../fixed-statement.ts"
import type { KeyringKeyTable } from "../schema.ts"
import { insertChange, insertProject } from "./rows.ts"

/** What a statement takes, answers and refuses, the same on every database. */
export function statementConformance(open: OpenTestStorage): void {
  it("text, integers, bytes and null come back as they went in", async () => {
    const storage = await open()
    const bytes = Uint8Array.from([0, 1, 254, 255])
    await storage.database.write(async ({ db }) => {
      const key = {
        id: "key-1",
        purpose: "test ' \" 🔑",
        wrapped_key: bytes,
        created_at: Number.MAX_SAFE_INTEGER,
      }
      await db
        .insertInto("keyring_key")
        .values({ ...key, retired_at: null })
        .execute()
    })
    const row = await storage.database.reader
      .selectFrom("keyring_key")
      .selectAll()
      .where("id", "=", "key-1")
      .executeTakeFirstOrThrow()
    expect(Uint8Array.from(row.wrapped_key)).toEqual(bytes)
    expect(row).toMatchObject({
      purpose: "test ' \" 🔑",
      created_at: Number.MAX_SAFE_INTEGER,
      retired_at: null,
    })
  })

  it.for([
    { name: "undefined", value: undefined },
    { name: "a date", value: new Date(0) },
    { name: "a boolean", value: true },
    { name: "not a number", value: Number.NaN },
    { name: "infinity", value: Number.POSITIVE_INFINITY },
    { name: "an object", value: { a: 1 } },
    { name: "text with a zero character", value: "a\0b" },
  ])("$name is refused as a parameter", async ({ value }) => {
    const storage = await open()
    await expect(sql`select ${value} as value`.execute(storage.database.reader)).rejects.toThrow(TypeError)
  })

  it("a statement of fixed text is built once, and takes other values each time", async () => {
    const { database } = await open()
    let built = 0
    const insertKey = fixedStatement((db, row: KeyringKeyTable) => {
      built += 1
      return db.insertInto("keyring_key").values(row)
    })
    const insert = (id: string, wrappedKey: number[]) =>
      database.write(async ({ db }) => {
        const key = { id, purpose: id, wrapped_key: Uint8Array.from(wrappedKey), created_at: 1 }
        await insertKey(db, { ...key, retired_at: null })
      })
    for (const id of ["fixed-1", "fixed-2", "fixed-3"]) await insert(id, [id.length, 255])
    expect(built).toBe(1)
    await expect(insert("fixed-2", [])).rejects.toSatisfy(isUniqueViolation)
    const rows = await database.reader
      .selectFrom("keyring_key")
      .select(["id", "purpose"])
      .where("id", "like", "fixed-%")
      .orderBy("id")
      .execute()
    expect(rows.map(({ id, purpose }) => [id, purpose])).toEqual(
      ["fixed-1", "fixed-2", "fixed-3"].map((id) => [id, id]),
    )
  })

  it("a statement of fixed text takes each value where the text has it, and keeps what is no value", async () => {
    const storage = await open()
    await storage.database.write(({ db }) => insertProject(db))
    const { reader } = storage.database
    const { id } = await reader.selectFrom("project").select("id").executeTakeFirstOrThrow()
    const find = fixedStatement((db, values: { readonly id: string; readonly revision: number }) =>
      db
        .selectFrom("project")
        .select("id")
        .where("revision", ">=", values.revision)
        .where("id", "=", values.id)
        .where("created_at", ">", 1),
    )
    expect(await find(reader, { id, revision: 0 })).toEqual([{ id }])
    expect(await find(reader, { revision: 0, id })).toEqual([{ id }])
    expect(await find(reader, { id, revision: 1_000 })).toEqual([])
    expect(await find(reader, { id: "another", revision: 0 })).toEqual([])
  })

  it("a statement of fixed text that fails ends its write, even when the use case goes on", async () => {
    const { database } = await open()
    const insertSetting = fixedStatement((db, row: { name: string; value: string; updated_at: number }) =>
      db.insertInto("instance_setting").values(row),
    )
    const setting = { name: "fixed", value: "", updated_at: 1 }
    const write = database.write(async ({ db }) => {
      await insertSetting(db, setting)
      const insertAgain = async () => insertSetting(db, setting)
      await insertAgain().catch(() => undefined)
    })
    await expect(write).rejects.toSatisfy(isUniqueViolation)
    const rows = await database.reader.selectFrom("instance_setting").select("name").execute()
    expect(rows.map(({ name }) => name)).not.toContain("fixed")
  })

  it.for([
    { name: "undefined", value: undefined },
    { name: "a date", value: new Date(0) },
    { name: "an object", value: { a: 1 } },
  ])("$name is refused as a value of a statement of fixed text", async ({ value }) => {
    const { database } = await open()
    const find = fixedStatement((db, { name }: { name: string }) =>
      db.selectFrom("instance_setting").select("name").where("name", "=", name),
    )
    const wrong = { name: value as unknown as string }
    await expect((async () => find(database.reader, wrong))()).rejects.toThrow(TypeError)
  })

  it("a pair of statements does both or neither, each with its own values", async () => {
    const { database } = await open()
    const insertBoth = fixedPair(
      (db, row: { name: string; value: string; updated_at: number }) =>
        db.insertInto("instance_setting").values(row),
      (db, row: KeyringKeyTable) => db.insertInto("keyring_key").values(row),
    )
    const write = (name: string, id: string) =>
      database.write(async ({ db }) => {
        const key = { id, purpose: `of ${name}`, wrapped_key: Uint8Array.of(1), created_at: 2 }
        await insertBoth(db, { name, value: `v ${name}`, updated_at: 1 }, { ...key, retired_at: null })
      })
    await write("pair-1", "pair-1")
    await write("pair-2", "pair-2")
    await expect(write("pair-3", "pair-1")).rejects.toSatisfy(isUniqueViolation)
    const settings = await database.reader
      .selectFrom("instance_setting")
      .select(["name", "value", "updated_at"])
      .where("name", "like", "pair-%")
      .orderBy("name")
      .execute()
    const keys = await database.reader
      .selectFrom("keyring_key")
      .select(["id", "purpose", "created_at"])
      .where("id", "like", "pair-%")
      .orderBy("id")
      .execute()
    expect(settings).toEqual([
      { name: "pair-1", value: "v pair-1", updated_at: 1 },
      { name: "pair-2", value: "v pair-2", updated_at: 1 },
    ])
    expect(keys).toEqual([
      { id: "pair-1", purpose: "of pair-1", created_at: 2 },
      { id: "pair-2", purpose: "of pair-2", created_at: 2 },
    ])
  })

  it("a statement of fixed text can't run when its write is over", async () => {
    const { database } = await open()
    const find = fixedStatement((db, { name }: { name: string }) =>
      db.selectFrom("instance_setting").select("name").where("name", "=", name),
    )
    const kept = await database.write(async ({ db }) => db)
    await expect((async () => find(kept, { name: "a" }))()).rejects.toThrow(/over/)
  })

  it("a counted row is a number", async () => {
    const storage = await open()
    await storage.database.write(({ db }) => insertProject(db))
    const { reader } = storage.database
    const row = await reader
      .selectFrom("project")
      .select((count) => [count.fn.countAll().as("count"), count.fn.sum("created_at").as("sum")])
      .executeTakeFirstOrThrow()
    expect(row).toMatchObject({ count: 1, sum: Date.UTC(2026, 0, 1) })
  })

  it("text sorts by code point", async () => {
    const storage = await open()
    const names = ["a", "B", "_", "é", "Z", "10", "9"]
    await storage.database.write(async ({ db }) => {
      for (const name of names)
        await db.insertInto("instance_setting").values({ name, value: "", updated_at: 1 }).execute()
    })
    const rows = await storage.database.reader
      .selectFrom("instance_setting")
      .select("name")
      .orderBy("name")
      .execute()
    expect(rows.map((row) => row.name)).toEqual(names.toSorted())
  })

  it("an error of the database quotes no value", async () => {
    const storage = await open()
    const setting = { name: "canary-name-5fd1", value: "canary-value-5fd1", updated_at: 1 }
    const insertTwice = storage.database.write(async ({ db }) => {
      await db.insertInto("instance_setting").values(setting).execute()
      await db.insertInto("instance_setting").values(setting).execute()
    })
    const error: unknown = await insertTwice.catch((thrown: unknown) => thrown)
    expect(error).toBeInstanceOf(DatabaseError)
    expect(isUniqueViolation(error)).toBe(true)
    const shown = `${String(error)} ${JSON.stringify(error)} ${error instanceof Error ? error.stack : ""}`
    expect(shown).not.toContain("canary")
  })

  it("a row that refers to nothing is refused", async () => {
    const storage = await open()
    const write = storage.database.write(({ db }) => insertChange(db, 1))
    await expect(write).rejects.toMatchObject({ name: "DatabaseError", kind: "foreign-key" })
  })

  it("a reader can't write", async () => {
    const { database } = await open()
    const insert = database.reader
      .insertInto("instance_setting")
      .values({ name: "a", value: "b", updated_at: 1 })
    await expect(insert.execute()).rejects.toMatchObject({ kind: "unavailable" })
  })

  it("a reader has no transactions", async () => {
    const storage = await open()
    await expect(storage.database.reader.transaction().execute(async () => 1)).rejects.toThrow(
      /no transactions/,
    )
  })
}
