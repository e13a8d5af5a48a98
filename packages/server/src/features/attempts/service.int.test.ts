import { describeDatabase } from "@coffer/testkit"
import { expect, it } from "vitest"
import { forgive, takeCodeAttempt, takePasswordAttempt } from "./index.ts"

describeDatabase("postgres", "attempts that come at the same time", (open) => {
  const many = <T>(attempt: (index: number) => Promise<T>) =>
    Promise.all(Array.from({ length: 20 }, (_, index) => attempt(index)))
  const allowed = (attempts: readonly unknown[]) => attempts.filter((one) => one !== undefined).length

  it("with a code are five for a person, also through two servers", async () => {
    const storage = await open()
    const servers = [storage, await open({ sameAs: storage, clock: storage.clock })]
    const attempts = await many((index) => takeCodeAttempt(servers[index % 2] ?? storage, "ann"))
    expect(allowed(attempts)).toBe(5)
  })

  it("with a password are ten for a person at an address; the right one forgives that person's", async () => {
    const storage = await open()
    const take = (person: string) => takePasswordAttempt(storage, person, "192.0.2.1")
    const attempts = await many(() => take("ann"))
    expect(allowed(attempts)).toBe(10)
    const right = attempts.find((one) => one !== undefined)
    if (right === undefined) throw new Error("none was allowed")
    await storage.database.write(({ db }) => forgive(db, right))
    const others = await many((index) => take(index % 2 === 0 ? "ann" : "bob"))
    expect(allowed(others)).toBe(20)
    expect(allowed(await many(() => take("bob")))).toBe(0)
  })
})
