/** After a refusal by the rules of a project: the command that tells which rule it was. */
import type { ApiError } from "@coffer/client"
import { permissionSubjects } from "@coffer/contract"
import type { Command } from "commander"
import type { CommandContext } from "./context.ts"
import { readStoredLogin } from "./credentials-file.ts"
import { DEFAULT_ENVIRONMENT } from "./scope.ts"
import { SecretText } from "./secret-text.ts"
import { readTokenClaims } from "./token-claims.ts"

type Flags = {
  readonly token?: string
  readonly project?: string
  readonly projectSlug?: string
  readonly projectId?: string
  readonly env?: string
  readonly path?: string
}

/**
 * The line to type, with who was refused and what, as far as this command knows them; `undefined` when rules of a
 * project had nothing to do with the refusal.
 *
 * @param command the one that was refused, with its flags
 * @param words its name, as "coffer secrets get"
 */
export async function accessHint(
  context: CommandContext,
  error: ApiError,
  command: Command | undefined,
  words: string,
): Promise<string | undefined> {
  const refused = /^You are not allowed to (\S+) on ([a-z-]+)/.exec(error.message)
  const [, action = "", subject = ""] = refused ?? []
  if (command === undefined || !isAboutProject(subject, action) || words === "coffer access explain") {
    return undefined
  }
  const flags = command.optsWithGlobals<Flags>()
  const project = projectOf(context, flags)
  if (project === undefined) return undefined
  const options: readonly (readonly [string, string | undefined])[] = [
    await whoOf(context, flags),
    project,
    ...placeOf(context, flags, subject),
    ["--secret", subject === "secrets" ? secretOf(command, words) : undefined],
    ["--subject", subject],
    ["--action", action],
  ]
  const given = options.flatMap(([flag, value]) => (value === undefined ? [] : [flag, quoted(value)]))
  return ["coffer access explain", ...given].join(" ")
}

function isAboutProject(subject: string, action: string): boolean {
  const known: Readonly<Record<string, { readonly actions: readonly string[] }>> = permissionSubjects
  return Object.hasOwn(known, subject) && known[subject]?.actions.includes(action) === true
}

function projectOf(context: CommandContext, flags: Flags): readonly [string, string] | undefined {
  const slug = flags.project ?? flags.projectSlug
  if (slug !== undefined) return ["--project", slug]
  const id = flags.projectId ?? context.config.projectId
  return id === undefined ? undefined : ["--projectId", id]
}

/** Where the rules of the subject look at a place, that of the command; what it took by default counts as well. */
function placeOf(context: CommandContext, flags: Flags, subject: string) {
  if (!new Set(["secrets", "secret-folders", "secret-imports"]).has(subject)) return []
  const environment = flags.env ?? context.config.environmentSlug ?? DEFAULT_ENVIRONMENT
  const path = flags.path ?? context.config.secretPath ?? "/"
  return [
    ["--env", environment],
    ["--path", path],
  ] as const
}

/** The name of the one secret that the command is about; never what is given to it as a value. */
function secretOf(command: Command, words: string): string | undefined {
  const [first, ...others] = command.args
  if (first === undefined) return undefined
  if (/^coffer secrets (versions|diff|rollback|rename)$/.test(words)) return first
  if (others.length > 0) return undefined
  if (/^coffer secrets (get|delete)$/.test(words)) return first
  const equals = words === "coffer secrets set" ? first.indexOf("=") : -1
  return equals > 0 ? first.slice(0, equals) : undefined
}

/** By what the token says of itself: nobody is asked, so nothing can fail. */
async function whoOf(context: CommandContext, flags: Flags): Promise<readonly [string, string]> {
  const { config } = context
  const isMachine = config.clientId !== undefined && config.clientSecret !== undefined
  const given = flags.token === undefined ? config.token : new SecretText(flags.token)
  const stored = given === undefined && !isMachine ? readStoredLogin(config.credentialsFile) : undefined
  const token = given ?? (await stored?.catch(() => undefined))?.token // a damaged file was told of already
  const claims = token === undefined ? undefined : readTokenClaims(token)
  if (claims?.kind === "machine") return ["--identity", claims.id]
  if (claims?.kind === "person") return ["--user", claims.name]
  return ["--identity", "ID"]
}

/** As a shell takes it. */
function quoted(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`
}
