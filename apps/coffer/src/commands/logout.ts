/** `coffer logout`: ends the login that is kept, here and on its server. */
import { isApiError } from "@coffer/client"
import { Command } from "commander"
import { CommandError } from "../command-error.ts"
import { connectWith } from "../connection.ts"
import type { CommandContext } from "../context.ts"
import { readStoredLogin, removeStoredLogin, type StoredLogin } from "../credentials-file.ts"
import { readTokenClaims } from "../token-claims.ts"

const help = `
A token in INFISICAL_TOKEN is not touched.

Examples:
  coffer logout
`

export function logoutCommand(context: CommandContext): Command {
  return new Command()
    .description("Forgets the login that is kept here, and ends its session or token on the server.")
    .option("--silent", "print errors only")
    .addHelpText("after", help)
    .action((flags: { readonly silent?: boolean }) => logOut(context, flags))
}

async function logOut(context: CommandContext, flags: { readonly silent?: boolean }): Promise<void> {
  const { credentialsFile } = context.config
  const login = await readStoredLogin(credentialsFile)
  if (login === undefined) throw new CommandError("unauthenticated", "nobody is logged in here")
  await removeStoredLogin(credentialsFile)
  const { domain } = login
  try {
    await endOnServer(context, login)
  } catch (cause) {
    if (!isApiError(cause)) throw cause
    // What the server refuses opens nothing any more.
    if (cause.kind !== "unauthenticated" && cause.kind !== "forbidden") {
      const message = `the login is forgotten here, but ${domain} could not be told, so a copy of its token may still work: ${cause.message}`
      throw new CommandError("unavailable", message, { cause })
    }
  }
  if (flags.silent !== true) context.terminal.print(`Logged out of ${domain}.`)
}

async function endOnServer(context: CommandContext, { domain, token }: StoredLogin): Promise<void> {
  const client = connectWith(context, domain, token.reveal())
  if (readTokenClaims(token).kind === "person") await client.people.logOut()
  else await client.auth.revokeToken(token.reveal())
}
