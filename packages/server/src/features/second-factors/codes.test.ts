import { describeDatabase } from "@coffer/testkit"
import { expect, it } from "vitest"
import type { Session } from "../../actor.ts"
import { aColleague, claimsOf, codeOf, enrol, logIn } from "../../testing/people.ts"
import { anInstance, type Instance } from "../../testing/test-app.ts"
import { burnCode, newRecoveryCodes, takeCode, totpAddress } from "./codes.ts"
import { showFactor } from "./service.ts"
import { saveUnconfirmedTotp } from "./store.ts"

const secret = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"

function depsOf({ test }: Instance) {
  const lifetimes = { sessionSeconds: 86_400, commandLineTokenSeconds: 86_400 }
  return { ...test.app.features, lifetimes }
}

/** Whether a code proves something: to somebody whose one-time passwords count already, or who is about to confirm them. */
async function proves(instance: Instance, userId: string, code: string, isConfirmed: boolean) {
  const deps = depsOf(instance)
  const shown = await takeCode(deps, userId, code)
  const burnt = deps.database.write(({ db }) => burnCode(deps, db, shown, { isConfirmed }))
  return await burnt.catch((error: Error) => error.message.slice(0, 17))
}

async function beginEnrolment({ test }: Instance, userId: string): Promise<void> {
  const { keyring, clock, database } = test.storage
  const secretSealed = keyring.records.seal(totpAddress(userId), secret)
  await database.write(({ db }) => saveUnconfirmedTotp(db, { userId, secretSealed, now: clock.now() }))
}

describeDatabase("sqlite", "what a code proves", (open) => {
  it("one-time passwords that nobody confirmed are no second factor, and confirm themselves", async () => {
    const instance = await anInstance(await open())
    const { id } = await aColleague(instance)
    await beginEnrolment(instance, id)
    const code = codeOf(instance.test, secret)
    expect(await proves(instance, id, code, true)).toBe("The code is wrong")
    expect(await proves(instance, id, code, false)).toBe("totp")
  })

  it("confirmed ones confirm no enrolment again", async () => {
    const instance = await anInstance(await open())
    const { token } = await logIn(instance)
    const own = (await enrol(instance.test, token)).secret
    instance.test.clock.advance(60_000)
    const userId = String(claimsOf(token)["userId"])
    expect(await proves(instance, userId, codeOf(instance.test, own), false)).toBe("The code is wrong")
    expect(await proves(instance, userId, codeOf(instance.test, own), true)).toBe("totp")
  })

  it("a recovery code stands in for a factor, and confirms none", async () => {
    const instance = await anInstance(await open())
    const { id } = await aColleague(instance)
    await beginEnrolment(instance, id)
    const deps = depsOf(instance)
    const codes = await deps.database.write(({ db }) => newRecoveryCodes(deps, db, id))
    const code = (codes[0] ?? "").replaceAll("-", "")
    expect(await proves(instance, id, code, false)).toBe("The code is wrong")
    expect(await proves(instance, id, code, true)).toBe("recovery-code")
  })

  it("somebody without any factor has none to show", async () => {
    const instance = await anInstance(await open())
    const { id } = await aColleague(instance)
    for (const code of ["123456", "a".repeat(16)]) {
      expect(await proves(instance, id, code, true)).toBe("The code is wrong")
    }
  })
})

describeDatabase("sqlite", "a session that shows a second factor", (open) => {
  it("has to be open still when that is written: one that ended meanwhile gets no new token", async () => {
    const instance = await anInstance(await open())
    const { test } = instance
    const { token } = await logIn(instance)
    const { userId, tokenVersionId } = claimsOf(token)
    const actor = {
      kind: "user",
      id: userId,
      name: "root@acme.test",
      orgId: instance.orgId,
      tokenId: tokenVersionId,
    }
    const source = { ipAddress: "127.0.0.1", userAgent: "", userAgentType: "other", requestId: "r" }
    const caller = { actor: { ...actor, authMethod: "password" }, source, route: "POST /test" } as Session
    const ended = showFactor(depsOf(instance), caller, async (db) => {
      const end = db.updateTable("user_session").set({ revoked_at: 1 })
      await end.where("id", "=", String(tokenVersionId)).execute()
      return "totp"
    })
    await expect(ended).rejects.toMatchObject({ kind: "unauthenticated" })
    const unknown = { ...caller, actor: { ...caller.actor, tokenId: "none" } }
    await expect(showFactor(depsOf(instance), unknown, async () => "totp")).rejects.toMatchObject({
      kind: "unauthenticated",
    })
    const shown = await test.storage.database.reader
      .selectFrom("user_session")
      .select("id")
      .where("second_factor", "is not", null)
      .execute()
    expect(shown).toEqual([])
  })
})
