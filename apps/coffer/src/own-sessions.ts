/** `coffer account sessions`: one's own logins that are still open. */
import { Command } from "commander"
import { type ApiFlags, apiCommand } from "./api-command.ts"
import { CommandError } from "./command-error.ts"
import { connectAsPerson } from "./connection.ts"
import type { CommandContext } from "./context.ts"
import { printEnded, printSessions } from "./print-sessions.ts"

export function ownSessionsCommand(context: CommandContext): Command {
  return new Command("sessions")
    .summary("list one's own open sessions, or end them")
    .description("Lists one's own logins that are still open, and ends them.")
    .addCommand(listCommand(context))
    .addCommand(endCommand(context))
}

function listCommand(context: CommandContext): Command {
  return apiCommand("list")
    .summary("list one's own open sessions")
    .action(async (flags: ApiFlags) => {
      const { client } = await connectAsPerson(context, flags)
      printSessions(context, flags, await client.ownAccount.sessions())
    })
}

function endCommand(context: CommandContext): Command {
  return apiCommand("end")
    .argument("[session]", "id of a session")
    .option("--others", "all of one's own sessions but this one")
    .summary("end a session: whoever has its token or cookie is logged out")
    .action(async (id: string | undefined, flags: ApiFlags & { readonly others?: boolean }) => {
      if ((id === undefined) === (flags.others !== true)) {
        throw new CommandError("invalid", "name either a session or --others")
      }
      const { client } = await connectAsPerson(context, flags)
      printEnded(context, flags, await client.ownAccount.endSessions(id))
    })
}
