/**
 * `coffer account passkeys add`: a page of the server has the browser make a passkey, and this command adds it with its
 * own token. The page gets no right to add anything, and its address holds none: other users of the machine can see that
 * address, and reach the port that this command listens at. So the person types here what the page shows of the passkey
 * that was made there, and another that somebody sent instead is found. See docs/adr/0013.
 */
import { hash } from "node:crypto"
import { type RegisterPasskeyBody, registerPasskeyBody } from "@coffer/contract"
import type { Command } from "commander"
import { type ApiFlags, apiCommand } from "./api-command.ts"
import { askBrowser, type BrowserFlags, checkOf } from "./ask-browser.ts"
import { aPort, someSeconds } from "./browser-flags.ts"
import { CommandError } from "./command-error.ts"
import { connectAsPerson } from "./connection.ts"
import type { CommandContext } from "./context.ts"
import { printJson } from "./output.ts"
import { type PasswordFlags, passwordFile, printRecoveryCodes, provenBy } from "./own-factors.ts"
import { readCredentialFile, refuseStdinTwice } from "./secret-input.ts"

type Flags = ApiFlags & PasswordFlags & BrowserFlags & { readonly name?: string; readonly codeFile?: string }

const tries = 3

const help = `
The browser makes the passkey on a page of the server, which then shows eight characters: they are asked for here
before the passkey counts. From then on every login needs a second factor; the passkey alone is one with both.

Examples:
  coffer account passkeys add --name laptop
  coffer account passkeys add --no-browser --port 8250
`

export function addPasskeyCommand(context: CommandContext): Command {
  return apiCommand("add")
    .option("--name <name>", "what it is called; by default the day it was added")
    .option(...passwordFile)
    .option(
      "--code-file <file>",
      "file with what the page shows at the end, - for stdin; asked for without it",
    )
    .option("--no-browser", "only print the page to open")
    .option("--port <port>", "the port of 127.0.0.1 to come back to; by default a free one", aPort)
    .option("--timeout <seconds>", "how long to wait for the browser", someSeconds, 300)
    .summary("add a passkey, made by the browser on a page of the server")
    .addHelpText("after", help)
    .action((flags: Flags) => addPasskey(context, flags))
}

async function addPasskey(context: CommandContext, flags: Flags): Promise<void> {
  refuseStdinTwice(["--password-file", flags.passwordFile], ["--code-file", flags.codeFile])
  if (flags.codeFile === undefined && !context.terminal.isInteractive) {
    throw new CommandError("invalid", "--code-file is missing and nobody is there to ask")
  }
  const name = nameOf(context, flags)
  const { client } = await connectAsPerson(context, flags)
  const { addPasskeyUrl } = await client.passkeyPages.addresses()
  const { challengeToken } = await client.ownAccount.passkeyOptions(await provenBy(context, client, flags))
  const code = await askBrowser(context, flags, {
    page: addPasskeyUrl,
    parameters: { ticket: challengeToken },
    advice: "Make the passkey there, and type here what the page shows then.",
    toldAtTheEnd: (brought) =>
      `Go back to the terminal, and type ${checkOfPasskey(brought)} there. Only then does the passkey count.`,
  })
  await requireShown(context, flags, checkOfPasskey(code))
  const added = await client.ownAccount.addPasskey({ name, challengeToken, response: responseOf(code) })
  if (flags.output === "json") return printJson(context.terminal, added)
  context.terminal.print(
    `The passkey ${added.passkey.name} is added: 'coffer login --method passkey' takes it.`,
  )
  if (added.recoveryCodes.length > 0) printRecoveryCodes(context, flags, added.recoveryCodes)
}

/** Judged before a device makes a passkey that nobody would know of. */
function nameOf(context: CommandContext, { name }: Flags): string {
  if (name === undefined) return `added ${new Date(context.clock()).toISOString().slice(0, 10)}`
  if (registerPasskeyBody.shape.name.safeParse(name).success) return name
  throw new CommandError("invalid", "--name: expected 1 to 100 characters")
}

/** What the page shows of the passkey that was made there. */
function checkOfPasskey(code: string): string {
  return checkOf(hash("sha256", code, "hex"))
}

/**
 * Has the person type what the page shows. A passkey that somebody else sent has other characters, and who sent it does not
 * see those of this one.
 *
 * @throws CommandError "forbidden" when they are not `check`
 */
export async function requireShown(
  context: CommandContext,
  flags: Pick<Flags, "codeFile">,
  check: string,
): Promise<void> {
  const plain = (typed: string) => typed.toLowerCase().replace(/[^0-9a-f]/g, "")
  if (flags.codeFile !== undefined) {
    const given = await readCredentialFile(context, "--code-file", flags.codeFile)
    if (plain(given.reveal()) === plain(check)) return
    throw isAnother()
  }
  for (let left = tries; left > 0; left -= 1) {
    const typed = await context.terminal.ask("What the page shows", "--code-file")
    if (plain(typed) === plain(check)) return
    context.terminal.note("That is not what belongs to the passkey that came here.")
  }
  throw isAnother()
}

function isAnother(): CommandError {
  const message =
    "the passkey that came here is not the one that the page showed: nothing was added, and what your device made logs nobody in; if you mistyped nothing, somebody else on this machine sent theirs"
  return new CommandError("forbidden", message)
}

/** The server judges what it holds. */
function responseOf(code: string): RegisterPasskeyBody["response"] {
  try {
    return JSON.parse(Buffer.from(code, "base64url").toString()) as RegisterPasskeyBody["response"]
  } catch (cause) {
    throw new CommandError("invalid", "what the browser brought is no passkey; begin again", { cause })
  }
}
