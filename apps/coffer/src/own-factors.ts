/** `coffer account totp`, `recovery-codes` and `passkeys`: one's own second factors. */
import type { CofferClient } from "@coffer/client"
import { Command } from "commander"
import { type ApiFlags, apiCommand } from "./api-command.ts"
import { askForCode } from "./code-input.ts"
import { CommandError } from "./command-error.ts"
import { connectAsPerson } from "./connection.ts"
import type { CommandContext } from "./context.ts"
import { printJson, printTable } from "./output.ts"
import { readCredential } from "./secret-input.ts"
import type { SecretText } from "./secret-text.ts"

type CodeFlags = ApiFlags & { readonly codeFile?: string }
type PasswordFlags = ApiFlags & { readonly passwordFile?: string }

const codeFile = ["--code-file <file>", "file with a code, - for stdin; asked for without it"] as const
const passwordFile = [
  "--password-file <file>",
  "file with the password, - for stdin (COFFER_PASSWORD)",
] as const

export function totpCommand(context: CommandContext): Command {
  return new Command("totp")
    .summary("set up one-time passwords of an authenticator app, or remove them")
    .description("Sets up one-time passwords of an authenticator app (TOTP), or removes them.")
    .addCommand(enrolCommand(context))
    .addCommand(confirmCommand(context))
    .addCommand(removeTotpCommand(context))
}

function enrolCommand(context: CommandContext): Command {
  return apiCommand("enrol")
    .option(...passwordFile)
    .summary("show the secret for the app and ask for a first code; from then on every login needs one")
    .action(async (flags: PasswordFlags) => {
      const { client } = await connectAsPerson(context, flags)
      const enrolment = await client.ownAccount.enrolTotp(await provenBy(context, client, flags))
      if (flags.output === "json") return printJson(context.terminal, enrolment)
      const { renderUnicodeCompact } = await import("uqr")
      context.terminal.print(renderUnicodeCompact(enrolment.uri, { border: 2 }))
      context.terminal.print(`Scan this with an authenticator app, or type the secret: ${enrolment.secret}`)
      if (!context.terminal.isInteractive) {
        return context.terminal.note("It counts once 'coffer account totp confirm' has seen a code")
      }
      const ask = () => context.terminal.askHidden("Code that the app shows", "--code-file")
      const show = (code: SecretText) => client.ownAccount.confirmTotp(code.reveal())
      printRecoveryCodes(context, flags, await askForCode(context, ask, show))
    })
}

function confirmCommand(context: CommandContext): Command {
  return apiCommand("confirm")
    .option(...codeFile)
    .summary("make one-time passwords count that were set up before, with a code of the app")
    .action(async (flags: CodeFlags) => {
      const { client } = await connectAsPerson(context, flags)
      const code = await readCode(context, flags, "Code that the app shows")
      printRecoveryCodes(context, flags, await client.ownAccount.confirmTotp(code.reveal()))
    })
}

function removeTotpCommand(context: CommandContext): Command {
  return apiCommand("remove")
    .option(...codeFile)
    .summary("remove one-time passwords, against a code")
    .action(async (flags: CodeFlags) => {
      const { client } = await connectAsPerson(context, flags)
      const code = await readCode(context, flags, "Code of the app, or a recovery code")
      await client.ownAccount.removeTotp(code.reveal())
      if (flags.output === "json") return printJson(context.terminal, { isRemoved: true })
      context.terminal.print("One-time passwords are removed.")
    })
}

export function recoveryCodesCommand(context: CommandContext): Command {
  const renew = apiCommand("renew")
    .option(...codeFile)
    .summary("make ten new recovery codes in place of all there were, against a code")
    .action(async (flags: CodeFlags) => {
      const { client } = await connectAsPerson(context, flags)
      const code = await readCode(context, flags, "Code of the app, or a recovery code")
      printRecoveryCodes(context, flags, await client.ownAccount.renewRecoveryCodes(code.reveal()))
    })
  return new Command("recovery-codes")
    .summary("make new recovery codes, each of which stands in for a second factor once")
    .description("Makes new recovery codes, each of which stands in for a second factor once.")
    .addCommand(renew)
}

function printRecoveryCodes(
  context: CommandContext,
  flags: ApiFlags,
  recoveryCodes: readonly string[],
): void {
  if (flags.output === "json") {
    printJson(context.terminal, { recoveryCodes })
    return
  }
  for (const code of recoveryCodes) context.terminal.print(code)
  const advice = "Keep these recovery codes where the second factor is not; they are shown this once."
  if (flags.silent !== true) context.terminal.note(advice)
}

export function passkeysCommand(context: CommandContext): Command {
  return new Command("passkeys")
    .summary("list, rename and remove one's own passkeys")
    .description("Lists, renames and removes one's own passkeys. They are added in a browser.")
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

/** The password where the account has one; accounts of single sign-on may have none to ask for. */
async function provenBy(
  context: CommandContext,
  client: CofferClient,
  flags: PasswordFlags,
): Promise<{ readonly password?: string }> {
  const { hasPassword } = await client.ownAccount.get()
  if (!hasPassword) return {}
  const password = await readCredential(context, {
    question: "Password",
    file: ["--password-file", flags.passwordFile],
    variable: ["COFFER_PASSWORD", context.config.password],
  })
  return { password: password.reveal() }
}

async function readCode(context: CommandContext, flags: CodeFlags, question: string): Promise<SecretText> {
  return await readCredential(context, { question, file: ["--code-file", flags.codeFile] })
}
