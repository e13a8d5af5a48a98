/** `coffer account totp` and `recovery-codes`: one's own second factors. */
import type { CofferClient } from "@coffer/client"
import { Command } from "commander"
import { type ApiFlags, apiCommand } from "./api-command.ts"
import { askForCode } from "./code-input.ts"
import { connectAsPerson } from "./connection.ts"
import type { CommandContext } from "./context.ts"
import { printJson } from "./output.ts"
import { readCredential } from "./secret-input.ts"
import type { SecretText } from "./secret-text.ts"

type CodeFlags = ApiFlags & { readonly codeFile?: string }
export type PasswordFlags = ApiFlags & { readonly passwordFile?: string }

const codeFile = ["--code-file <file>", "file with a code, - for stdin; asked for without it"] as const
export const passwordFile = [
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

export function printRecoveryCodes(
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

/** The password where the account has one; accounts of single sign-on may have none to ask for. */
export async function provenBy(
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
