import { describeDatabase, type OpenTestStorage, type TestStorage } from "@coffer/testkit"
import { expect, it } from "vitest"
import { anEvent } from "../db/testing/rows.ts"
import { type PublicationQuery, readPublication } from "./publication.ts"
import { aWitnessedPast } from "./testing/witnessed-past.ts"

const nothing = { projectIds: [], actorIds: [] }
const everything = { from: 0, orgId: undefined, mostEvents: 1_000, mostBytes: 1_000_000 }

describeDatabase("sqlite", "what is published of a log", (open) => {
  boundedPublications(open)
  gaps(open)
  emptiedEvents(open)
})

/** Batches of four events: e0, e1, ..., of two organizations in turn. */
async function openWithEvents(open: OpenTestStorage, batches = 3): Promise<TestStorage> {
  const storage = await open()
  for (let batch = 0; batch < batches; batch += 1) {
    const events = [0, 1, 2, 3].map((index) => {
      const number = batch * 4 + index
      return anEvent(`e${number}`, { at: 1_000 + number, orgId: number % 2 === 0 ? "org-1" : "org-2" })
    })
    await storage.database.record(events, nothing)
  }
  return storage
}

async function publish({ database: { reader } }: TestStorage, query: Partial<PublicationQuery> = {}) {
  const { id } = await reader.selectFrom("audit_log").select("id").executeTakeFirstOrThrow()
  const publication = await readPublication(reader, { ...everything, logId: id, ...query })
  const shown = publication?.records.map(({ kind, type, at, line }) => {
    const { seq, size, from, to, event, at: headAt } = JSON.parse(line)
    // What a receiver may be told beside the line is what the line says.
    if (kind === "event") expect({ type, at }).toEqual({ type: event.type, at: event.at })
    else expect(type).toBe(`audit-${kind}`)
    if (kind === "head") expect(at).toBe(headAt)
    if (kind === "event") return `event ${seq}`
    return kind === "head" ? `head ${size}` : `gap ${from} to ${to} at ${at}`
  })
  return publication && { from: publication.from, next: publication.next, shown }
}

const events = (from: number, to: number) =>
  Array.from({ length: to - from + 1 }, (_, index) => `event ${from + index}`)

function boundedPublications(open: OpenTestStorage): void {
  it.for<{ what: string; query: Partial<PublicationQuery>; next: number; shown: string[] }>([
    { what: "everything", query: {}, next: 12, shown: [...events(0, 11), "head 12"] },
    { what: "what is behind a place", query: { from: 7 }, next: 12, shown: [...events(7, 11), "head 12"] },
    {
      what: "some events, with the newest head that they reach",
      query: { mostEvents: 9 },
      next: 9,
      shown: [...events(0, 8), "head 8"],
    },
    {
      what: "some events that reach no head",
      query: { from: 4, mostEvents: 3 },
      next: 7,
      shown: events(4, 6),
    },
    {
      what: "events of one organization",
      query: { from: 8, orgId: "org-1" },
      next: 12,
      shown: ["event 8", "event 10", "head 12"],
    },
  ])("is $what", async ({ query, next, shown }) => {
    const storage = await openWithEvents(open)
    expect(await publish(storage, query)).toEqual({ from: query.from ?? 0, next, shown })
  })

  it("is nothing at the end of a log, and of one that has no head", async () => {
    const storage = await openWithEvents(open)
    expect(await publish(storage, { from: 12 })).toBeUndefined()
    expect(await publish(storage, { logId: storage.random.uuid() })).toBeUndefined()
  })

  it("ends at the newest head: what stands behind it was signed by nobody", async () => {
    const storage = await openWithEvents(open)
    await storage.database.write(({ db }) => db.deleteFrom("audit_head").where("size", "=", 12).execute())
    expect(await publish(storage)).toEqual({ from: 0, next: 8, shown: [...events(0, 7), "head 8"] })
    expect(await publish(storage, { from: 8 })).toBeUndefined()
  })

  it("ends behind the page in which there were bytes enough", async () => {
    const storage = await openWithEvents(open, 30)
    expect(await publish(storage, { mostBytes: 1 })).toMatchObject({ next: 50 })
    expect(await publish(storage, { from: 50, mostBytes: 1 })).toMatchObject({ next: 100 })
    expect(await publish(storage)).toMatchObject({ next: 120 })
  })
}

function gaps(open: OpenTestStorage): void {
  it.for([
    { what: "before", from: 0, to: 3, shown: ["gap 0 to 3 at 1004", ...events(4, 11), "head 12"] },
    {
      what: "between",
      from: 5,
      to: 6,
      shown: [...events(0, 4), "gap 5 to 6 at 1007", ...events(7, 11), "head 12"],
    },
  ])("tells of events that are gone $what others", async ({ from, to, shown }) => {
    const storage = await openWithEvents(open)
    await removeEvents(storage, from, to)
    expect(await publish(storage)).toEqual({ from: 0, next: 12, shown })
  })

  it("tells of events that are gone up to the end", async () => {
    const storage = await openWithEvents(open)
    await removeEvents(storage, 10, 11)
    const { at } = await storage.database.reader
      .selectFrom("audit_head")
      .select("at")
      .where("size", "=", 12)
      .executeTakeFirstOrThrow()
    const shown = [...events(0, 9), `gap 10 to 11 at ${at}`, "head 12"]
    expect(await publish(storage)).toEqual({ from: 0, next: 12, shown })
  })
}

function emptiedEvents(open: OpenTestStorage): void {
  it("passes over events that retention emptied", async () => {
    const { storage, logId, start, emptied, end } = await aWitnessedPast(open)
    expect(emptied).toBeGreaterThanOrEqual(start)
    const published = await publish(storage, { logId, from: emptied })
    expect(published).toMatchObject({ from: emptied, next: end })
    expect(published?.shown).not.toContain(`event ${emptied}`)
    expect(published?.shown).toContain(`event ${end - 1}`)
  })
}

async function removeEvents({ database }: TestStorage, from: number, to: number): Promise<void> {
  await database.write(({ db }) =>
    db.deleteFrom("audit_event").where("seq", ">=", from).where("seq", "<=", to).execute(),
  )
}
