import { describeDatabase } from "@coffer/testkit"
import { sql } from "kysely"
import { expect, it } from "vitest"
import type { Session } from "../actor.ts"
import { actorAt } from "../cache/index.ts"
import { anInstance, type Instance } from "../testing/test-app.ts"
import { endEpoch, writeInOrganization } from "./write.ts"

async function sessionOf({ test, adminId, orgId }: Instance): Promise<Session> {
  const record = await test.app.features.actors.get(adminId)
  const actor = record === undefined ? undefined : actorAt(record, orgId)
  if (actor === undefined) throw new Error("the admin is no actor")
  const source = { ipAddress: "127.0.0.1", userAgent: "", userAgentType: "other", requestId: "req-1" }
  const session: Session = { actor, source, route: "POST /test", refresh: async () => session }
  return session
}

describeDatabase("postgres", "a write under way", (open) => {
  it("is committed before the end of its actor's rights is acknowledged, or not at all", async () => {
    const instance = await anInstance(await open())
    const { features } = instance.test.app
    const order: string[] = []
    const began = Promise.withResolvers<void>()
    const goesOn = Promise.withResolvers<void>()
    const write = writeInOrganization(features, await sessionOf(instance), async () => {
      began.resolve()
      await goesOn.promise
    }).then(() => order.push("written"))
    await began.promise
    const revocation = features.database
      .write((scope) => endEpoch(features, scope, [instance.adminId]))
      .then(() => order.push("revoked"))
    while (order.length === 0 && !(await somebodyWaits(instance))) await new Promise(setImmediate)
    goesOn.resolve()
    await Promise.all([write, revocation])
    expect(order).toEqual(["written", "revoked"])
  })
})

/** Whether a transaction waits for the lock of another one in this database. */
async function somebodyWaits({ test }: Instance): Promise<boolean> {
  const { rows } = await sql<{ n: string }>`
    select count(*) as n from pg_stat_activity
    where datname = current_database() and wait_event_type = 'Lock'`.execute(test.storage.database.reader)
  return Number(rows[0]?.n) > 0
}
