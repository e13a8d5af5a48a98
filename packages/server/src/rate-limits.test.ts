import { describeDatabase } from "@coffer/testkit"
import { expect, it } from "vitest"
import { defaultRates } from "./http/index.ts"
import { aMachine, anInstance } from "./testing/test-app.ts"

const wrong = { clientId: "00000000-0000-4000-8000-000000000000", clientSecret: "wrong" }
const login = "/v1/auth/universal-auth/login"

describeDatabase("sqlite", "rate limits", (open) => {
  it("are off unless they are configured", async () => {
    const { test, adminToken: token } = await anInstance(await open())
    for (let n = 0; n < 300; n += 1) await test.ok("GET", "/v1/projects", { token })
  })

  it("are counted per actor, whatever the address, and answered with the contract's 429", async () => {
    const edge = { rates: { ...defaultRates, read: 2 } }
    const instance = await anInstance(await open(), { edge })
    const { test, adminToken: token } = instance
    const machine = await aMachine(instance, { orgRole: "admin" })
    await test.ok("GET", "/v1/projects", { token, from: "192.0.2.1" })
    await test.ok("GET", "/v1/identities", { token, from: "192.0.2.2" })
    const refused = await test.call("GET", "/v1/projects", { token, from: "192.0.2.3" })
    expect(refused).toMatchObject({
      status: 429,
      body: {
        statusCode: 429,
        error: "RateLimitExceeded",
        message: "Rate limit exceeded. Please try again in 60 seconds",
        reqId: expect.stringMatching(/^req-/),
      },
      headers: {
        "retry-after": "60",
        "x-ratelimit-limit": "2",
        "x-ratelimit-remaining": "0",
        "x-ratelimit-reset": "60",
      },
    })
    await test.ok("GET", "/v1/projects", { token: machine.token, from: "192.0.2.1" })
    await test.ok("GET", "/v1/projects", { token: machine.token })
    test.clock.advance(60_000)
    await test.ok("GET", "/v1/projects", { token })
  })

  it("count who has no valid token by address, and never the status", async () => {
    const edge = { rates: { ...defaultRates, read: 2 } }
    const { test } = await anInstance(await open(), { edge })
    const statuses: number[] = []
    for (const token of ["a", "b", "c"]) {
      statuses.push((await test.call("GET", "/v1/projects", { token, from: "192.0.2.1" })).status)
    }
    expect(statuses.at(-1)).toBe(429)
    expect((await test.call("GET", "/v1/projects", { token: "d", from: "192.0.2.9" })).status).not.toBe(429)
    for (let n = 0; n < 10; n += 1) await test.ok("GET", "/status", { from: "192.0.2.1" })
  })

  it("of failed logins hold always, over all clients of one address, and let the others in", async () => {
    const instance = await anInstance(await open(), { edge: { maxFailedLogins: 3 } })
    const { test } = instance
    const machine = await aMachine(instance)
    const { clientId, clientSecret } = machine
    const attempt = (body: object, from: string) => test.call("POST", login, { body: { ...body }, from })
    for (let n = 0; n < 5; n += 1) {
      expect((await attempt({ clientId, clientSecret }, "192.0.2.1")).status).toBe(200)
    }
    for (let n = 0; n < 3; n += 1) {
      const clientOfThatTry = `00000000-0000-4000-8000-00000000000${n}`
      expect((await attempt({ ...wrong, clientId: clientOfThatTry }, "192.0.2.1")).status).toBe(401)
    }
    expect((await attempt({ clientId, clientSecret }, "192.0.2.1")).status).toBe(429)
    expect((await attempt({ clientId, clientSecret }, "192.0.2.2")).status).toBe(200)
  })

  it("are the same for all addresses of one IPv6 network", async () => {
    const { test } = await anInstance(await open(), { edge: { maxFailedLogins: 1 } })
    expect((await test.call("POST", login, { body: wrong, from: "2001:db8::1" })).status).toBe(401)
    expect((await test.call("POST", login, { body: wrong, from: "2001:db8::ffff:2" })).status).toBe(429)
    expect((await test.call("POST", login, { body: wrong, from: "2001:db8:0:1::1" })).status).toBe(401)
  })

  it("VULN-236: believe no forwarded address but that of a trusted proxy", async () => {
    const config = { edge: { maxFailedLogins: 1 }, trustedProxies: ["10.0.0.0/8"] }
    const { test } = await anInstance(await open(), config)
    const attempt = (from: string, forwarded: string) =>
      test.call("POST", login, { body: wrong, from, headers: { "x-forwarded-for": forwarded } })
    expect((await attempt("192.0.2.1", "198.51.100.1")).status).toBe(401)
    expect((await attempt("192.0.2.1", "198.51.100.2")).status).toBe(429)
    expect((await attempt("10.0.0.1", "198.51.100.1")).status).toBe(401)
    expect((await attempt("10.0.0.1", "198.51.100.1")).status).toBe(429)
    expect((await attempt("10.0.0.1", "198.51.100.1, 198.51.100.3")).status).toBe(401)
  })
})
