/** `coffer restore`: a folder or an environment as it was at a revision or a time. */
import { Command } from "commander"
import { CommandError } from "../command-error.ts"
import { addConnectionOptions, type ConnectionFlags, connect } from "../connection.ts"
import type { CommandContext } from "../context.ts"
import { parseMoment } from "../moment.ts"
import { type OutputFormat, outputOption, printJson } from "../output.ts"
import { printRestoration } from "../restoration.ts"
import { addPlaceOptions, type PlaceFlags, resolvePlace } from "../scope.ts"

type Flags = ConnectionFlags &
  PlaceFlags & {
    readonly output: OutputFormat
    readonly to: string
    readonly preview?: boolean
    readonly yes?: boolean
    readonly recursive: boolean
  }

const help = `
Examples:
  coffer restore --project my-project --env prod --to "yesterday 14:00" --preview
  coffer restore --project my-project --env prod --to "yesterday 14:00" --yes
  coffer restore --project my-project --env prod --path /app --to 1234 --yes
`

export function restoreCommand(context: CommandContext): Command {
  const command = addConnectionOptions(addPlaceOptions(new Command()))
    .description(
      "Makes a folder, or with the default path an environment, what it was. Nothing is lost: every change becomes a new version, and the restore can be restored.",
    )
    .requiredOption("--to <moment>", "a revision, or a time as 'yesterday 14:00' or '2026-01-31 14:00'")
    .option("--preview", "show what would change, and change nothing")
    .option("--yes", "carry it out; without it only --preview works")
    .option("--no-recursive", "leave the folders below alone")
    .addOption(outputOption())
    .addHelpText("after", help)
  return command.action((flags: Flags) => run(context, flags))
}

async function run(context: CommandContext, flags: Flags): Promise<void> {
  if ((flags.preview === true) === (flags.yes === true)) {
    const both = flags.yes === true ? ", not both" : ""
    throw new CommandError("invalid", `give --preview to see what would change, or --yes to restore${both}`)
  }
  const moment = parseMoment("--to", flags.to, context.clock())
  const { client } = await connect(context, flags)
  const place = await resolvePlace(context, client, flags)
  const { recursive } = flags
  const preview = await client.history.previewRestore(place, moment, { recursive })
  const to = { revision: preview.toRevision }
  const shown =
    flags.yes === true && preview.items.length + preview.numberOfHidden > 0
      ? await client.history.restore(place, to, { recursive, expectedRevision: preview.revision })
      : preview
  if (flags.output === "json") printJson(context.terminal, shown)
  else printRestoration(context.terminal, shown)
}
