import { aClock } from "@coffer/testkit"
import { describe, expect, it } from "vitest"
import { AppError } from "../errors.ts"
import { defaultRates, FailedLoginLimit, RateLimitError, RateLimits, rateClassOf } from "./rate-limits.ts"

const read = "GET /api/v1/projects"

function refusalOf(act: () => unknown): RateLimitError | undefined {
  try {
    act()
    return undefined
  } catch (error) {
    if (error instanceof RateLimitError) return error
    throw error
  }
}

describe("classes of routes", () => {
  it.for([
    ["GET /api/v4/secrets/:secretName", "secrets"],
    ["PATCH /api/v3/secrets/batch/raw", "secrets"],
    ["GET /api/v1/secret/:secretId/secret-versions", "secrets"],
    ["GET /api/v2/secret-imports", "read"],
    ["GET /api/v1/projects", "read"],
    ["DELETE /api/v1/projects/:projectId", "write"],
    ["POST /api/v1/projects", "projects"],
    ["POST /api/v2/workspace", "projects"],
    ["POST /api/v1/identities", "identities"],
    ["GET /api/v1/identities", "read"],
  ])("%s counts as %s", ([route = "", rateClass]) => expect(rateClassOf(route)).toBe(rateClass))
})

describe("rate limits", () => {
  it("let a caller have its share of a minute, then say how long to wait, then begin anew", () => {
    const clock = aClock()
    const rates = new RateLimits(clock, { ...defaultRates, read: 3 })
    for (const _ of [1, 2, 3]) rates.take(read, "actor-1")
    clock.advance(20_500)
    expect(refusalOf(() => rates.take(read, "actor-1"))).toMatchObject({
      kind: "rate-limited",
      code: "RateLimitExceeded",
      message: "Rate limit exceeded. Please try again in 40 seconds",
      retryAfterSeconds: 40,
      limit: 3,
      resetSeconds: 40,
    })
    clock.advance(39_500)
    expect(refusalOf(() => rates.take(read, "actor-1"))).toBeUndefined()
  })

  it("count callers and classes apart", () => {
    const rates = new RateLimits(aClock(), { ...defaultRates, read: 1, write: 1 })
    rates.take(read, "actor-1")
    rates.take(read, "actor-2")
    rates.take("POST /api/v1/folders", "actor-1")
    expect(refusalOf(() => rates.take(read, "actor-1"))).toBeDefined()
  })

  it("CVE-2024-8185: remember a bounded number of callers, and forget those unseen for longest", () => {
    const rates = new RateLimits(aClock(), { ...defaultRates, read: 1 })
    for (let caller = 0; caller < 50_000; caller += 1) rates.take(read, `address-${caller}`)
    expect(rates.size).toBe(20_000)
    expect(refusalOf(() => rates.take(read, "address-49999"))).toBeDefined()
    expect(refusalOf(() => rates.take(read, "address-0"))).toBeUndefined()
  })
})

describe("failed logins", () => {
  const fail = async () => {
    throw new AppError("unauthenticated", "UnauthorizedError", "Invalid credentials")
  }

  it("count per address; success costs nothing", async () => {
    const clock = aClock()
    const logins = new FailedLoginLimit(clock, 2)
    for (let n = 0; n < 10; n += 1) expect(await logins.guard("a", async () => n)).toBe(n)
    for (const _ of [1, 2]) await expect(logins.guard("a", fail)).rejects.toThrow("Invalid credentials")
    await expect(logins.guard("a", async () => 1)).rejects.toMatchObject({ retryAfterSeconds: 60 })
    expect(await logins.guard("b", async () => 1)).toBe(1)
    clock.advance(60_000)
    expect(await logins.guard("a", async () => 1)).toBe(1)
  })

  it("are no more when they are tried at the same time", async () => {
    const logins = new FailedLoginLimit(aClock(), 5)
    const attempts = Array.from({ length: 100 }, () => logins.guard("a", fail))
    const ends = await Promise.allSettled(attempts)
    const messages = ends.map((end) => (end.status === "rejected" ? String(end.reason.message) : ""))
    expect(messages.filter((message) => message === "Invalid credentials")).toHaveLength(5)
  })

  it("give the places of attempts under way back, also over the end of a minute", async () => {
    const clock = aClock()
    const logins = new FailedLoginLimit(clock, 1)
    for (let n = 0; n < 3; n += 1) {
      const { promise, resolve } = Promise.withResolvers<void>()
      const underWay = logins.guard("a", () => promise)
      await expect(logins.guard("a", async () => 1)).rejects.toMatchObject({ retryAfterSeconds: 1 })
      clock.advance(60_000)
      await expect(logins.guard("a", async () => 1)).rejects.toThrow("Rate limit exceeded")
      resolve()
      await underWay
    }
    expect(await logins.guard("a", async () => 1)).toBe(1)
  })

  it("are neither an unreadable request nor a database that is away", async () => {
    const logins = new FailedLoginLimit(aClock(), 1)
    for (const error of [
      new AppError("unprocessable", "ValidationFailure", "x"),
      new AppError("unavailable", "DatabaseError", "x"),
      new Error("unforeseen"),
    ]) {
      await expect(logins.guard("a", async () => Promise.reject(error))).rejects.toBe(error)
    }
    expect(await logins.guard("a", async () => 1)).toBe(1)
  })

  it("CVE-2024-8185: of nobody take a bounded amount of memory", async () => {
    const logins = new FailedLoginLimit(aClock(), 5)
    for (let n = 0; n < 30_000; n += 1) await logins.guard(`address-${n}`, fail).catch(() => undefined)
    expect(logins.size).toBe(20_000)
  })
})
