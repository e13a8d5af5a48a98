/** The question before something goes that many depend on. */
import { CommandError } from "./command-error.ts"
import type { CommandContext } from "./context.ts"

export type ConfirmFlags = { readonly yes?: boolean }

export const confirmOption = ["--yes", "do not ask; for scripts"] as const

/**
 * Goes on only when a person types the name of what goes, or `--yes` was given.
 *
 * @param loss what goes, as a sentence without a full stop
 * @throws CommandError "invalid" when the answer is another one, or nobody is there to ask
 */
export async function confirmLoss(
  context: CommandContext,
  flags: ConfirmFlags,
  { loss, name }: { readonly loss: string; readonly name: string },
): Promise<void> {
  if (flags.yes === true) return
  if (!context.terminal.isInteractive) {
    throw new CommandError("invalid", `${loss}; nobody is there to ask, so say it with --yes`)
  }
  const answer = await context.terminal.ask(`${loss}. Type '${name}' to go on`, "--yes")
  if (answer !== name) throw new CommandError("invalid", "that is another name; nothing was changed")
}
