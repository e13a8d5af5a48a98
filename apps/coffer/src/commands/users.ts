/** `coffer users`: the people of the organization. */
import { Command } from "commander"
import { type ApiFlags, apiCommand } from "../api-command.ts"
import { CommandError } from "../command-error.ts"
import { type ConfirmFlags, confirmLoss, confirmOption } from "../confirm.ts"
import { connect, connectAnonymously, resolveDomain } from "../connection.ts"
import type { CommandContext } from "../context.ts"
import { findUser, type User } from "../find-user.ts"
import { noteRest, printJson, printTable } from "../output.ts"
import { printEnded, printSessions } from "../print-sessions.ts"
import { readCredential, refuseStdinTwice } from "../secret-input.ts"

const help = `
People are named by their e-mail address or their id. 'reset' makes a token that you hand over; with it the
person sets a new password, once, within a day:  coffer users set-password --token-file token.txt

Examples:
  coffer users list
  coffer users role ann@example.com admin
  coffer users deactivate ann@example.com
  coffer users sessions ann@example.com --end-all
`

export function usersCommand(context: CommandContext): Command {
  return new Command()
    .description(
      "Lists the people of the organization, changes their role, ends their sessions, removes them.",
    )
    .addCommand(listCommand(context))
    .addCommand(roleCommand(context))
    .addCommand(activeCommand(context, "deactivate"))
    .addCommand(activeCommand(context, "activate"))
    .addCommand(removeCommand(context))
    .addCommand(sessionsCommand(context))
    .addCommand(resetCommand(context))
    .addCommand(unlockCommand(context))
    .addCommand(setPasswordCommand(context))
    .addHelpText("after", help)
}

function listCommand(context: CommandContext): Command {
  return apiCommand("list")
    .option("--email <part>", "only whose e-mail address holds this")
    .summary("list people with their role, state and newest login")
    .action(async (flags: ApiFlags & { readonly email?: string }) => {
      const { client } = await connect(context, flags)
      const email = flags.email === undefined ? {} : { email: flags.email }
      const { users, totalCount } = await client.users.list({ ...email, limit: 1_000 })
      if (flags.output === "json") return printJson(context.terminal, users)
      printUsers(context, flags, users)
      noteRest(context.terminal, totalCount - users.length)
    })
}

function roleCommand(context: CommandContext): Command {
  return apiCommand("role")
    .argument("<user>", "e-mail address or id")
    .argument("<role>", "admin, member or no-access")
    .summary("change the role in the organization")
    .action(async (name: string, role: string, flags: ApiFlags) => {
      if (role !== "admin" && role !== "member" && role !== "no-access") {
        throw new CommandError("invalid", "<role> must be admin, member or no-access")
      }
      const { client } = await connect(context, flags)
      const user = await client.users.update((await findUser(client, name)).id, { role })
      printOne(context, flags, user)
    })
}

function activeCommand(context: CommandContext, name: "activate" | "deactivate"): Command {
  const isActive = name === "activate"
  return apiCommand(name)
    .argument("<user>", "e-mail address or id")
    .summary(isActive ? "let somebody log in again" : "log somebody out and keep them out")
    .action(async (user: string, flags: ApiFlags) => {
      const { client } = await connect(context, flags)
      const changed = await client.users.update((await findUser(client, user)).id, { isActive })
      printOne(context, flags, changed)
    })
}

function removeCommand(context: CommandContext): Command {
  return apiCommand("remove")
    .argument("<user>", "e-mail address or id")
    .option(...confirmOption)
    .summary("take somebody out of the organization and its projects")
    .action(async (name: string, flags: ApiFlags & ConfirmFlags) => {
      const { client } = await connect(context, flags)
      const user = await findUser(client, name)
      const loss = `${user.email} loses every right, session and credential here`
      await confirmLoss(context, flags, { loss, name: user.email })
      const removed = await client.users.remove(user.id)
      if (flags.output === "json") return printJson(context.terminal, removed)
      context.terminal.print(`${removed.email} is no longer in the organization.`)
    })
}

type SessionFlags = ApiFlags & { readonly end?: string; readonly endAll?: boolean }

function sessionsCommand(context: CommandContext): Command {
  return apiCommand("sessions")
    .argument("<user>", "e-mail address or id")
    .option("--end <id>", "end this session")
    .option("--end-all", "end all of them")
    .summary("list the open sessions of somebody, or end them")
    .action(async (name: string, flags: SessionFlags) => {
      if (flags.end !== undefined && flags.endAll === true) {
        throw new CommandError("invalid", "--end and --end-all exclude each other")
      }
      const { client } = await connect(context, flags)
      const { id } = await findUser(client, name)
      if (flags.end === undefined && flags.endAll !== true) {
        printSessions(context, flags, await client.users.sessions(id))
      } else printEnded(context, flags, await client.users.endSessions(id, flags.end))
    })
}

function resetCommand(context: CommandContext): Command {
  return apiCommand("reset")
    .argument("<user>", "e-mail address or id")
    .option("--second-factors", "take away the second factors instead, of somebody who lost them")
    .option(...confirmOption)
    .summary("make a token with which somebody sets a new password")
    .action(async (name: string, flags: ApiFlags & ConfirmFlags & { readonly secondFactors?: boolean }) => {
      const { client } = await connect(context, flags)
      const user = await findUser(client, name)
      if (flags.secondFactors === true) {
        const loss = `Of ${user.email} the one-time passwords, passkeys and recovery codes go`
        await confirmLoss(context, flags, { loss, name: user.email })
        const ended = await client.users.resetFactors(user.id)
        if (flags.output === "json") return printJson(context.terminal, ended)
        return context.terminal.print(`${user.email} logs in with the password alone from now on.`)
      }
      const reset = await client.users.resetPassword(user.id)
      if (flags.output === "json") return printJson(context.terminal, reset)
      context.terminal.print(reset.token)
      context.terminal.note(`Hand this token to ${user.email}; it works once, until ${reset.expiresAt}`)
    })
}

function unlockCommand(context: CommandContext): Command {
  return apiCommand("unlock")
    .argument("<user>", "e-mail address or id")
    .summary("let somebody try again who guessed too often")
    .action(async (name: string, flags: ApiFlags) => {
      const { client } = await connect(context, flags)
      const user = await findUser(client, name)
      await client.users.unlock(user.id)
      printOne(context, flags, user)
    })
}

type SetPasswordFlags = ApiFlags & { readonly tokenFile?: string; readonly passwordFile?: string }

function setPasswordCommand(context: CommandContext): Command {
  return apiCommand("set-password")
    .option("--token-file <file>", "file with the token, - for stdin")
    .option("--password-file <file>", "file with the new password, - for stdin (COFFER_PASSWORD)")
    .summary("set a new password with a token that an administrator made")
    .action(async (flags: SetPasswordFlags) => {
      refuseStdinTwice(["--token-file", flags.tokenFile], ["--password-file", flags.passwordFile])
      const domain = await resolveDomain(context, flags)
      const token = await readCredential(context, {
        question: "Token",
        file: ["--token-file", flags.tokenFile],
      })
      const newPassword = await readCredential(context, {
        question: "New password",
        file: ["--password-file", flags.passwordFile],
        variable: ["COFFER_PASSWORD", context.config.password],
        confirm: true,
      })
      const body = { token: token.reveal(), newPassword: newPassword.reveal() }
      const reset = await connectAnonymously(context, domain).people.resetPassword(body)
      if (flags.output === "json") return printJson(context.terminal, reset)
      context.terminal.print(
        `The password of ${reset.email} is set; open sessions that ended: ${reset.endedSessions}`,
      )
    })
}

function printOne(context: CommandContext, flags: ApiFlags, user: User): void {
  if (flags.output === "json") printJson(context.terminal, user)
  else printUsers(context, flags, [user])
}

function printUsers(context: CommandContext, flags: ApiFlags, users: readonly User[]): void {
  const rows = users.map((user) => [
    user.email,
    user.id,
    user.role,
    user.isActive ? "active" : "deactivated",
    user.hasSecondFactor ? "yes" : "no",
    user.lastLoginAt ?? "never",
  ])
  printTable(context.terminal, ["E-MAIL", "ID", "ROLE", "STATE", "SECOND FACTOR", "LAST LOGIN"], rows, {
    say: "Nobody was found.",
    silent: flags.silent,
  })
}
