/** How open sessions look: of oneself and of somebody else. */
import type { CofferClient } from "@coffer/client"
import type { ApiFlags } from "./api-command.ts"
import type { CommandContext } from "./context.ts"
import { printJson, printTable } from "./output.ts"

type Session = Awaited<ReturnType<CofferClient["users"]["sessions"]>>[number]

export function printSessions(context: CommandContext, flags: ApiFlags, sessions: readonly Session[]): void {
  if (flags.output === "json") {
    printJson(context.terminal, sessions)
    return
  }
  const rows = sessions.map((one) => [
    one.isCurrent ? `${one.id} (this one)` : one.id,
    one.createdAt,
    one.lastActiveAt,
    one.ipAddress,
    one.secondFactor === null ? one.authMethod : `${one.authMethod} + ${one.secondFactor}`,
    one.userAgent,
  ])
  printTable(context.terminal, ["ID", "SINCE", "LAST ACTIVE", "FROM", "METHOD", "WITH"], rows, {
    say: "No sessions.",
    silent: flags.silent,
  })
}

export function printEnded(
  context: CommandContext,
  flags: ApiFlags,
  ended: { readonly endedSessions: number },
): void {
  if (flags.output === "json") printJson(context.terminal, ended)
  else context.terminal.print(`Ended sessions: ${ended.endedSessions}`)
}
