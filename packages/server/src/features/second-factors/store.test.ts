import { describeDatabase, type TestStorage } from "@coffer/testkit"
import { expect, it } from "vitest"
import { aColleague } from "../../testing/people.ts"
import { anInstance } from "../../testing/test-app.ts"
import { removeUnneededRecoveryCodes } from "./service.ts"
import {
  burnStep,
  confirmTotp,
  countRecoveryCodes,
  findTotp,
  hasPasskey,
  removeRecoveryCodes,
  removeTotp,
  replaceRecoveryCodes,
  saveUnconfirmedTotp,
  useRecoveryCode,
} from "./store.ts"

const hash = (n: number) => new Uint8Array(32).fill(n)

/** Ann and Bob, who have the same: one-time passwords that are not confirmed, and recovery codes 1 and 2. */
async function aScene(storage: TestStorage) {
  const instance = await anInstance(storage)
  const [ann, bob] = [
    (await aColleague(instance, { email: "ann@acme.test" })).id,
    (await aColleague(instance, { email: "bob@acme.test" })).id,
  ]
  const { database } = storage
  for (const userId of [ann, bob]) {
    await database.write(({ db }) => saveUnconfirmedTotp(db, { userId, secretSealed: hash(7), now: 1 }))
    await database.write(({ db }) => replaceRecoveryCodes(db, userId, { hashes: [hash(1), hash(2)], now: 1 }))
  }
  const addPasskey = (userId: string) =>
    database.write(({ db }) =>
      db
        .insertInto("user_passkey")
        .values({
          id: `passkey of ${userId}`,
          user_id: userId,
          name: "",
          public_key: hash(3),
          counter: 0,
          transports: "[]",
          created_at: 1,
          last_used_at: null,
        })
        .execute(),
    )
  const codesLeft = (userId: string) => countRecoveryCodes(database.reader, userId)
  return { database, reader: database.reader, ann, bob, addPasskey, codesLeft }
}

describeDatabase("sqlite", "second factors in the database", (open) => {
  it("a time step is burnt once, with all before it, for its own person alone", async () => {
    const { database, ann, bob } = await aScene(await open())
    const burn = (userId: string, step: number) => database.write(({ db }) => burnStep(db, userId, step))
    expect(await burn(ann, 10)).toBe(true)
    expect(await burn(ann, 10)).toBe(false)
    expect(await burn(ann, 9)).toBe(false)
    expect(await burn(bob, 9)).toBe(true)
    expect(await burn(ann, 11)).toBe(true)
    expect(await burn("nobody", 11)).toBe(false)
  })

  it("confirming and removing one-time passwords are about one person", async () => {
    const { database, reader, ann, bob } = await aScene(await open())
    await database.write(({ db }) => confirmTotp(db, ann, 5))
    expect((await findTotp(reader, ann))?.confirmedAt).toBe(5)
    expect((await findTotp(reader, bob))?.confirmedAt).toBeNull()
    await database.write(({ db }) => removeTotp(db, ann))
    expect(await findTotp(reader, ann)).toBeUndefined()
    expect(await findTotp(reader, bob)).toBeDefined()
  })

  it("an enrolment that was never confirmed begins anew; a confirmed one stays as it is", async () => {
    const { database, reader, ann } = await aScene(await open())
    const save = (n: number) =>
      database.write(({ db }) => saveUnconfirmedTotp(db, { userId: ann, secretSealed: hash(n), now: n }))
    await database.write(({ db }) => burnStep(db, ann, 10))
    expect(await save(8)).toBe(true)
    expect(await findTotp(reader, ann)).toMatchObject({ secretSealed: hash(8), lastStep: 0, createdAt: 8 })
    await database.write(({ db }) => confirmTotp(db, ann, 5))
    expect(await save(9)).toBe(false)
    expect(await findTotp(reader, ann)).toMatchObject({ secretSealed: hash(8), confirmedAt: 5 })
  })

  it("a recovery code is used up once, of the person whose it is", async () => {
    const { database, ann, bob, codesLeft } = await aScene(await open())
    const use = (userId: string, n: number) =>
      database.write(({ db }) => useRecoveryCode(db, { userId, hash: hash(n), now: 5 }))
    expect([await use(ann, 1), await use(ann, 1), await use(ann, 3)]).toEqual([true, false, false])
    expect([await codesLeft(ann), await codesLeft(bob)]).toEqual([1, 2])
    expect(await use(bob, 1)).toBe(true)
    await database.write(({ db }) => removeRecoveryCodes(db, ann))
    expect([await codesLeft(ann), await codesLeft(bob)]).toEqual([0, 1])
  })

  it("recovery codes go with the last factor, and no sooner: not with a passkey left, nor with one-time passwords", async () => {
    const { database, reader, ann, bob, addPasskey, codesLeft } = await aScene(await open())
    const tidy = (userId: string) => database.write(({ db }) => removeUnneededRecoveryCodes(db, userId))
    await database.write(({ db }) => confirmTotp(db, ann, 5))
    await tidy(ann)
    expect(await codesLeft(ann)).toBe(2)
    await database.write(({ db }) => removeTotp(db, ann))
    await addPasskey(ann)
    expect([await hasPasskey(reader, ann), await hasPasskey(reader, bob)]).toEqual([true, false])
    await tidy(ann)
    expect(await codesLeft(ann)).toBe(2)
    // Of Bob's only what was never confirmed is there.
    await tidy(bob)
    expect([await codesLeft(ann), await codesLeft(bob)]).toEqual([2, 0])
  })
})
