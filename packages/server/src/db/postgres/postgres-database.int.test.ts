import {
  aClock,
  aLog,
  describeDatabase,
  describeWithPostgres,
  seededRandom,
  type TestStorage,
} from "@coffer/testkit"
import { sql } from "kysely"
import { expect, it } from "vitest"
import { verifyAuditLogs } from "../../audit/index.ts"
import { Secret } from "../../secret.ts"
import { openStorage } from "../../storage.ts"
import { anEvent, insertChange, insertProject, nextRevision } from "../testing/rows.ts"
import { openPostgresDatabase } from "./postgres-database.ts"

const nothing = { projectIds: [], actorIds: [] }
const hour = 3_600_000

function writeChange({ database }: Pick<TestStorage, "database">, path: string): Promise<number> {
  return database.write(async ({ db, audit }) => {
    const revision = await nextRevision(db)
    await insertChange(db, revision, "project-1", path)
    audit(anEvent(path))
    return revision
  })
}

async function expectIntact({ database, keyring }: TestStorage, logs: number): Promise<void> {
  const report = await verifyAuditLogs(database.reader, keyring.auditPublicKeyBytes)
  expect(report.findings).toEqual([])
  expect(report.logs).toHaveLength(logs)
}

async function eventIds({ database }: TestStorage): Promise<string[]> {
  return (await database.reader.selectFrom("audit_event").select("id").execute()).map((row) => row.id)
}

/** Who writes each log, until when, and where it would be gone on with; the oldest log first. */
function leasesOf({ database }: TestStorage) {
  return database.reader
    .selectFrom("audit_log")
    .select(["id", "writer", "writer_until", "snapshot_size"])
    .orderBy("created_at")
    .execute()
}

describeDatabase("postgres", "several processes on one database", (open) => {
  it("write the same project in one order, each into its own audit log", async () => {
    const first = await open()
    await first.database.write(({ db }) => insertProject(db))
    const second = await open({ sameAs: first })
    const revisions = await Promise.all(
      Array.from({ length: 60 }, (_, index) =>
        writeChange(index % 2 === 0 ? first : second, `change ${index}`),
      ),
    )
    expect(revisions.toSorted((left, right) => left - right)).toEqual(
      Array.from({ length: 60 }, (_, index) => index + 1),
    )
    expect(new Set(await eventIds(first)).size).toBe(60)
    await expectIntact(first, 2)
  })

  it("a witness shows what another process has committed", async () => {
    const first = await open()
    await first.database.write(({ db }) => insertProject(db))
    const second = await open({ sameAs: first })
    const revision = await writeChange(first, "change")
    const witness = await second.database.record([anEvent("read")], {
      projectIds: ["project-1"],
      actorIds: [],
    })
    expect(witness.projectRevisions.get("project-1")).toBe(revision)
  })

  it("a writer that was paused while another took its log over moves to a log of its own", async () => {
    const paused = await open()
    await paused.database.write(({ db }) => insertProject(db))
    await paused.database.record([anEvent("before")], nothing)
    // To the other process an hour has passed; to the paused one, no time at all.
    const other = await open({ sameAs: paused, clock: aClock(paused.clock.now() + hour) })
    await other.database.record([anEvent("taken over")], nothing)
    await paused.database.record([anEvent("woken up")], nothing)
    expect(await writeChange(paused, "written")).toBe(1)
    await other.database.record([anEvent("still here")], nothing)
    expect((await eventIds(paused)).toSorted()).toEqual([
      "before",
      "still here",
      "taken over",
      "woken up",
      "written",
    ])
    await expectIntact(paused, 2)
  })

  it("a write of a paused writer is run again, once, in its new log", async () => {
    const paused = await open()
    await paused.database.write(({ db }) => insertProject(db))
    await paused.database.record([anEvent("before")], nothing)
    const other = await open({ sameAs: paused, clock: aClock(paused.clock.now() + hour) })
    await other.database.record([anEvent("taken over")], nothing)
    expect(await writeChange(paused, "written")).toBe(1)
    expect((await eventIds(paused)).toSorted()).toEqual(["before", "taken over", "written"])
    await expectIntact(paused, 2)
  })

  it("a writer whose lease ran out while it was idle notices before it appends", async () => {
    const idle = await open()
    await idle.database.write(({ db }) => insertProject(db))
    await idle.database.record([anEvent("before")], nothing)
    const other = await open({ sameAs: idle, clock: aClock(idle.clock.now() + hour) })
    await other.database.record([anEvent("taken over")], nothing)
    const leases = await leasesOf(other)
    idle.clock.advance(hour)
    let attempts = 0
    await idle.database.write(async ({ db, audit }) => {
      attempts += 1
      await nextRevision(db)
      audit(anEvent("after"))
    })
    expect(attempts).toBe(1)
    await expectIntact(idle, 2)
    expect((await leasesOf(other))[0]).toEqual(leases[0])
  })

  it("a process that ends gives back its own log, and none that another took over", async () => {
    const ending = await open()
    await ending.database.record([anEvent("before")], nothing)
    const other = await open({ sameAs: ending, clock: aClock(ending.clock.now() + hour) })
    await other.database.record([anEvent("taken over")], nothing)
    const leases = await leasesOf(other)
    await ending.database.close()
    expect(await leasesOf(other)).toEqual(leases)
    await other.database.close()
    const next = await open({ sameAs: ending, clock: ending.clock })
    await next.database.record([anEvent("next")], nothing)
    await expectIntact(next, 1)
  })

  it("a log that does not lead to its newest head is tried by one process, and by none after it", async () => {
    const before = await open()
    await before.database.record([anEvent("before")], nothing)
    await before.database.write(({ db }) =>
      db
        .updateTable("audit_head")
        .set({ signature: Buffer.alloc(64) })
        .execute(),
    )
    await before.database.close()
    const first = await open({ sameAs: before, clock: before.clock })
    // All leases are over for those that come an hour later, and each finds a log of its own.
    const clock = aClock(before.clock.now() + hour)
    const later = [await open({ sameAs: before, clock }), await open({ sameAs: before, clock })]
    const errors = [first, ...later].map(
      ({ log }) => log.entries.filter(({ level }) => level === "error").length,
    )
    expect(errors).toEqual([1, 0, 0])
    expect(await leasesOf(first)).toHaveLength(3)
  })

  it.for([
    { afterMs: 60_000, logs: 2 },
    { afterMs: 60_001, logs: 1 },
  ])("a lease that nobody renews holds for a minute: one that starts $afterMs ms later makes $logs logs", async ({
    afterMs,
    logs,
  }) => {
    const first = await open()
    const second = await open({ sameAs: first, clock: aClock(first.clock.now() + afterMs) })
    expect(await leasesOf(second)).toHaveLength(logs)
  })

  it("a lease is renewed by writing", async () => {
    const storage = await open()
    for (let minute = 0; minute < 5; minute++) {
      await storage.database.record([anEvent(`minute ${minute}`)], nothing)
      storage.clock.advance(45_000)
    }
    const other = await open({ sameAs: storage, clock: storage.clock })
    await other.database.record([anEvent("other")], nothing)
    await expectIntact(storage, 2)
  })

  it("transactions that wait for each other are run again until both are done", async () => {
    const storage = await open()
    await storage.database.write(async ({ db }) => {
      await insertProject(db, "project-1")
      await insertProject(db, "project-2")
    })
    const both = (firstId: string, secondId: string) =>
      storage.database.write(async ({ db, audit }) => {
        await nextRevision(db, firstId)
        await sql`select pg_sleep(0.05)`.execute(db)
        await nextRevision(db, secondId)
        audit(anEvent(`${firstId} ${secondId}`))
      })
    await Promise.all([both("project-1", "project-2"), both("project-2", "project-1")])
    const rows = await storage.database.reader.selectFrom("project").select("revision").execute()
    expect(rows.map((row) => row.revision)).toEqual([2, 2])
    expect(await eventIds(storage)).toHaveLength(2)
    await expectIntact(storage, 1)
  })
})

describeDatabase("postgres", "lost connections", (open) => {
  const terminateOthers = sql`
    select pg_terminate_backend(pid) from pg_stat_activity
    where datname = current_database() and pid <> pg_backend_pid() and application_name like 'coffer %'`

  it("are errors that say so, and are replaced without a restart", async () => {
    const storage = await open()
    await storage.database.write(({ db }) => insertProject(db))
    const lost = storage.database.write(async ({ db }) => {
      await nextRevision(db)
      await sql`select pg_terminate_backend(pg_backend_pid())`.execute(db)
    })
    await expect(lost).rejects.toMatchObject({ kind: "unavailable" })
    expect(await writeChange(storage, "after")).toBe(1)
  })

  it("while idle are replaced unnoticed", async () => {
    const storage = await open()
    await storage.database.write(({ db }) => insertProject(db))
    const killer = await open({ sameAs: storage })
    await terminateOthers.execute(killer.database.reader)
    await expect.poll(() => writeChange(storage, "after").catch(() => 0)).toBeGreaterThan(0)
    await expect
      .poll(() =>
        storage.database.record([], nothing).then(
          () => "done",
          () => "lost",
        ),
      )
      .toBe("done")
  })

  it("in the middle of commits lose no acknowledged write, repeat none and leave the log intact", async () => {
    const storage = await open()
    await storage.database.write(({ db }) => insertProject(db))
    const killer = await open({ sameAs: storage })
    const acknowledged: string[] = []
    let refused = 0
    let isOver = false
    const callers = Array.from({ length: 6 }, async (_, caller) => {
      for (let count = 0; !isOver; count++) {
        const id = `${caller}/${count}`
        const action =
          caller % 2 === 0 ? writeChange(storage, id) : storage.database.record([anEvent(id)], nothing)
        await action.then(
          () => acknowledged.push(id),
          (error: unknown) => {
            expect(error).toMatchObject({ kind: "unavailable" })
            refused += 1
          },
        )
      }
    })
    for (let round = 0; round < 12; round++) {
      const goal = acknowledged.length + 15
      await expect.poll(() => acknowledged.length, { timeout: 20_000, interval: 2 }).toBeGreaterThan(goal)
      await terminateOthers.execute(killer.database.reader).catch(() => undefined)
    }
    isOver = true
    await Promise.all(callers)
    const ids = await eventIds(storage)
    expect(refused).toBeGreaterThan(0)
    expect(new Set(ids).size).toBe(ids.length)
    expect(acknowledged.filter((id) => !ids.includes(id))).toEqual([])
    const report = await verifyAuditLogs(storage.database.reader, storage.keyring.auditPublicKeyBytes)
    expect(report.findings).toEqual([])
  })
})

describeWithPostgres("first start", (postgres) => {
  const open = async (uri: string, name: string) =>
    openStorage(
      {
        dataFolder: "/nonexistent",
        connectionUri: new Secret(uri),
        rootEncryptionKey: new Secret(Buffer.alloc(32, 5).toString("base64")),
      },
      { clock: aClock(), random: seededRandom(name), log: aLog() },
    )

  it("replicas that start at once on an empty database agree on schema and keyring", async () => {
    const uri = await postgres().createDatabase()
    const storages = await Promise.all(["a", "b", "c"].map((name) => open(uri, name)))
    const hashes = storages.map(({ keyring }) =>
      Buffer.from(keyring.credentialHash("client-secret", "clear")).toString("hex"),
    )
    expect(new Set(hashes).size).toBe(1)
    await Promise.all(storages.map(({ database }) => database.close()))
  })

  it("a server that can't be reached is an error without the password", async () => {
    const uri = postgres().url.replace(/:(\d+)\//, ":1/")
    const error: unknown = await open(uri, "unreachable").catch((thrown: unknown) => thrown)
    expect(error).toMatchObject({ kind: "unavailable", message: expect.stringContaining("ECONNREFUSED") })
    expect(JSON.stringify(error) + String(error)).not.toContain(new URL(uri).password)
  })

  it("a wrong password is an error without the password", async () => {
    const url = new URL(await postgres().createDatabase())
    url.password = "canary-5fd1"
    const error: unknown = await open(url.href, "wrong").catch((thrown: unknown) => thrown)
    expect(String(error)).toContain("28P01")
    expect(String(error)).not.toContain("canary")
  })

  it("an answered commit is durable even where the server's default is not", async () => {
    const { database } = await open(await postgres().createDatabase(), "durable")
    const { rows } = await sql<{
      value: string
    }>`select current_setting('synchronous_commit') as value`.execute(database.reader)
    expect(rows).toEqual([{ value: "on" }])
    await database.close()
  })
})

describeDatabase("postgres", "a server without room", (open) => {
  it.for([
    { lack: "a full disk", code: "53100", message: /its disk is full/ },
    { lack: "a server that lets nobody write", code: "25006", message: /it is read-only/ },
  ])("$lack is found by the first write, and its end without one", async ({ code, message }) => {
    const storage = await open()
    const { database, log } = storage
    await database.write(({ db }) => insertProject(db))
    await expect(database.assertWritable()).resolves.toBeUndefined()
    await refuseToStore(storage, { rows: code, tables: code })
    await expect(database.assertWritable()).resolves.toBeUndefined()
    await expect(database.record([anEvent("refused")], nothing)).rejects.toThrow(message)
    for (let round = 0; round < 2; round += 1) {
      await expect(database.assertWritable()).rejects.toMatchObject({ kind: "unavailable", message })
    }
    await database.write(async ({ db }) => {
      await sql`drop event trigger refuse_tables`.execute(db)
      await sql`drop trigger refuse_rows on audit_event`.execute(db)
    })
    await expect(database.assertWritable()).resolves.toBeUndefined()
    await database.assertWritable()
    expect(
      log.entries.map((entry) => entry.message).filter((text) => /^The database can/.test(text)),
    ).toEqual([
      "The database can't be written: the server is not ready until it can",
      "The database can be written again",
    ])
    expect(await writeChange(storage, "after")).toBe(1)
  })

  it("a server that refuses only the trial is ready", async () => {
    const storage = await open()
    await refuseToStore(storage, { rows: "53100", tables: "42501" })
    await expect(storage.database.record([anEvent("refused")], nothing)).rejects.toThrow(/disk is full/)
    await expect(storage.database.assertWritable()).resolves.toBeUndefined()
  })
})

/** From now on an event, and a new table, are answered with these codes. */
async function refuseToStore(
  { database }: TestStorage,
  codes: { readonly rows: string; readonly tables: string },
): Promise<void> {
  const raise = (code: string) => sql.raw(`$$begin raise exception using errcode = '${code}'; end$$`)
  const statements = [
    sql`create function refuse_rows() returns trigger language plpgsql as ${raise(codes.rows)}`,
    sql`create function refuse_tables() returns event_trigger language plpgsql as ${raise(codes.tables)}`,
    sql`create trigger refuse_rows before insert on audit_event execute function refuse_rows()`,
    sql`create event trigger refuse_tables on ddl_command_start when tag in ('CREATE TABLE')
      execute function refuse_tables()`,
  ]
  await database.write(async ({ db }) => {
    for (const statement of statements) await statement.execute(db)
  })
}

describeWithPostgres("how long a write may take on PostgreSQL", (postgres) => {
  it("is a matter of the rows that it said it writes", async () => {
    const connectionUri = new Secret(await postgres().createDatabase())
    const deps = { clock: aClock(), random: seededRandom("long writes"), log: aLog() }
    const database = await openPostgresDatabase({ connectionUri, writeTimeoutMs: 50 }, deps)
    const slowWrite = (rows: number) =>
      database.write(async ({ db, expectRows }) => {
        if (rows > 0) expectRows(rows)
        await sql`select pg_sleep(0.3)`.execute(db)
        return "kept"
      })
    try {
      await expect(slowWrite(0)).rejects.toMatchObject({
        kind: "unavailable",
        message: expect.stringContaining("held the database for too long"),
      })
      expect(await slowWrite(100_000)).toBe("kept")
    } finally {
      await database.close()
    }
  })
})
