import { describeDatabase } from "@coffer/testkit"
import { expect, it } from "vitest"
import { aMachine, anInstance, type Instance } from "../../testing/test-app.ts"

type Credentials = { readonly clientId: string; readonly clientSecret: string }

const wrongSecret = "0".repeat(64)
const pathOf = (identityId: string) => `/v1/auth/universal-auth/identities/${identityId}`

function logIn({ test }: Instance, { clientId, clientSecret }: Credentials, from = "127.0.0.1") {
  return test.call("POST", "/v1/auth/universal-auth/login", { body: { clientId, clientSecret }, from })
}

const secretsOf = async ({ test, adminToken: token }: Instance, identityId: string) =>
  (await test.ok("GET", `${pathOf(identityId)}/client-secrets`, { token })).clientSecretData as readonly {
    readonly id: string
    readonly description: string
    readonly clientSecretNumUses: number
  }[]

describeDatabase("sqlite", "the client secrets of an identity", (open) => {
  it("open its own client id alone, and a try with another one uses none up", async () => {
    const instance = await anInstance(await open())
    const [one, other] = [await aMachine(instance), await aMachine(instance)]
    const mixed = { clientId: one.clientId, clientSecret: other.clientSecret }
    expect(await logIn(instance, mixed)).toMatchObject({
      status: 401,
      body: { message: "Invalid credentials" },
    })
    expect(await instance.test.lastEvent()).toMatchObject({
      actor: { id: one.id },
      metadata: { reasonCode: "wrong-client-secret", identityId: one.id },
    })
    const usesOf = async ({ id }: { readonly id: string }) =>
      (await secretsOf(instance, id)).map((secret) => secret.clientSecretNumUses)
    expect([await usesOf(one), await usesOf(other)]).toEqual([[1], [1]])
    expect((await logIn(instance, other)).status).toBe(200)
    expect([await usesOf(one), await usesOf(other)]).toEqual([[1], [2]])
  })

  it("open it whole: one that only begins or ends like it is wrong", async () => {
    const instance = await anInstance(await open())
    const machine = await aMachine(instance)
    const { clientSecret: clear } = machine
    const other = (character = "") => (character === "0" ? "1" : "0")
    for (const clientSecret of [
      clear.slice(0, -1) + other(clear.at(-1)),
      clear.slice(0, -1),
      `${clear}0`,
      clear.slice(0, 4),
      clear.slice(0, 4) + other(clear[4]) + clear.slice(5),
      other(clear[0]) + clear.slice(1),
      clear.toUpperCase(),
    ]) {
      const answer = await logIn(instance, { ...machine, clientSecret }, `192.0.2.${clientSecret.length}`)
      expect(answer, clientSecret).toMatchObject({ status: 401, body: { message: "Invalid credentials" } })
      await instance.test.ok("POST", `${pathOf(machine.id)}/clear-lockouts`, { token: instance.adminToken })
    }
    expect((await logIn(instance, machine)).status).toBe(200)
  })

  it("are shown, and revoked, under that identity alone", async () => {
    const instance = await anInstance(await open())
    const { test, adminToken: token } = instance
    const [one, other] = [await aMachine(instance), await aMachine(instance)]
    const foreign = `${pathOf(one.id)}/client-secrets/${other.clientSecretId}`
    expect((await test.call("GET", foreign, { token })).status).toBe(404)
    expect((await test.call("POST", `${foreign}/revoke`, { token })).status).toBe(404)
    expect((await logIn(instance, other)).status).toBe(200)
    expect((await secretsOf(instance, one.id)).map(({ id }) => id)).toEqual([one.clientSecretId])
  })

  it("are listed oldest first, without those that were revoked, each step with its event", async () => {
    const instance = await anInstance(await open())
    const { test, adminToken: token } = instance
    const machine = await aMachine(instance)
    const path = `${pathOf(machine.id)}/client-secrets`
    const ids: string[] = []
    for (const description of ["second", "third"]) {
      test.clock.advance(1_000)
      ids.push((await test.ok("POST", path, { token, body: { description } })).clientSecretData.id)
    }
    await test.ok("POST", `${path}/${ids[0]}/revoke`, { token })
    expect((await secretsOf(instance, machine.id)).map(({ description }) => description)).toEqual([
      "",
      "third",
    ])
    await test.ok("GET", `${path}/${ids[1]}`, { token })
    const identityId = machine.id
    const events = (await test.auditEvents()).slice(-5)
    expect(events.map(({ type, metadata }) => ({ type, ...metadata }))).toEqual([
      ...ids.map((clientSecretId) => ({
        type: "create-identity-universal-auth-client-secret",
        identityId,
        clientSecretId,
      })),
      { type: "revoke-identity-universal-auth-client-secret", identityId, clientSecretId: ids[0] },
      { type: "get-identity-universal-auth-client-secrets", identityId, numberOfClientSecrets: 2 },
      { type: "get-identity-universal-auth-client-secrets", identityId, numberOfClientSecrets: 1 },
    ])
  })

  it("open nothing of an identity that has left its organization", async () => {
    const instance = await anInstance(await open())
    const machine = await aMachine(instance)
    await instance.test.storage.database.write(({ db }) =>
      db.deleteFrom("organization_membership").where("actor_id", "=", machine.id).execute(),
    )
    expect((await logIn(instance, machine)).status).toBe(401)
    expect(await instance.test.lastEvent()).toMatchObject({
      type: "login-identity-universal-auth-failed",
      metadata: { reasonCode: "not-a-member", identityId: machine.id },
    })
  })

  it("a login leaves the event that names what it was made with", async () => {
    const instance = await anInstance(await open())
    const machine = await aMachine(instance)
    const { body } = await logIn(instance, machine)
    const claims = JSON.parse(Buffer.from(body.accessToken.split(".")[1], "base64url").toString())
    expect(await instance.test.lastEvent()).toMatchObject({
      type: "login-identity-universal-auth",
      orgId: instance.orgId,
      actor: { type: "identity", id: machine.id, name: "eso", authMethod: "universal-auth" },
      metadata: {
        identityId: machine.id,
        clientSecretId: machine.clientSecretId,
        identityAccessTokenId: claims.jti,
      },
    })
  })
})

describeDatabase("sqlite", "failed logins of a client id", (open) => {
  /** Counted failures by source; "" stands for all together. */
  const counted = async ({ test }: Instance) =>
    Object.fromEntries(
      (await test.storage.database.reader.selectFrom("login_failure").selectAll().execute()).map(
        ({ source, failures }) => [source, failures],
      ),
    )

  it("are forgotten with a right one from the same source, and stay for other sources and other clients", async () => {
    const instance = await anInstance(await open())
    const [machine, other] = [await aMachine(instance), await aMachine(instance)]
    const wrong = ({ clientId }: Credentials, from: string) =>
      logIn(instance, { clientId, clientSecret: wrongSecret }, from)
    await wrong(machine, "192.0.2.1")
    await wrong(machine, "192.0.2.2")
    await wrong(other, "192.0.2.3")
    expect(await counted(instance)).toMatchObject({ "192.0.2.1": 1, "192.0.2.2": 1, "192.0.2.3": 1 })
    expect((await logIn(instance, machine, "192.0.2.1")).status).toBe(200)
    expect(await counted(instance)).toEqual({ "": 1, "192.0.2.2": 1, "192.0.2.3": 1 })
    const clear = `${pathOf(machine.id)}/clear-lockouts`
    expect(await instance.test.ok("POST", clear, { token: instance.adminToken })).toEqual({ deleted: 1 })
    expect(await instance.test.lastEvent()).toMatchObject({
      type: "clear-identity-universal-auth-lockouts",
      metadata: { identityId: machine.id, deleted: 1 },
    })
    expect(await counted(instance)).toEqual({ "": 1, "192.0.2.3": 1 })
  })

  it("never lock where the lockout is off, and are not counted there", async () => {
    const instance = await anInstance(await open())
    const machine = await aMachine(instance, { settings: { lockoutEnabled: false } })
    for (let n = 0; n < 5; n += 1) {
      await logIn(instance, { clientId: machine.clientId, clientSecret: wrongSecret })
    }
    expect((await logIn(instance, machine)).status).toBe(200)
    expect(await counted(instance)).toEqual({})
  })

  it("that locked already do not lock once the lockout is turned off", async () => {
    const instance = await anInstance(await open())
    const machine = await aMachine(instance)
    for (let n = 0; n < 3; n += 1) {
      await logIn(instance, { clientId: machine.clientId, clientSecret: wrongSecret })
    }
    expect((await logIn(instance, machine)).status).toBe(401)
    await instance.test.ok("PATCH", pathOf(machine.id), {
      token: instance.adminToken,
      body: { lockoutEnabled: false },
    })
    expect((await logIn(instance, machine)).status).toBe(200)
  })
})
