/** Which project, environment and folder a command works on, and the flags for it. */
import type { CofferClient, FolderPlace, Project } from "@coffer/client"
import { type Command, Option } from "commander"
import { CommandError } from "./command-error.ts"
import type { CommandContext } from "./context.ts"

export type ProjectFlags = {
  readonly project?: string
  readonly projectSlug?: string
  readonly projectId?: string
}
export type PlaceFlags = ProjectFlags & { readonly env?: string; readonly path?: string }

/** As in the Infisical CLI. */
export const DEFAULT_ENVIRONMENT = "dev"

export function addProjectOptions(command: Command): Command {
  return command
    .option("--project <slug>", "slug of the project, as 'coffer projects list' shows it")
    .option("--projectId <id>", "id of the project (INFISICAL_PROJECT_ID)")
    .addOption(new Option("--projectSlug, --project-slug <slug>", "another name of --project").hideHelp())
}

export function addPlaceOptions(command: Command, defaultEnvironment = DEFAULT_ENVIRONMENT): Command {
  return addProjectOptions(command)
    .option("-e, --env <slug>", `environment (INFISICAL_ENVIRONMENT; default "${defaultEnvironment}")`)
    .option("--path <path>", 'folder (INFISICAL_SECRET_PATH; default "/")')
}

/** @throws CommandError "invalid" that lists the projects to choose from when none is named */
export async function resolveProjectId(
  context: CommandContext,
  client: CofferClient,
  flags: ProjectFlags,
): Promise<string> {
  const slug = flags.project ?? flags.projectSlug
  if (slug !== undefined && flags.projectId !== undefined) {
    throw new CommandError("invalid", "--project and --projectId exclude each other; give one")
  }
  if (slug !== undefined) return (await client.projects.getBySlug(slug)).id
  if (flags.projectId !== undefined) return requireId(flags.projectId)
  const id = context.config.projectId
  if (id !== undefined) return id
  throw new CommandError("invalid", `--project is missing; ${describeChoice(await client.projects.list())}`)
}

/** True when a flag names a project; the environment does not count. */
export function namesProject(flags: ProjectFlags): boolean {
  return [flags.project, flags.projectSlug, flags.projectId].some((given) => given !== undefined)
}

export async function resolvePlace(
  context: CommandContext,
  client: CofferClient,
  flags: PlaceFlags,
): Promise<FolderPlace> {
  return {
    projectId: await resolveProjectId(context, client, flags),
    environment: flags.env ?? context.config.environmentSlug ?? DEFAULT_ENVIRONMENT,
    secretPath: flags.path ?? context.config.secretPath ?? "/",
  }
}

/** Most who give something else here hold the slug in their hands. */
function requireId(text: string): string {
  if (/^[0-9a-f-]{24,36}$/i.test(text)) return text
  throw new CommandError("invalid", "--projectId: expected an id; a slug goes into --project")
}

function describeChoice(projects: readonly Project[]): string {
  if (projects.length === 0) return "and this identity belongs to no project yet"
  const shown = projects.slice(0, 10).map((project) => project.slug)
  return `yours: ${shown.join(", ")}${projects.length > shown.length ? ", ..." : ""}`
}
