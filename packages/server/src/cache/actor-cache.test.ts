import { describeDatabase } from "@coffer/testkit"
import { expect, it } from "vitest"
import { aColleague, anotherOrganization, claimsOf, enrol, logIn } from "../testing/people.ts"
import { aMachine, anInstance, aProject } from "../testing/test-app.ts"
import { ActorCache, actorAt } from "./actor-cache.ts"

describeDatabase("sqlite", "what is remembered of somebody", (open) => {
  it("is their own: organizations, roles and factors of others are not among it", async () => {
    const instance = await anInstance(await open())
    const { test, orgId } = instance
    const { id: project } = await aProject(instance)
    const ann = await logIn(instance)
    await enrol(test, ann.token)
    const bob = (await aColleague(instance)).id
    const other = await anotherOrganization(test, String(claimsOf(ann.token)["userId"]))
    const [viewer, none] = [await aMachine(instance, { project }), await aMachine(instance)]
    const cache = new ActorCache(test.storage.database.reader)
    const record = async (id: string) => {
      const found = await cache.get(id)
      if (found === undefined) throw new Error("nobody")
      return found
    }
    const rolesOf = async (id: string) =>
      [...(await record(id)).organizations].map(([organization, { role, memberships }]) => ({
        organization,
        role,
        projects: [...memberships].map(([at, grants]) => [at, ...grants.map((grant) => grant.role)]),
      }))
    expect(await rolesOf(bob)).toEqual([{ organization: orgId, role: "member", projects: [] }])
    expect(await rolesOf(viewer.id)).toEqual([
      { organization: orgId, role: "no-access", projects: [[project, "viewer"]] },
    ])
    expect(await rolesOf(none.id)).toEqual([{ organization: orgId, role: "no-access", projects: [] }])
    const userId = String(claimsOf(ann.token)["userId"])
    expect((await record(userId)).needsSecondFactor).toBe(true)
    expect((await record(bob)).needsSecondFactor).toBe(false)
    expect((await record(viewer.id)).needsSecondFactor).toBe(false)
    expect(actorAt(await record(bob), other)).toBeUndefined()
    expect(actorAt(await record(bob), orgId)).toMatchObject({ kind: "user", orgRole: "member", tokenId: "" })
    expect(await cache.get("00000000-0000-4000-8000-0000000000ff")).toBeUndefined()
  })

  it("never goes back to an older epoch, and is asked for anew once it was forgotten", async () => {
    const instance = await anInstance(await open())
    const { id } = await aMachine(instance)
    const { database } = instance.test.storage
    const cache = new ActorCache(database.reader)
    const epochAt = async () => (await cache.get(id))?.epoch
    const advance = () =>
      database.write(({ db }) =>
        db
          .updateTable("identity")
          .set((eb) => ({ epoch: eb("epoch", "+", 1) }))
          .where("id", "=", id)
          .execute(),
      )
    const first = (await epochAt()) ?? 0
    await advance()
    expect(await epochAt()).toBe(first)
    expect((await cache.reload(id))?.epoch).toBe(first + 1)
    await advance()
    cache.forget(id)
    expect(cache.peek(id)).toBeUndefined()
    expect(await epochAt()).toBe(first + 2)
  })
})
