/**
 * A program that is meant to be killed: it writes and records as fast as it can and says on its output what was
 * acknowledged, one id a line. Arguments: the data folder, a name for this run and, for PostgreSQL, a connection URI.
 */
import { writeSync } from "node:fs"
import { systemClock } from "../../clock.ts"
import { systemRandom } from "../../random.ts"
import { Secret } from "../../secret.ts"
import { openStorage } from "../../storage.ts"
import { anEvent, insertChange, nextRevision } from "./rows.ts"

const [dataFolder = "", run = "", connectionUri] = process.argv.slice(2)
const quiet = { info: () => undefined, warn: () => undefined, error: () => undefined }
const { database } = await openStorage(
  { dataFolder, ...(connectionUri === undefined ? {} : { connectionUri: new Secret(connectionUri) }) },
  { clock: systemClock, random: systemRandom, log: quiet },
)

async function writeForever(caller: number): Promise<never> {
  for (let count = 0; ; count++) {
    const id = `write ${run} ${caller} ${count}`
    await database.write(async ({ db, audit }) => {
      const revision = await nextRevision(db)
      await insertChange(db, revision, "project-1", id)
      audit(anEvent(id))
    })
    writeSync(1, `${id}\n`)
  }
}

async function recordForever(caller: number): Promise<never> {
  for (let count = 0; ; count++) {
    const id = `read ${run} ${caller} ${count}`
    await database.record([anEvent(id)], { projectIds: ["project-1"], actorIds: [] })
    writeSync(1, `${id}\n`)
  }
}

await Promise.all([0, 1, 2, 3].flatMap((caller) => [writeForever(caller), recordForever(caller)]))
