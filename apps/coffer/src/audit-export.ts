/** `coffer audit export`: events as lines of JSON with what proves them, or as a table for a spreadsheet. */

import { auditEventFields } from "@coffer/contract"
import { type AuditTrail, type ExportFilter, exportAuditLogs } from "@coffer/server"
import { Command, Option } from "commander"
import { addDataOption, type TrailFlags, withTrail } from "./audit-trail.ts"
import { CommandError } from "./command-error.ts"
import type { CommandContext } from "./context.ts"
import { counted } from "./counted.ts"
import { parseMoment } from "./moment.ts"
import { requireWritable, writePrivateFile } from "./private-file.ts"

type Flags = TrailFlags & {
  readonly format: "ndjson" | "csv"
  readonly from?: string
  readonly before?: string
  readonly projectId?: string
  readonly type?: readonly string[]
  readonly actor?: string
  readonly outputFile?: string
  readonly force?: boolean
  readonly silent?: boolean
}

const help = `
Lines of JSON carry signed heads, and hashes of the events that were not asked for: 'coffer audit verify
--export <file>' proves with the public key alone that none was edited, removed or added. A CSV proves nothing.

Examples:
  coffer audit export --from "30 days ago" --output-file november.ndjson
  coffer audit export --format csv --type delete-secret --type delete-secrets > deletions.csv
`

export function auditExportCommand(context: CommandContext): Command {
  return addDataOption(new Command("export"))
    .summary("write events to a file that can be checked without the database")
    .description("Writes the events of all logs, or those that are asked for, in the order of each log.")
    .addOption(
      new Option("-f, --format <format>", "ndjson with proofs, or csv")
        .choices(["ndjson", "csv"])
        .default("ndjson"),
    )
    .option("--from <time>", "events since then: '2026-01-31 14:00', 'yesterday', '30 days ago'")
    .option("--before <time>", "events before then")
    .option("--projectId <id>", "events of this project")
    .option("--type <type...>", "events of these types, such as get-secret")
    .option("--actor <id>", "events of this user or identity")
    .option("--output-file <file>", "write here, with mode 0600, instead of stdout")
    .option("--force", "replace a file of this name")
    .option("--silent", "no remarks")
    .addHelpText("after", help)
    .action((flags: Flags) => run(context, flags))
}

async function run(context: CommandContext, flags: Flags): Promise<void> {
  requireKnown(flags.type ?? [])
  const filter: ExportFilter = {
    from: timeOf(context, "--from", flags.from),
    before: timeOf(context, "--before", flags.before),
    projectId: flags.projectId,
    types: flags.type,
    actorId: flags.actor,
  }
  const count = { events: 0, lines: 0 }
  const to = fileOf(flags)
  if (to !== undefined) await requireWritable(to)
  await withTrail(context, flags, async (trail) => {
    const lines = watched(
      context,
      flags,
      count,
      flags.format === "csv" ? csvOf(trail, filter) : linesOf(trail, filter),
    )
    if (to !== undefined) return await writePrivateFile(to, lines)
    await context.terminal.printAll(lines)
  })
  if (flags.silent !== true) context.terminal.note(counted(count.events, "event"))
}

/** What is misspelt would export no event, and look as if nothing had happened. */
function requireKnown(types: readonly string[]): void {
  const unknown = types.filter((type) => !Object.hasOwn(auditEventFields, type))
  if (unknown.length === 0) return
  throw new CommandError(
    "invalid",
    `--type: there are no events of type ${unknown.join(", ")}; there are ${Object.keys(auditEventFields).sort().join(", ")}`,
  )
}

function fileOf({ outputFile, force }: Flags) {
  return outputFile === undefined ? undefined : { field: "--output-file", file: outputFile, force }
}

type Written = { readonly text: string; readonly isEvent: boolean }

async function* linesOf({ reader }: AuditTrail, filter: ExportFilter): AsyncGenerator<Written> {
  for await (const { kind, line } of exportAuditLogs(reader, filter)) {
    yield { text: `${line}\n`, isEvent: kind === "event" }
  }
}

const columns = [
  ...["at", "type", "orgId", "projectId", "actorType", "actorId", "actorName", "authMethod"],
  ...["ipAddress", "userAgent", "requestId", "metadata"],
]

async function* csvOf({ reader }: AuditTrail, filter: ExportFilter): AsyncGenerator<Written> {
  const { stringify } = await import("csv-stringify/sync")
  // A spreadsheet would take a cell that begins so for a formula (CWE-1236).
  const options = { escape_formulas: true }
  yield { text: stringify([columns], options), isEvent: false }
  for await (const exported of exportAuditLogs(reader, filter)) {
    if (exported.kind !== "event") continue
    const { at, type, orgId, projectId, actor, source, metadata } = JSON.parse(exported.body)
    const who = [actor.type, actor.id, actor.name, actor.authMethod]
    const from = [source.ipAddress, source.userAgent, source.requestId]
    const row = [
      new Date(at).toISOString(),
      type,
      orgId,
      projectId,
      ...who,
      ...from,
      JSON.stringify(metadata),
    ]
    yield { text: stringify([row], options), isEvent: true }
  }
}

/** Tells how far it is, at most once in two seconds. */
async function* watched(
  context: CommandContext,
  flags: Flags,
  count: { events: number; lines: number },
  written: AsyncIterable<Written>,
): AsyncGenerator<string> {
  let last = context.clock()
  for await (const { text, isEvent } of written) {
    yield text
    count.lines += 1
    if (isEvent) count.events += 1
    if (flags.silent === true || context.clock() - last < 2_000) continue
    last = context.clock()
    context.terminal.note(`Exported ${counted(count.events, "event")}, ${counted(count.lines, "line")} ...`)
  }
}

function timeOf(context: CommandContext, flag: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined
  const moment = parseMoment(flag, text, context.clock())
  if ("time" in moment && moment.time !== undefined) return Date.parse(moment.time)
  throw new CommandError("invalid", `${flag}: expected a time, such as '2026-01-31 14:00' or '30 days ago'`)
}
