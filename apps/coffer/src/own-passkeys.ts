/** `coffer account passkeys`: one's own passkeys. */
import type { CofferClient } from "@coffer/client"
import { Command } from "commander"
import { addPasskeyCommand } from "./add-passkey.ts"
import { type ApiFlags, apiCommand } from "./api-command.ts"
import { CommandError } from "./command-error.ts"
import { connectAsPerson } from "./connection.ts"
import type { CommandContext } from "./context.ts"
import { printJson, printTable } from "./output.ts"
import { type PasswordFlags, passwordFile, provenBy } from "./own-factors.ts"

export function passkeysCommand(context: CommandContext): Command {
  return new Command("passkeys")
    .summary("add, list, rename and remove one's own passkeys")
    .description("Adds, lists, renames and removes one's own passkeys.")
    .addCommand(addPasskeyCommand(context))
    .addCommand(listPasskeysCommand(context))
    .addCommand(renamePasskeyCommand(context))
    .addCommand(removePasskeyCommand(context))
}

const nameOrId = "name or id of a passkey"

function listPasskeysCommand(context: CommandContext): Command {
  return apiCommand("list")
    .summary("list one's own passkeys")
    .action(async (flags: ApiFlags) => {
      const { client } = await connectAsPerson(context, flags)
      const passkeys = await client.ownAccount.passkeys()
      if (flags.output === "json") return printJson(context.terminal, passkeys)
      const rows = passkeys.map((one) => [one.name, one.id, one.createdAt, one.lastUsedAt ?? "never"])
      printTable(context.terminal, ["NAME", "ID", "SINCE", "LAST USED"], rows, {
        say: "No passkeys yet.",
        silent: flags.silent,
      })
    })
}

function renamePasskeyCommand(context: CommandContext): Command {
  return apiCommand("rename")
    .argument("<passkey>", nameOrId)
    .argument("<name>", "what it is called from now on")
    .summary("call a passkey something else")
    .action(async (named: string, name: string, flags: ApiFlags) => {
      const { client } = await connectAsPerson(context, flags)
      const { id } = await findPasskey(client, named)
      const renamed = await client.ownAccount.renamePasskey(id, name)
      if (flags.output === "json") return printJson(context.terminal, renamed)
      context.terminal.print(`The passkey is called ${renamed.name}.`)
    })
}

function removePasskeyCommand(context: CommandContext): Command {
  return apiCommand("remove")
    .argument("<passkey>", nameOrId)
    .option(...passwordFile)
    .summary("remove a passkey, against the password")
    .action(async (named: string, flags: PasswordFlags) => {
      const { client } = await connectAsPerson(context, flags)
      const { id, name } = await findPasskey(client, named)
      const { password } = await provenBy(context, client, flags)
      await client.ownAccount.removePasskey(id, password)
      if (flags.output === "json") return printJson(context.terminal, { id, name, isRemoved: true })
      context.terminal.print(`The passkey ${name} is removed.`)
    })
}

/** @throws CommandError "not-found", or "invalid" when several have that name */
async function findPasskey(client: CofferClient, named: string) {
  const all = await client.ownAccount.passkeys()
  const [found, ...more] = all.filter(({ id, name }) => id === named || name === named)
  if (found === undefined) throw new CommandError("not-found", `you have no passkey '${named}'`)
  if (more.length === 0) return found
  throw new CommandError("invalid", `${more.length + 1} passkeys are called '${named}'; give an id`)
}
