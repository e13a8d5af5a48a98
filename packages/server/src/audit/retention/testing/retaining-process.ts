/**
 * A program that is meant to be killed: it records events and runs retention in small slices, over and over, and says on
 * its output when something was removed. Arguments: the data folder, the time to work at and, for PostgreSQL, a
 * connection URI.
 */
import { writeSync } from "node:fs"
import { anEvent } from "../../../db/testing/rows.ts"
import { systemRandom } from "../../../random.ts"
import { Secret } from "../../../secret.ts"
import { openStorage } from "../../../storage.ts"
import { runRetention } from "../run-retention.ts"

const [dataFolder = "", now = "0", connectionUri] = process.argv.slice(2)
const log = { info: () => undefined, warn: () => undefined, error: () => undefined }
const clock = { now: () => Number(now) }
const { database, keyring } = await openStorage(
  { dataFolder, ...(connectionUri === undefined ? {} : { connectionUri: new Secret(connectionUri) }) },
  { clock, random: systemRandom, log },
)

async function recordForever(): Promise<never> {
  for (;;) {
    const event = anEvent(systemRandom.uuid(), { at: clock.now() })
    await database.record([event], { projectIds: [], actorIds: [] })
  }
}

async function retainForever(): Promise<never> {
  for (;;) {
    const deps = { database, signer: keyring, clock, random: systemRandom, log }
    const removed = await runRetention(deps, { sliceSize: 7, pauseMs: 0 })
    writeSync(1, `${removed}\n`)
  }
}

writeSync(1, "begun\n")
await Promise.all([recordForever(), retainForever()])
