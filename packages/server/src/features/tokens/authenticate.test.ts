import { describeDatabase } from "@coffer/testkit"
import { expect, it } from "vitest"
import { aColleague, anotherOrganization, claimsOf, logIn } from "../../testing/people.ts"
import { aMachine, anInstance, type Instance } from "../../testing/test-app.ts"

type Claims = Readonly<Record<string, unknown>>

/** Signed by this server, whatever it says: what a bug elsewhere might sign one day must open nothing here. */
function signed({ test }: Instance, claims: Claims): string {
  return test.storage.keyring.signToken(claims)
}

const statusOf = async ({ test }: Instance, token: string, url = "/v1/projects") =>
  (await test.call("GET", url, { token })).status

/** These routes also take a session that has no organization yet. */
const lenient = "/v1/organization"

describeDatabase("sqlite", "what a signed token has to say", (open) => {
  it("an identity's token opens nothing of a user, and a user's nothing of an identity", async () => {
    const instance = await anInstance(await open())
    const machine = await aMachine(instance)
    const person = claimsOf((await logIn(instance)).token)
    const ofMachine = claimsOf(machine.token)
    const userAsIdentity = {
      ...ofMachine,
      identityId: person["userId"],
      jti: person["tokenVersionId"],
    }
    const identityAsUser = {
      ...person,
      userId: machine.id,
      tokenVersionId: ofMachine["jti"],
    }
    expect(await statusOf(instance, signed(instance, ofMachine))).toBe(200)
    expect(await statusOf(instance, signed(instance, person))).toBe(200)
    for (const claims of [userAsIdentity, identityAsUser]) {
      const token = signed(instance, claims)
      // Also once its bearer is in memory, by the token of its own.
      for (let time = 1; time <= 2; time += 1) expect(await statusOf(instance, token)).toBe(401)
    }
  })

  it("a token family belongs to one identity, and a session to one user: under another name it is none", async () => {
    const instance = await anInstance(await open())
    const [one, other] = [await aMachine(instance), await aMachine(instance)]
    const colleague = await aColleague(instance)
    const [mine, theirs] = [await logIn(instance), await logIn(instance, colleague)]
    const swapped = [
      { ...claimsOf(one.token), jti: claimsOf(other.token)["jti"] },
      { ...claimsOf(mine.token), tokenVersionId: claimsOf(theirs.token)["tokenVersionId"] },
    ]
    for (const claims of swapped) {
      expect(
        await instance.test.call("GET", "/v1/projects", { token: signed(instance, claims) }),
      ).toMatchObject({
        status: 401,
        body: { message: "Failed to authorize: token has been revoked" },
      })
    }
    for (const { token } of [one, other, mine, theirs]) expect(await statusOf(instance, token)).toBe(200)
  })

  it("a token without an identity, an organization or a name of its own is none", async () => {
    const instance = await anInstance(await open())
    const identity = claimsOf((await aMachine(instance)).token)
    const person = claimsOf((await logIn(instance)).token)
    const broken: readonly Claims[] = [
      { ...identity, identityId: undefined },
      { ...identity, orgId: undefined },
      { ...identity, orgId: "" },
      { ...identity, jti: undefined },
      { ...identity, jti: 7 },
      { ...identity, exp: "never" },
      { ...identity, authTokenType: undefined },
      { ...person, userId: undefined },
      { ...person, tokenVersionId: undefined },
      // A person's session always ends.
      { ...person, exp: undefined },
      { ...person, authTokenType: "refreshToken" },
    ]
    for (const claims of broken) {
      const answer = await instance.test.call("GET", "/v1/projects", { token: signed(instance, claims) })
      expect(answer, JSON.stringify(claims)).toMatchObject({ status: 403, body: { error: "TokenError" } })
    }
  })

  it("a session of an organization that its user does not belong to opens nothing, leniently or not", async () => {
    const instance = await anInstance(await open())
    const colleague = await aColleague(instance)
    const foreign = await anotherOrganization(
      instance.test,
      (await aColleague(instance, { email: "x@acme.test" })).id,
    )
    const { token } = await logIn(instance, colleague)
    expect(await statusOf(instance, token, lenient)).toBe(200)
    const elsewhere = signed(instance, { ...claimsOf(token), organizationId: foreign })
    expect(await statusOf(instance, elsewhere, lenient)).toBe(401)
    expect(await statusOf(instance, elsewhere)).toBe(401)
  })

  it("who is no longer a member is refused at once, also where no organization is needed", async () => {
    const instance = await anInstance(await open())
    const { test, adminToken, orgId } = instance
    const colleague = await aColleague(instance)
    const { token, loginToken } = await logIn(instance, colleague)
    expect(await statusOf(instance, token, lenient)).toBe(200)
    await test.storage.database.write(async ({ db }) => {
      await db
        .updateTable("organization_membership")
        .set({ is_active: 0 })
        .where("actor_id", "=", colleague.id)
        .where("org_id", "=", orgId)
        .execute()
      // What a change through the HTTP API does besides ending the sessions.
      await db.updateTable("user_account").set({ epoch: 99 }).where("id", "=", colleague.id).execute()
    })
    test.app.features.actors.forget(colleague.id)
    expect(await statusOf(instance, token, lenient)).toBe(401)
    expect(await statusOf(instance, loginToken, lenient)).toBe(200)
    expect(await statusOf(instance, adminToken)).toBe(200)
  })

  it("trusted addresses of one family leave the other one out; only both together are everywhere", async () => {
    const instance = await anInstance(await open())
    const from = async (ranges: readonly string[]) => {
      const settings = { accessTokenTrustedIps: ranges.map((ipAddress) => ({ ipAddress })) }
      const { token } = await aMachine(instance, { settings })
      const status = async (address: string) =>
        (await instance.test.call("GET", "/v1/projects", { token, from: address })).status
      return [await status("192.0.2.1"), await status("2001:db8::1")]
    }
    expect(await from(["0.0.0.0/0"])).toEqual([200, 403])
    expect(await from(["::/0"])).toEqual([403, 200])
    expect(await from(["0.0.0.0/0", "::/0"])).toEqual([200, 200])
    expect(await from(["192.0.2.0/24", "::/0"])).toEqual([200, 200])
    expect(await from(["192.0.3.0/24", "2001:db9::/32"])).toEqual([403, 403])
  })

  it("a token that is longer than any of ours is refused before it is looked at", async () => {
    const instance = await anInstance(await open())
    const machine = await aMachine(instance)
    const padded = (length: number) => {
      const claims = { ...claimsOf(machine.token), padding: "" }
      const missing = length - signed(instance, claims).length
      const token = signed(instance, { ...claims, padding: "x".repeat(Math.floor((missing * 3) / 4)) })
      return token
    }
    const longest = padded(16 * 1024)
    expect(longest.length).toBeGreaterThan(16 * 1024 - 4)
    expect(longest.length).toBeLessThanOrEqual(16 * 1024)
    expect(await statusOf(instance, longest)).toBe(200)
    expect(await statusOf(instance, padded(16 * 1024 + 8))).toBe(403)
  })

  it("the uses of one token are counted for it alone, and a revoked one has none left", async () => {
    const instance = await anInstance(await open())
    const settings = { accessTokenNumUsesLimit: 2 }
    const [machine, other] = [await aMachine(instance, { settings }), await aMachine(instance, { settings })]
    expect(await statusOf(instance, machine.token)).toBe(200)
    const uses = async (token: string) => {
      const { reader } = instance.test.storage.database
      const id = String(claimsOf(token)["jti"])
      return await reader
        .selectFrom("access_token")
        .select("uses")
        .where("id", "=", id)
        .executeTakeFirstOrThrow()
    }
    expect([await uses(machine.token), await uses(other.token)]).toEqual([{ uses: 1 }, { uses: 0 }])
    expect(await statusOf(instance, machine.token)).toBe(200)
    expect(await statusOf(instance, machine.token)).toBe(401)
    expect(await instance.test.lastEvent()).toMatchObject({
      type: "request-refused",
      actor: { id: machine.id },
      metadata: { message: "Failed to authorize: the token has no uses left" },
    })
    expect(await statusOf(instance, other.token)).toBe(200)
  })
})
