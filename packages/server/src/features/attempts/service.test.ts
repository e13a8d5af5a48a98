import { describeDatabase, type TestStorage } from "@coffer/testkit"
import { expect, it } from "vitest"
import { clearAttempts, forgive, pruneAttempts, takeCodeAttempt, takePasswordAttempt } from "./index.ts"

const minuteMs = 60_000

/** How many of `count` attempts may be answered. */
async function answered(count: number, attempt: () => Promise<unknown>): Promise<number> {
  let allowed = 0
  for (let n = 0; n < count; n += 1) if ((await attempt()) !== undefined) allowed += 1
  return allowed
}

const password = (storage: TestStorage, person: string, from: string) =>
  takePasswordAttempt(storage, person, from)

/** An attempt that turned out to be right. */
async function right(storage: TestStorage, person: string, from: string): Promise<boolean> {
  const attempt = await password(storage, person, from)
  if (attempt === undefined) return false
  await storage.database.write(({ db }) => forgive(db, attempt))
  return true
}

const counts = async ({ database }: TestStorage) =>
  (await database.reader.selectFrom("login_attempt").select(["subject", "source", "attempts"]).execute()).map(
    ({ subject, source, attempts }) => `${subject} ${source} ${attempts}`,
  )

describeDatabase("sqlite", "attempts with a password", (open) => {
  it("one address gets three hundred for everybody together, and other addresses as many of their own", async () => {
    const storage = await open()
    let person = 0
    const anybody = (from: string) => () => {
      person += 1
      return password(storage, `p${person}`, from)
    }
    expect(await answered(301, anybody("192.0.2.1"))).toBe(300)
    expect(await answered(1, anybody("192.0.2.2"))).toBe(1)
    storage.clock.advance(15 * minuteMs)
    expect(await answered(1, anybody("192.0.2.1"))).toBe(1)
  })

  it("slow ones never add up: each quarter of an hour begins anew", async () => {
    const storage = await open()
    for (let quarter = 0; quarter < 3; quarter += 1) {
      expect(await answered(9, () => password(storage, "ann", "192.0.2.1"))).toBe(9)
      storage.clock.advance(15 * minuteMs)
    }
  })

  it("a right one forgives the person's own at that address, and nobody else's anywhere", async () => {
    const storage = await open()
    await answered(9, () => password(storage, "ann", "192.0.2.1"))
    await answered(9, () => password(storage, "bob", "192.0.2.1"))
    await answered(9, () => password(storage, "ann", "192.0.2.2"))
    expect(await right(storage, "ann", "192.0.2.1")).toBe(true)
    expect((await counts(storage)).toSorted()).toEqual(
      [
        "password:* 192.0.2.1 18",
        "password:* 192.0.2.2 9",
        "password:ann  18",
        "password:ann 192.0.2.2 9",
        "password:bob  9",
        "password:bob 192.0.2.1 9",
      ].toSorted(),
    )
    expect(await answered(3, () => password(storage, "bob", "192.0.2.1"))).toBe(1)
    expect(await answered(3, () => password(storage, "ann", "192.0.2.2"))).toBe(1)
    expect(await answered(3, () => password(storage, "ann", "192.0.2.1"))).toBe(3)
  })

  it("one that is refused is not counted against the person elsewhere", async () => {
    const storage = await open()
    await answered(50, () => password(storage, "ann", "192.0.2.1"))
    expect(await counts(storage)).toContain("password:ann  10")
  })

  it("addresses of one IPv6 network are one", async () => {
    const storage = await open()
    let host = 0
    const next = () => {
      host += 1
      return password(storage, "ann", `2001:db8::${host.toString(16)}`)
    }
    expect(await answered(12, next)).toBe(10)
  })
})

describeDatabase("sqlite", "attempts with a code", (open) => {
  it("are five for a person, from wherever; the right one forgives them, and passwords are counted apart", async () => {
    const storage = await open()
    await answered(4, () => takeCodeAttempt(storage, "ann"))
    const attempt = await takeCodeAttempt(storage, "ann")
    if (attempt === undefined) throw new Error("the fifth was refused")
    await storage.database.write(({ db }) => forgive(db, attempt))
    expect(await answered(7, () => takeCodeAttempt(storage, "ann"))).toBe(5)
    expect(await answered(1, () => takeCodeAttempt(storage, "bob"))).toBe(1)
    expect(await answered(1, () => password(storage, "ann", "192.0.2.1"))).toBe(1)
  })
})

describeDatabase("sqlite", "whom an administrator unlocks", (open) => {
  it("may try passwords and codes again from everywhere; who is not unlocked stays locked", async () => {
    const storage = await open()
    for (const person of ["ann", "bob"]) {
      await answered(10, () => password(storage, person, "192.0.2.1"))
      await answered(5, () => takeCodeAttempt(storage, person))
    }
    await storage.database.write(({ db }) => clearAttempts(db, "ann"))
    const mayTry = async (person: string) => [
      await answered(1, () => password(storage, person, "192.0.2.1")),
      await answered(1, () => takeCodeAttempt(storage, person)),
    ]
    expect(await mayTry("ann")).toEqual([1, 1])
    expect(await mayTry("bob")).toEqual([0, 0])
  })
})

describeDatabase("sqlite", "counts of attempts that are cleaned up", (open) => {
  it("are those that have locked nobody for long: older than an hour", async () => {
    const storage = await open()
    await answered(10, () => password(storage, "ann", "192.0.2.1"))
    storage.clock.advance(60 * minuteMs)
    await answered(10, () => password(storage, "bob", "192.0.2.2"))
    expect(await pruneAttempts(storage)).toBe(0)
    storage.clock.advance(1)
    expect(await pruneAttempts(storage)).toBe(3)
    expect(await answered(1, () => password(storage, "bob", "192.0.2.2"))).toBe(0)
  })
})
