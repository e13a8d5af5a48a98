import { aLog, type OpenTestStorage, type TestStorage } from "@coffer/testkit"
import { expect, it } from "vitest"
import { anEvent } from "../../db/testing/rows.ts"
import { Secret } from "../../secret.ts"
import { openAuditTrail } from "../../storage.ts"
import { createCheckpoint, parseCheckpoint, verifyAuditLogs } from "../index.ts"

const nothing = { projectIds: [], actorIds: [] }

function configOf({ dataFolder, connectionUri }: TestStorage) {
  return { dataFolder, ...(connectionUri === undefined ? {} : { connectionUri }) }
}

/** The audit logs as a command sees them that is not the server. */
export function auditTrailConformance(open: OpenTestStorage): void {
  it("is checked and published while the server goes on writing", async () => {
    const storage = await open()
    await storage.database.record([anEvent("first")], nothing)
    const trail = await openAuditTrail(configOf(storage), aLog())
    const writing = storage.database.record([anEvent("second")], nothing)
    const file = JSON.stringify(await createCheckpoint(trail.reader, trail.signer, storage.clock.now()))
    const checkpoint = parseCheckpoint(file, trail.signer.auditPublicKeyBytes)
    await writing
    const report = await verifyAuditLogs(trail.reader, trail.signer.auditPublicKeyBytes, { checkpoint })
    expect(report).toMatchObject({ isIntact: true, eventsChecked: 2 })
    await trail.close()
  })

  it("is open to who stopped the server as well", async () => {
    const storage = await open()
    await storage.database.record([anEvent("first")], nothing)
    await storage.database.close()
    const trail = await openAuditTrail(configOf(storage), aLog())
    const report = await verifyAuditLogs(trail.reader, trail.signer.auditPublicKeyBytes)
    expect(report).toMatchObject({ isIntact: true, eventsChecked: 1 })
    await trail.close()
  })

  it("can't be written through", async () => {
    const storage = await open()
    const trail = await openAuditTrail(configOf(storage), aLog())
    const insert = trail.reader
      .insertInto("instance_setting")
      .values({ name: "a", value: "b", updated_at: 1 })
      .execute()
    await expect(insert).rejects.toMatchObject({ kind: "unavailable" })
    await trail.close()
  })

  it("needs the root key that the database was made with", async () => {
    const storage = await open()
    const rootEncryptionKey = new Secret(Buffer.alloc(32, 9).toString("base64"))
    await expect(openAuditTrail({ ...configOf(storage), rootEncryptionKey }, aLog())).rejects.toMatchObject({
      code: "RootKeyWrong",
    })
  })
}
