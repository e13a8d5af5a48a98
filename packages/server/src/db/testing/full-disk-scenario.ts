/**
 * A program that fills the disk under its database and says what happened, as JSON. Argument: a data folder on a disk
 * that is small.
 */
import { mkdirSync, readdirSync, rmSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { verifyAuditLogs } from "../../audit/index.ts"
import { systemClock } from "../../clock.ts"
import { AppError } from "../../errors.ts"
import { systemRandom } from "../../random.ts"
import { openStorage } from "../../storage.ts"
import { anEvent, insertChange, insertProject, nextRevision } from "./rows.ts"

const [dataFolder = ""] = process.argv.slice(2)
const ballast = join(dataFolder, "ballast")
mkdirSync(dataFolder)
writeFileSync(ballast, Buffer.alloc(1024 * 1024, 1))

const said: string[] = []
const keep = (_fields: object, message: string) => {
  if (message.startsWith("The database can")) said.push(message)
}
const log = { info: keep, warn: keep, error: keep }
const { database, keyring } = await openStorage(
  { dataFolder },
  { clock: systemClock, random: systemRandom, log },
)

function write(id: string): Promise<void> {
  return database.write(async ({ db, audit }) => {
    await insertChange(db, await nextRevision(db), "project-1", id)
    audit(anEvent(id, { metadata: { padding: "x".repeat(20_000) } }))
  })
}

async function isReady(): Promise<boolean> {
  try {
    await database.assertWritable()
    return true
  } catch (error) {
    if (error instanceof AppError && error.kind === "unavailable") return false
    throw error
  }
}

/** Writes in pairs that share commits, until one is refused. */
async function fill(acknowledged: string[]): Promise<unknown> {
  for (let round = 0; ; round++) {
    const ids = [`${round}a`, `${round}b`]
    const outcomes = await Promise.allSettled(ids.map(write))
    for (const [index, outcome] of outcomes.entries()) {
      if (outcome.status === "fulfilled") acknowledged.push(ids[index] ?? "")
    }
    const refused = outcomes.find((outcome) => outcome.status === "rejected")
    if (refused !== undefined) return refused.reason
  }
}

await database.write(({ db }) => insertProject(db))
const acknowledged: string[] = []
const wasReady = await isReady()
const refusal = await fill(acknowledged)
const isReadyWhileFull = await isReady()
rmSync(ballast)
const isReadyAgain = (await isReady()) && (await isReady())
await write("afterwards")
acknowledged.push("afterwards")

const events = await database.reader.selectFrom("audit_event").select("id").execute()
const changes = await database.reader.selectFrom("change").select("path").execute()
const eventIds = new Set(events.map((event) => event.id))
const paths = new Set(changes.map((change) => change.path ?? ""))
const report = await verifyAuditLogs(database.reader, keyring.auditPublicKeyBytes)
process.stdout.write(
  JSON.stringify({
    refusal:
      refusal instanceof AppError
        ? { kind: refusal.kind, message: refusal.message }
        : { message: String(refusal) },
    readiness: [wasReady, isReadyWhileFull, isReadyAgain],
    said,
    files: readdirSync(dataFolder).toSorted(),
    missing: acknowledged.filter((id) => !eventIds.has(id) || !paths.has(id)),
    halfDone: [...eventIds.symmetricDifference(paths)],
    acknowledgedAfterwards: eventIds.has("afterwards"),
    findings: report.findings,
  }),
)
await database.close()
