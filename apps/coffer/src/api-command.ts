/** What sub-commands begin with that ask the server and print what it says. */
import type { CofferClient } from "@coffer/client"
import { Command } from "commander"
import { addConnectionOptions, type ConnectionFlags, connect } from "./connection.ts"
import type { CommandContext } from "./context.ts"
import { type OutputFormat, outputOption } from "./output.ts"
import { addProjectOptions, type ProjectFlags, resolveProjectId } from "./scope.ts"

export type ApiFlags = ConnectionFlags & { readonly output: OutputFormat }
export type ProjectApiFlags = ApiFlags & ProjectFlags

/** A sub-command with the options of {@link ApiFlags}. */
export function apiCommand(name?: string): Command {
  return addConnectionOptions(new Command(name)).addOption(outputOption())
}

/** A sub-command with the options of {@link ProjectApiFlags}. */
export function projectCommand(name?: string): Command {
  return addProjectOptions(apiCommand(name))
}

/** @throws CommandError "invalid" when no project is named, or nothing to log in with is known */
export async function connectToProject(
  context: CommandContext,
  flags: ConnectionFlags & ProjectFlags,
): Promise<{ readonly client: CofferClient; readonly projectId: string }> {
  const { client } = await connect(context, flags)
  return { client, projectId: await resolveProjectId(context, client, flags) }
}
