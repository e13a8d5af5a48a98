/** How a command takes in a credential: never from its name in the help, rarely from an argument. */
import { readFile } from "node:fs/promises"
import { CommandError } from "./command-error.ts"
import { warnAboutArgument } from "./connection.ts"
import type { CommandContext } from "./context.ts"
import { SecretText } from "./secret-text.ts"

export type CredentialRequest = {
  /** What a person is asked for: "Password". */
  readonly question: string
  /** The flag with the value itself, and what it was given. */
  readonly flag: string
  readonly fromFlag: string | undefined
  /** The flag with a file name, and what it was given; "-" is stdin. */
  readonly fileFlag: string
  readonly fromFile: string | undefined
  readonly fromEnvironment: SecretText | undefined
  /** The variable to name in errors. */
  readonly variable: string
  readonly silent?: boolean | undefined
  /** Asked twice, for what is being set and not checked. */
  readonly confirm?: boolean
}

/**
 * The credential from the argument, the file, the environment, or a person, in this order.
 *
 * @throws CommandError "invalid" that names the flags when it is nowhere, or empty
 */
export async function readCredential(
  context: CommandContext,
  request: CredentialRequest,
): Promise<SecretText> {
  const credential = await findCredential(context, request)
  if (credential.reveal() === "") throw new CommandError("invalid", `${request.flag} is empty`)
  return credential
}

async function findCredential(context: CommandContext, request: CredentialRequest): Promise<SecretText> {
  if (request.fromFlag !== undefined) {
    const silent = request.silent === true
    warnAboutArgument(context, { silent }, request.flag, `${request.fileFlag} or ${request.variable}`)
    return new SecretText(request.fromFlag)
  }
  if (request.fromFile !== undefined) return readFrom(context, request.fileFlag, request.fromFile)
  if (request.fromEnvironment !== undefined) return request.fromEnvironment
  const field = `${request.fileFlag} (or ${request.variable})`
  const answer = await context.terminal.askHidden(request.question, field)
  if (request.confirm !== true) return answer
  const again = await context.terminal.askHidden(`${request.question} again`, field)
  if (again.reveal() !== answer.reveal()) throw new CommandError("invalid", "the two answers differ")
  return answer
}

async function readFrom(context: CommandContext, flag: string, file: string): Promise<SecretText> {
  if (file === "-") return new SecretText((await context.terminal.readInput()).trim())
  try {
    return new SecretText((await readFile(file, "utf8")).trim())
  } catch (cause) {
    throw new CommandError("invalid", `${flag}: ${file} cannot be read`, { cause })
  }
}
