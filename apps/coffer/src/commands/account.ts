/** `coffer account`: one's own password, second factors and sessions. */
import type { CofferClient } from "@coffer/client"
import { Command } from "commander"
import { type ApiFlags, apiCommand } from "../api-command.ts"
import { CommandError } from "../command-error.ts"
import { connectAsPerson } from "../connection.ts"
import type { CommandContext } from "../context.ts"
import { printJson, printTable } from "../output.ts"
import { recoveryCodesCommand, totpCommand } from "../own-factors.ts"
import { passkeysCommand } from "../own-passkeys.ts"
import { ownSessionsCommand } from "../own-sessions.ts"
import { readCredential, refuseStdinTwice } from "../secret-input.ts"

type PasswordFlags = ApiFlags & { readonly oldPasswordFile?: string; readonly passwordFile?: string }

const help = `
For people; a machine identity has no account. Passwords and codes are asked for without showing what is
typed, or read from files; no argument takes one.

Examples:
  coffer account show
  coffer account totp enrol
  coffer account recovery-codes renew
  coffer account passkeys add --name laptop
  coffer account sessions end --others
`

export function accountCommand(context: CommandContext): Command {
  return new Command()
    .description("Looks after one's own account: password, second factors, sessions.")
    .addCommand(showCommand(context))
    .addCommand(setPasswordCommand(context))
    .addCommand(totpCommand(context))
    .addCommand(recoveryCodesCommand(context))
    .addCommand(passkeysCommand(context))
    .addCommand(ownSessionsCommand(context))
    .addHelpText("after", help)
}

function showCommand(context: CommandContext): Command {
  return apiCommand("show")
    .summary("who is logged in, and what protects the account")
    .action(async (flags: ApiFlags) => {
      const { client } = await connectAsPerson(context, flags)
      const account = await readAccount(client)
      if (flags.output === "json") return printJson(context.terminal, account)
      const { totp, passkeys, recoveryCodesLeft } = account
      printTable(
        context.terminal,
        ["E-MAIL", "ROLE", "PASSWORD", "ONE-TIME PASSWORDS", "PASSKEYS", "RECOVERY CODES LEFT"],
        [
          [
            account.email,
            account.role,
            account.hasPassword ? "yes" : "none",
            totp === null ? "no" : totp.isConfirmed ? "yes" : "not confirmed yet",
            String(passkeys.length),
            String(recoveryCodesLeft),
          ],
        ],
      )
    })
}

async function readAccount({ ownAccount }: CofferClient) {
  const { id, email, firstName, lastName, role, hasPassword, joinedAt } = await ownAccount.get()
  const { totp, recoveryCodesLeft } = await ownAccount.secondFactors()
  const passkeys = await ownAccount.passkeys()
  const person = { id, email, firstName, lastName, role, joinedAt }
  return { ...person, hasPassword, totp, passkeys, recoveryCodesLeft }
}

function setPasswordCommand(context: CommandContext): Command {
  return apiCommand("set-password")
    .option("--old-password-file <file>", "file with the password of now, - for stdin (COFFER_PASSWORD)")
    .option("--password-file <file>", "file with the new password, - for stdin")
    .summary("change the password; all other sessions end")
    .action((flags: PasswordFlags) => setPassword(context, flags))
}

async function setPassword(context: CommandContext, flags: PasswordFlags): Promise<void> {
  refuseStdinTwice(["--old-password-file", flags.oldPasswordFile], ["--password-file", flags.passwordFile])
  const { client } = await connectAsPerson(context, flags)
  const { email, hasPassword } = await client.ownAccount.get()
  if (!hasPassword) {
    const message = `${email} has no password; an administrator makes a token for the first one with 'coffer users reset ${email}'`
    throw new CommandError("invalid", message)
  }
  const oldPassword = await readCredential(context, {
    question: "Password of now",
    file: ["--old-password-file", flags.oldPasswordFile],
    variable: ["COFFER_PASSWORD", context.config.password],
  })
  const newPassword = await readCredential(context, {
    question: "New password",
    file: ["--password-file", flags.passwordFile],
    confirm: true,
  })
  const body = { oldPassword: oldPassword.reveal(), newPassword: newPassword.reveal() }
  const { endedSessions } = await client.ownAccount.changePassword(body)
  if (flags.output === "json") return printJson(context.terminal, { email, endedSessions })
  context.terminal.print(`The password of ${email} is set; other sessions that ended: ${endedSessions}`)
}
