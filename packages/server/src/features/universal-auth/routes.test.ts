import { describeDatabase } from "@coffer/testkit"
import { expect, it } from "vitest"
import { aMachine, anInstance, aProject, type Instance, type Machine } from "../../testing/test-app.ts"

const loginPath = "/v1/auth/universal-auth/login"

function logIn({ test }: Instance, machine: Pick<Machine, "clientId" | "clientSecret">, from?: string) {
  const { clientId, clientSecret } = machine
  return test.call("POST", loginPath, {
    body: { clientId, clientSecret },
    ...(from === undefined ? {} : { from }),
  })
}

const wrongSecret = "0".repeat(64)

function guess(machine: Machine) {
  return { clientId: machine.clientId, clientSecret: wrongSecret }
}

async function isGood({ test }: Instance, token: string): Promise<number> {
  return (await test.call("GET", "/v1/projects", { token })).status
}

describeDatabase("sqlite", "universal auth", (open) => {
  it("an unknown client id and a wrong secret get the same answer, and the log tells them apart", async () => {
    const instance = await anInstance(await open())
    const machine = await aMachine(instance)
    const unknown = await logIn(instance, { clientId: "nobody", clientSecret: wrongSecret })
    expect((await instance.test.lastEvent())?.metadata).toMatchObject({
      reasonCode: "unknown-client-id",
      identityId: null,
    })
    const wrong = await logIn(instance, guess(machine))
    expect(await instance.test.lastEvent()).toMatchObject({
      type: "login-identity-universal-auth-failed",
      metadata: { reasonCode: "wrong-client-secret", identityId: machine.id, clientId: machine.clientId },
    })
    for (const answer of [unknown, wrong]) {
      expect(answer).toMatchObject({
        status: 401,
        body: { message: "Invalid credentials", error: "UnauthorizedError", statusCode: 401 },
      })
    }
  })

  it("three wrong secrets lock a source out for five minutes, also for the right secret, and nobody else", async () => {
    const instance = await anInstance(await open())
    const machine = await aMachine(instance)
    for (let attempt = 1; attempt <= 3; attempt += 1) {
      expect((await logIn(instance, guess(machine))).body.message).toBe("Invalid credentials")
    }
    const locked = "This identity auth method is temporarily locked, please try again later"
    expect(await logIn(instance, machine)).toMatchObject({ status: 401, body: { message: locked } })
    expect((await logIn(instance, machine, "192.0.2.9")).status).toBe(200)
    instance.test.clock.advance(300_000)
    expect((await logIn(instance, machine)).status).toBe(200)
  })

  it("a success clears the counter, and so does an administrator", async () => {
    const instance = await anInstance(await open())
    const machine = await aMachine(instance)
    for (let round = 1; round <= 4; round += 1) {
      await logIn(instance, guess(machine))
      await logIn(instance, guess(machine))
      expect((await logIn(instance, machine)).status).toBe(200)
    }
    for (let attempt = 1; attempt <= 3; attempt += 1) await logIn(instance, guess(machine))
    const path = `/v1/auth/universal-auth/identities/${machine.id}/clear-lockouts`
    const { deleted } = await instance.test.ok("POST", path, { token: instance.adminToken })
    expect(deleted).toBeGreaterThan(0)
    expect((await logIn(instance, machine)).status).toBe(200)
  })

  it("guessing from many sources locks the client id for all of them", async () => {
    const instance = await anInstance(await open())
    const machine = await aMachine(instance)
    for (let attempt = 0; attempt < 30; attempt += 1) {
      await logIn(instance, guess(machine), `192.0.2.${attempt + 1}`)
    }
    expect((await logIn(instance, machine, "198.51.100.1")).body.message).toContain("temporarily locked")
  })

  it.for([
    { variant: (id: string) => ` ${id}` },
    { variant: (id: string) => `${id} ` },
    { variant: (id: string) => id.toUpperCase() },
    { variant: (id: string) => `\t${id}\n` },
  ])("a variant of the client id's spelling does not get past the lockout", async ({ variant }) => {
    const instance = await anInstance(await open())
    const machine = await aMachine(instance)
    for (let attempt = 1; attempt <= 3; attempt += 1) await logIn(instance, guess(machine))
    const { clientSecret } = machine
    expect((await logIn(instance, { clientId: variant(machine.clientId), clientSecret })).status).toBe(401)
  })

  it("addresses of one IPv6 network count as one source", async () => {
    const instance = await anInstance(await open())
    const machine = await aMachine(instance)
    for (let attempt = 1; attempt <= 3; attempt += 1) {
      await logIn(instance, guess(machine), `2001:db8:1:2::${attempt}`)
    }
    expect((await logIn(instance, machine, "2001:db8:1:2::ffff")).status).toBe(401)
    expect((await logIn(instance, machine, "2001:db8:1:3::1")).status).toBe(200)
  })

  it("an expired client secret says so, only to who has it, and is revoked; its tokens live on", async () => {
    const instance = await anInstance(await open())
    const machine = await aMachine(instance, { clientSecret: { ttl: 60 } })
    instance.test.clock.advance(60_000)
    expect((await logIn(instance, guess(machine))).body.message).toBe("Invalid credentials")
    expect(await logIn(instance, machine)).toMatchObject({
      status: 401,
      body: { message: "Access denied due to expired client secret" },
    })
    expect((await logIn(instance, machine)).body.message).toBe("Invalid credentials")
    expect(await isGood(instance, machine.token)).toBe(200)
  })

  it("a client secret for two logins opens two, however many come at once", async () => {
    const instance = await anInstance(await open())
    const machine = await aMachine(instance, { clientSecret: { numUsesLimit: 3 } })
    const answers = await Promise.all([1, 2, 3, 4].map(() => logIn(instance, machine)))
    expect(answers.map((answer) => answer.status).sort()).toEqual([200, 200, 401, 401])
    const events = await instance.test.auditEvents()
    const failed = events.filter(({ type }) => type === "login-identity-universal-auth-failed")
    expect(failed.map(({ metadata }) => metadata["reasonCode"])).toEqual([
      "client-secret-used-up",
      "client-secret-used-up",
    ])
  })

  it("a source that is not trusted gets 403 before anything else is looked at", async () => {
    const instance = await anInstance(await open())
    const settings = { clientSecretTrustedIps: [{ ipAddress: "127.0.0.0/8" }, { ipAddress: "fd00::/8" }] }
    const machine = await aMachine(instance, { settings })
    expect(await logIn(instance, guess(machine), "192.0.2.1")).toMatchObject({
      status: 403,
      body: { message: "You are not allowed to access this resource from the current IP address" },
    })
    expect((await logIn(instance, machine, "fd00::1")).status).toBe(200)
    expect((await logIn(instance, machine, "::ffff:127.0.0.1")).status).toBe(200)
  })

  it("X-Forwarded-For counts only from a trusted proxy", async () => {
    const settings = { clientSecretTrustedIps: [{ ipAddress: "192.0.2.1" }, { ipAddress: "127.0.0.1" }] }
    const spoof = { "x-forwarded-for": "192.0.2.1" }
    const direct = await anInstance(await open())
    const one = await aMachine(direct, { settings })
    const body = ({ clientId, clientSecret }: Machine) => ({ clientId, clientSecret })
    const call = { headers: spoof, from: "203.0.113.5" }
    expect((await direct.test.call("POST", loginPath, { ...call, body: body(one) })).status).toBe(403)
    const proxied = await anInstance(await open(), { trustedProxies: ["203.0.113.0/24"] })
    const two = await aMachine(proxied, { settings })
    expect((await proxied.test.call("POST", loginPath, { ...call, body: body(two) })).status).toBe(200)
    expect((await proxied.test.lastEvent())?.source.ipAddress).toBe("192.0.2.1")
  })

  it("revoking a client secret ends the tokens that came through it, and only those", async () => {
    const instance = await anInstance(await open())
    const { test, adminToken: token } = instance
    const machine = await aMachine(instance)
    const path = `/v1/auth/universal-auth/identities/${machine.id}`
    const second = await test.ok("POST", `${path}/client-secrets`, { token, body: {} })
    const other = await logIn(instance, { ...machine, clientSecret: second.clientSecret })
    const { clientSecretData } = await test.ok("GET", `${path}/client-secrets`, { token })
    expect(clientSecretData).toHaveLength(2)
    const revoked = await test.ok("POST", `${path}/client-secrets/${machine.clientSecretId}/revoke`, {
      token,
    })
    expect(revoked.clientSecretData.isClientSecretRevoked).toBe(true)
    expect(await isGood(instance, machine.token)).toBe(401)
    expect(await isGood(instance, other.body.accessToken)).toBe(200)
    expect((await test.ok("GET", `${path}/client-secrets`, { token })).clientSecretData).toHaveLength(1)
    await test.ok("DELETE", path, { token })
    expect(await isGood(instance, other.body.accessToken)).toBe(401)
    expect((await test.call("GET", path, { token })).status).toBe(404)
  })

  it("deleting an identity ends its tokens at once", async () => {
    const instance = await anInstance(await open())
    const machine = await aMachine(instance)
    expect(await isGood(instance, machine.token)).toBe(200)
    await instance.test.ok("DELETE", `/v1/identities/${machine.id}`, { token: instance.adminToken })
    expect(await isGood(instance, machine.token)).toBe(401)
  })

  it("settings are changed field by field, and wrong ones are refused by name", async () => {
    const instance = await anInstance(await open())
    const { test, adminToken: token } = instance
    const machine = await aMachine(instance, { settings: { accessTokenTTL: 600 } })
    const path = `/v1/auth/universal-auth/identities/${machine.id}`
    const changed = await test.ok("PATCH", path, { token, body: { lockoutThreshold: 5 } })
    expect(changed.identityUniversalAuth).toMatchObject({ accessTokenTTL: 600, lockoutThreshold: 5 })
    const twice = await test.call("POST", path, { token, body: {} })
    expect(twice.status).toBe(400)
    const wrong = [
      { body: { lockoutThreshold: 31 }, status: 422, names: "lockoutThreshold" },
      { body: { accessTokenTTL: -1 }, status: 422, names: "accessTokenTTL" },
      { body: { accessTokenTTL: 1.5 }, status: 422, names: "accessTokenTTL" },
      { body: { accessTokenTrustedIps: [{ ipAddress: "10.0.0.0/33" }] }, status: 400, names: "10.0.0.0/33" },
      { body: { accessTokenTTL: 700, accessTokenMaxTTL: 600 }, status: 400, names: "accessTokenMaxTTL" },
    ]
    for (const { body, status, names } of wrong) {
      const answer = await test.call("PATCH", path, { token, body })
      expect(answer.status).toBe(status)
      expect(answer.body.message).toContain(names)
    }
  })

  it("an organization slug that is not the identity's is refused, its own is accepted", async () => {
    const instance = await anInstance(await open())
    const { clientId, clientSecret } = await aMachine(instance)
    const body = (organizationSlug: string) => ({ clientId, clientSecret, organizationSlug })
    const details = await instance.test.ok("GET", "/v1/identities/details", { token: instance.adminToken })
    const { slug } = details.identityDetails.organization
    expect((await instance.test.call("POST", loginPath, { body: body("other") })).status).toBe(401)
    expect((await instance.test.call("POST", loginPath, { body: body(slug) })).status).toBe(200)
    expect((await instance.test.call("POST", loginPath, { body: body("") })).status).toBe(200)
  })

  it("an unknown client id costs the same work as a wrong secret", async () => {
    const instance = await anInstance(await open())
    const settings = { lockoutThreshold: 30, lockoutCounterResetSeconds: 5 }
    const machine = await aMachine(instance, { settings })
    await aProject(instance)
    const measure = async (clientId: string) => {
      const started = process.hrtime.bigint()
      await logIn(instance, { clientId, clientSecret: wrongSecret })
      instance.test.clock.advance(60_000)
      return Number(process.hrtime.bigint() - started) / 1e6
    }
    const median = (times: readonly number[]) => times.toSorted((a, b) => a - b)[times.length >> 1] ?? 0
    const known: number[] = []
    const unknown: number[] = []
    for (let round = 0; round < 41; round += 1) {
      known.push(await measure(machine.clientId))
      unknown.push(await measure("00000000-0000-4000-8000-000000000000"))
    }
    const ratio = median(unknown) / median(known)
    expect(ratio).toBeGreaterThan(0.5)
    expect(ratio).toBeLessThan(2)
  })
})
