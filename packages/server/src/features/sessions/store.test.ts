import { describeDatabase, type TestStorage } from "@coffer/testkit"
import { expect, it } from "vitest"
import { aColleague } from "../../testing/people.ts"
import { anInstance } from "../../testing/test-app.ts"
import type { Session } from "./domain.ts"
import {
  insertSession,
  listSessions,
  lockSession,
  markSecondFactor,
  removeDeadSessions,
  revokeSessions,
  rotateRefreshToken,
  type SessionsToEnd,
} from "./store.ts"

const at: Omit<Session, "id" | "userId"> = {
  authMethod: "password",
  secondFactor: null,
  refreshVersion: 1,
  refreshedAt: 0,
  ipAddress: "192.0.2.1",
  userAgent: "",
  createdAt: 0,
  expiresAt: 1_000,
  revokedAt: null,
}

/** Sessions a1, a2 and a3 of one user, b1 of another. */
async function aScene(storage: TestStorage) {
  const instance = await anInstance(storage)
  const [ann, bob] = [
    (await aColleague(instance, { email: "ann@acme.test" })).id,
    (await aColleague(instance, { email: "bob@acme.test" })).id,
  ]
  const { database } = storage
  const insert = (session: Partial<Session> & Pick<Session, "id" | "userId">) =>
    database.write(({ db }) => insertSession(db, { ...at, ...session }))
  for (const [index, id] of ["a1", "a2", "a3"].entries()) await insert({ id, userId: ann, createdAt: index })
  await insert({ id: "b1", userId: bob })
  const rows = () => database.reader.selectFrom("user_session").selectAll().orderBy("id").execute()
  /** Ids of the sessions for which something holds. */
  const idsWhere = async (holds: (row: Awaited<ReturnType<typeof rows>>[number]) => boolean) =>
    (await rows()).filter(holds).map(({ id }) => id)
  return { database, ann, bob, insert, idsWhere }
}

describeDatabase("sqlite", "sessions in the database", (open) => {
  it("what is changed of one leaves the others: its refresh token, and the second factor that it has shown", async () => {
    const { database, idsWhere } = await aScene(await open())
    await database.write(({ db }) => rotateRefreshToken(db, "a2", { version: 7, now: 5 }))
    await database.write(({ db }) => markSecondFactor(db, "a2", "totp"))
    expect(await idsWhere((row) => row.refresh_version === 7 && row.refreshed_at === 5)).toEqual(["a2"])
    expect(await idsWhere((row) => row.refresh_version === 1)).toEqual(["a1", "a3", "b1"])
    expect(await idsWhere((row) => row.second_factor !== null)).toEqual(["a2"])
  })

  it("one is found for its own user alone, and locking it changes nothing", async () => {
    const { database, ann, bob } = await aScene(await open())
    const find = (userId: string, id: string) => database.write(({ db }) => lockSession(db, userId, id))
    expect(await find(ann, "a1")).toEqual({ ...at, id: "a1", userId: ann })
    expect(await find(bob, "a1")).toBeUndefined()
    expect(await find(ann, "none")).toBeUndefined()
  })

  it.for([
    { which: "one", of: (userId: string): SessionsToEnd => ({ userId, id: "a2" }), ended: ["a2"] },
    { which: "all", of: (userId: string): SessionsToEnd => ({ userId }), ended: ["a1", "a2", "a3"] },
    {
      which: "all but one",
      of: (userId: string): SessionsToEnd => ({ userId, except: "a2" }),
      ended: ["a1", "a3"],
    },
    {
      which: "one of somebody else",
      of: (userId: string): SessionsToEnd => ({ userId, id: "b1" }),
      ended: [],
    },
  ])("ends $which: $ended", async ({ of, ended }) => {
    const { database, ann, idsWhere } = await aScene(await open())
    const end = (now: number) => database.write(({ db }) => revokeSessions(db, of(ann), now))
    expect(await end(999)).toBe(ended.length)
    expect(await idsWhere((row) => row.revoked_at === 999)).toEqual(ended)
    expect(await idsWhere((row) => row.revoked_at === null)).toHaveLength(4 - ended.length)
    // What has ended, or is over, ends no more.
    expect(await end(999)).toBe(0)
    expect(await database.write(({ db }) => revokeSessions(db, { userId: ann }, 1_000))).toBe(0)
  })

  it("lists the open ones of a user, the newest first", async () => {
    const { database, ann, insert } = await aScene(await open())
    await insert({ id: "over", userId: ann, expiresAt: 500 })
    await insert({ id: "ended", userId: ann, revokedAt: 1 })
    const list = async (now: number) => (await listSessions(database.reader, ann, now)).map(({ id }) => id)
    expect(await list(499)).toEqual(["a3", "a2", "a1", "over"])
    expect(await list(500)).toEqual(["a3", "a2", "a1"])
  })

  it("are cleaned up once they are over, or ended long enough ago", async () => {
    const { database, ann, insert, idsWhere } = await aScene(await open())
    await insert({ id: "just-over", userId: ann, expiresAt: 99 })
    await insert({ id: "not-over", userId: ann, expiresAt: 100 })
    await insert({ id: "long-ended", userId: ann, revokedAt: 49 })
    await insert({ id: "lately-ended", userId: ann, revokedAt: 50 })
    expect(await database.write(({ db }) => removeDeadSessions(db, { expired: 100, revoked: 50 }))).toBe(2)
    expect(await idsWhere(() => true)).toEqual(["a1", "a2", "a3", "b1", "lately-ended", "not-over"])
  })
})
