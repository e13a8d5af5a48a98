/** How a command takes in a credential: never from its name in the help, rarely from an argument. */
import { readFile } from "node:fs/promises"
import { CommandError } from "./command-error.ts"
import { warnAboutArgument } from "./connection.ts"
import type { CommandContext } from "./context.ts"
import { SecretText } from "./secret-text.ts"
import { unreadableFile } from "./unreadable-file.ts"

/** A place to look in, by the name that errors give it, and what stands there. */
type Source<Value> = readonly [name: string, given: Value | undefined]

export type CredentialRequest = {
  /** What a person is asked for: "Password". */
  readonly question: string
  /** The flag with a file name; "-" is stdin. */
  readonly file: Source<string>
  /** The flag with the value itself, where there is one. */
  readonly argument?: Source<string>
  /** The variable of the environment, where there is one. */
  readonly variable?: Source<SecretText>
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
  return (await findCredential(context, request)) ?? (await askForCredential(context, request))
}

/**
 * The credential as it was given, undefined when a person would have to be asked.
 *
 * @throws CommandError "invalid" when it is empty, or its file cannot be read
 */
export async function findCredential(
  context: CommandContext,
  request: CredentialRequest,
): Promise<SecretText | undefined> {
  const [fileFlag, file] = request.file
  const [argumentFlag, argument] = request.argument ?? []
  const [variable, value] = request.variable ?? []
  if (argumentFlag !== undefined && argument !== undefined) {
    const instead = variable === undefined ? fileFlag : `${fileFlag} or ${variable}`
    warnAboutArgument(context, { silent: request.silent === true }, argumentFlag, instead)
    return refuseEmpty(request, new SecretText(argument))
  }
  if (file !== undefined) return await readCredentialFile(context, fileFlag, file)
  return value
}

/** @throws CommandError "invalid" that names the flags when nobody is there to answer, or answers nothing */
export async function askForCredential(
  context: CommandContext,
  request: CredentialRequest,
): Promise<SecretText> {
  const [fileFlag] = request.file
  const field = request.variable === undefined ? fileFlag : `${fileFlag} (or ${request.variable[0]})`
  const answer = await context.terminal.askHidden(request.question, field)
  if (request.confirm === true) {
    const again = await context.terminal.askHidden(`${request.question} again`, field)
    if (again.reveal() !== answer.reveal()) throw new CommandError("invalid", "the two answers differ")
  }
  return refuseEmpty(request, answer)
}

/** @throws CommandError "invalid" that names `flag` when the file (stdin for "-") cannot be read or is empty */
export async function readCredentialFile(
  context: CommandContext,
  flag: string,
  file: string,
): Promise<SecretText> {
  const text = file === "-" ? await context.terminal.readInput() : await readTextFile(flag, file)
  return refuseEmpty({ file: [flag, file] }, new SecretText(text.trim()))
}

async function readTextFile(flag: string, file: string): Promise<string> {
  try {
    return await readFile(file, "utf8")
  } catch (cause) {
    throw unreadableFile(`${flag}: ${file}`, cause)
  }
}

function refuseEmpty(
  { argument, file }: Pick<CredentialRequest, "argument" | "file">,
  credential: SecretText,
): SecretText {
  if (credential.reveal() !== "") return credential
  throw new CommandError("invalid", `${(argument ?? file)[0]} is empty`)
}

/** @throws CommandError "invalid" when two of the flags name stdin, which can be read once */
export function refuseStdinTwice(...files: readonly Source<string>[]): void {
  const [first, second] = files.filter(([, file]) => file === "-").map(([flag]) => flag)
  if (first === undefined || second === undefined) return
  throw new CommandError("invalid", `${first} and ${second} cannot both be stdin`)
}
