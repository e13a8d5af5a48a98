/** `coffer folders`: the folders of an environment. */
import { type FolderPlace, isApiError } from "@coffer/client"
import { Command } from "commander"
import { CommandError } from "../command-error.ts"
import { type ConfirmFlags, confirmLoss, confirmOption } from "../confirm.ts"
import { addConnectionOptions, type ConnectionFlags, connect } from "../connection.ts"
import type { CommandContext } from "../context.ts"
import { type OutputFormat, outputOption, printJson, printTable } from "../output.ts"
import { addPlaceOptions, type PlaceFlags, resolvePlace } from "../scope.ts"

type Flags = ConnectionFlags & PlaceFlags & { readonly output: OutputFormat }
type DeleteFlags = Flags & ConfirmFlags & { readonly force?: boolean }

const help = `
A folder is named by its path: /app/db, or below --path without the slash.

Examples:
  coffer folders list --project billing-api --env prod
  coffer folders create /app/db --project billing-api --env prod
  coffer folders rename /app/db database --project billing-api --env prod
  coffer folders delete /app/database --force --project billing-api --env prod
`

export function foldersCommand(context: CommandContext): Command {
  return new Command()
    .description("Lists, creates, renames and deletes folders.")
    .addCommand(listCommand(context))
    .addCommand(createCommand(context))
    .addCommand(renameCommand(context))
    .addCommand(deleteCommand(context))
    .addHelpText("after", help)
}

function withPlace(name: string): Command {
  return addConnectionOptions(addPlaceOptions(new Command(name))).addOption(outputOption())
}

function listCommand(context: CommandContext): Command {
  return withPlace("list")
    .summary("list every folder below a folder")
    .action(async (flags: Flags) => {
      const { client } = await connect(context, flags)
      const place = await resolvePlace(context, client, flags)
      const folders = (await client.folders.tree(place)).map((folder) => ({
        path: join(place.secretPath, folder.relativePath ?? folder.name),
        id: folder.id,
        description: folder.description,
        lastSecretModified: folder.lastSecretModified,
      }))
      if (flags.output === "json") return printJson(context.terminal, folders)
      const rows = folders.map((one) => [
        one.path,
        one.lastSecretModified ?? "",
        one.description ?? "",
        one.id,
      ])
      printTable(context.terminal, ["PATH", "SECRETS CHANGED", "DESCRIPTION", "ID"], rows, {
        say: `No folders below ${place.secretPath} in ${place.environment}.`,
        silent: flags.silent,
      })
    })
}

function createCommand(context: CommandContext): Command {
  return withPlace("create")
    .argument("<path>", "of the folder")
    .summary("create a folder with what is missing above it; one that exists stays")
    .action(async (path: string, flags: Flags) => {
      const { client } = await connect(context, flags)
      const { above, name } = split(await resolvePlace(context, client, flags), path)
      const folder = await client.folders.create(above, name)
      tell(context, flags, { id: folder.id, path: join(above.secretPath, name) })
    })
}

function renameCommand(context: CommandContext): Command {
  return withPlace("rename")
    .argument("<path>", "of the folder")
    .argument("<name>", "new name, without a path; secrets keep their ids")
    .summary("give a folder another name")
    .action(async (path: string, newName: string, flags: Flags) => {
      const { client } = await connect(context, flags)
      const { above, name } = split(await resolvePlace(context, client, flags), path)
      const folder = await client.folders.rename(above, name, newName)
      tell(context, flags, { id: folder.id, path: join(above.secretPath, folder.name) })
    })
}

function deleteCommand(context: CommandContext): Command {
  return withPlace("delete")
    .argument("<path>", "of the folder")
    .option("--force", "also with secrets and folders in it")
    .option(...confirmOption)
    .summary("delete a folder; 'coffer trash' brings it back")
    .action(async (path: string, flags: DeleteFlags) => {
      const { client } = await connect(context, flags)
      const place = await resolvePlace(context, client, flags)
      const { above, name } = split(place, path)
      const whole = join(above.secretPath, name)
      if (flags.force === true) {
        const loss = `Folder '${whole}' of ${place.environment} and everything in it would be deleted`
        await confirmLoss(context, flags, { loss, name })
      }
      const deleted = client.folders.delete(above, name, { force: flags.force === true })
      const folder = await deleted.catch((error: unknown) => {
        if (!isApiError(error) || !error.message.includes("forceDelete")) throw error
        const message = `Folder '${whole}' is not empty; --force deletes it with what it holds`
        throw new CommandError("invalid", message, { cause: error })
      })
      tell(context, flags, { id: folder.id, path: whole })
    })
}

/** The folder that holds it, and its name there. @throws CommandError "invalid" for the root */
function split(place: FolderPlace, path: string): { readonly above: FolderPlace; readonly name: string } {
  const whole = path.startsWith("/") ? path : join(place.secretPath, path)
  const trimmed = whole.replace(/\/+$/, "")
  const slash = trimmed.lastIndexOf("/")
  const name = trimmed.slice(slash + 1)
  if (name === "") throw new CommandError("invalid", "name a folder, such as /app: the root is always there")
  return { above: { ...place, secretPath: trimmed.slice(0, slash) || "/" }, name }
}

function join(above: string, below: string): string {
  return `${above.replace(/\/+$/, "")}/${below.replace(/^\/+/, "")}`
}

function tell(
  context: CommandContext,
  flags: Flags,
  folder: { readonly id: string; readonly path: string },
): void {
  if (flags.output === "json") printJson(context.terminal, folder)
  else printTable(context.terminal, ["PATH", "ID"], [[folder.path, folder.id]])
}
