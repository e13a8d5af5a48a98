import type { Command } from "commander"

/** For a sub-command whose parent has the same flags, which commander would otherwise take from it. */
export function withParentFlags<F>(
  command: Command,
  action: (flags: F, names: readonly string[]) => Promise<void>,
): Command {
  return command.action((...parameters: unknown[]) => {
    const self = parameters.at(-1) as Command
    return action(mergeFlags<F>(self), self.args)
  })
}

/** The flags of a command; where it has only a default, what was said before its name counts. */
function mergeFlags<F>(command: Command): F {
  const merged: Record<string, unknown> = { ...command.parent?.opts() }
  for (const [name, value] of Object.entries(command.opts())) {
    const isOwn = command.getOptionValueSource(name) !== "default"
    if (isOwn || command.parent?.getOptionValueSource(name) !== "cli") merged[name] = value
  }
  return merged as F
}
