/**
 * The command line as a whole: which sub-commands there are, and how a run becomes an exit code. Only the
 * sub-command that is asked for is loaded, so that `coffer --help` and `coffer server` start at once.
 */
import { Command, CommanderError } from "commander"
import type { CommandContext } from "./context.ts"
import { exitCodes, renderExitCodes, SUCCESS } from "./exit-codes.ts"
import { VERSION } from "./version.ts"

type Entry = {
  readonly summary: string
  readonly load: () => Promise<(context: CommandContext) => Command>
}

const commands: Readonly<Record<string, Entry>> = {
  server: {
    summary: "run the secret manager",
    load: async () => (await import("./commands/server.ts")).serverCommand,
  },
  operator: {
    summary: "run the Kubernetes operator",
    load: async () => (await import("./commands/operator.ts")).operatorCommand,
  },
  bootstrap: {
    summary: "set up a new server: organization and first user, who is logged in",
    load: async () => (await import("./commands/bootstrap.ts")).bootstrapCommand,
  },
  login: {
    summary: "log in as a person, by single sign-on, or with a machine identity",
    load: async () => (await import("./commands/login.ts")).loginCommand,
  },
  logout: {
    summary: "forget the login that is kept here, and end it on the server",
    load: async () => (await import("./commands/logout.ts")).logoutCommand,
  },
  account: {
    summary: "look after one's own account: password, second factors, sessions",
    load: async () => (await import("./commands/account.ts")).accountCommand,
  },
  secrets: {
    summary: "list, get, set, delete, move, copy and rename secrets",
    load: async () => (await import("./commands/secrets.ts")).secretsCommand,
  },
  search: {
    summary: "find secrets by name, tag, metadata or value in a whole project",
    load: async () => (await import("./commands/search.ts")).searchCommand,
  },
  export: {
    summary: "print the secrets of a folder as a file",
    load: async () => (await import("./commands/export.ts")).exportCommand,
  },
  import: {
    summary: "read a file of secrets into a folder",
    load: async () => (await import("./commands/import.ts")).importCommand,
  },
  projects: {
    summary: "list, create, change, delete, export and import projects",
    load: async () => (await import("./commands/projects.ts")).projectsCommand,
  },
  environments: {
    summary: "manage the environments of a project and their order",
    load: async () => (await import("./commands/environments.ts")).environmentsCommand,
  },
  folders: {
    summary: "list, create, rename and delete folders",
    load: async () => (await import("./commands/folders.ts")).foldersCommand,
  },
  roles: {
    summary: "manage the roles of a project, as files",
    load: async () => (await import("./commands/roles.ts")).rolesCommand,
  },
  webhooks: {
    summary: "tell other systems of changes, and see how that went",
    load: async () => (await import("./commands/webhooks.ts")).webhooksCommand,
  },
  users: {
    summary: "list people, change their role, end sessions, remove them",
    load: async () => (await import("./commands/users.ts")).usersCommand,
  },
  sso: {
    summary: "manage single sign-on with the OpenID provider of the organization",
    load: async () => (await import("./commands/sso.ts")).ssoCommand,
  },
  identities: {
    summary: "create, list, show and delete machine identities",
    load: async () => (await import("./commands/identities.ts")).identitiesCommand,
  },
  access: {
    summary: "explain why somebody may do something, or not",
    load: async () => (await import("./commands/access.ts")).accessCommand,
  },
  invitations: {
    summary: "invite people, and accept an invitation",
    load: async () => (await import("./commands/invitations.ts")).invitationsCommand,
  },
  groups: {
    summary: "manage groups of people and their roles in projects",
    load: async () => (await import("./commands/groups.ts")).groupsCommand,
  },
  members: {
    summary: "manage who belongs to a project, and their roles there",
    load: async () => (await import("./commands/members.ts")).membersCommand,
  },
  restore: {
    summary: "make a folder or an environment what it was",
    load: async () => (await import("./commands/restore.ts")).restoreCommand,
  },
  trash: {
    summary: "list what was deleted, and bring it back",
    load: async () => (await import("./commands/trash.ts")).trashCommand,
  },
  "smoke-test": {
    summary: "check that a secret travels from the server into a cluster",
    load: async () => (await import("./commands/smoke-test.ts")).smokeTestCommand,
  },
  audit: {
    summary: "check the audit log for edits, deletions and reordering",
    load: async () => (await import("./commands/audit.ts")).auditCommand,
  },
}

const examples = `
Examples:
  coffer server                                        start a server on this machine
  coffer bootstrap --email me@example.com --organization Acme
  coffer login --client-id <id> --client-secret-file <file>
  coffer secrets set DATABASE_URL=postgres://... --project my-project --env prod
  coffer smoke-test --project my-project

Every command explains itself: coffer <command> --help

`

/**
 * Runs one command line and returns its exit code; never throws. Results go to stdout, everything else to
 * stderr.
 *
 * @param args the arguments after `coffer`
 */
export async function runCommandLine(args: readonly string[], context: CommandContext): Promise<number> {
  let program: Command | undefined
  let running: Command | undefined
  try {
    program = await createProgram(args, context)
    program.hook("preAction", (_program, command) => {
      running = command
    })
    await program.parseAsync([...args], { from: "user" })
    return SUCCESS.code
  } catch (error) {
    if (error instanceof CommanderError && error.exitCode === 0) return SUCCESS.code
    const { describeFailure, renderFailure } = await import("./failure.ts")
    const words = nameOf(args, program)
    const failure = describeFailure(error, words, await hintFor(context, error, running, words))
    if (!isHelpOnError(error)) context.terminal.note(renderFailure(failure, wantsJson(args)))
    return exitCodes[failure.kind].code
  }
}

async function createProgram(args: readonly string[], context: CommandContext): Promise<Command> {
  const program = new Command("coffer")
    .description("Coffer keeps secrets and delivers them to Kubernetes.")
    .version(VERSION, "-V, --version", "print the version")
    .helpOption("-h, --help", "explain the command")
    .addHelpText("after", `${examples}${renderExitCodes()}\n`)
  const named = args.filter((arg) => !arg.startsWith("-")).slice(0, 2)
  for (const [name, entry] of Object.entries(commands)) {
    const command = named.includes(name) ? (await entry.load())(context) : new Command().allowUnknownOption()
    program.addCommand(command.name(name).summary(entry.summary))
  }
  prepare(program, context)
  return program
}

async function hintFor(
  context: CommandContext,
  error: unknown,
  running: Command | undefined,
  words: string,
): Promise<string | undefined> {
  const { isApiError } = await import("@coffer/client")
  if (!isApiError(error, "forbidden")) return undefined
  const { accessHint } = await import("./access-hint.ts")
  return await accessHint(context, error, running, words)
}

/** The command that was meant, as far as its words are known: "coffer secrets get". */
function nameOf(args: readonly string[], program: Command | undefined): string {
  const words = ["coffer"]
  let command = program
  for (const arg of args) {
    command = command?.commands.find((child) => child.name() === arg)
    if (command === undefined) break
    words.push(arg)
  }
  return words.join(" ")
}

/** Commander passes settings only to commands that it made itself. */
function prepare(command: Command, context: CommandContext): void {
  command
    .exitOverride()
    .configureOutput({
      writeOut: (text) => context.terminal.print(text.replace(/\n$/, "")),
      writeErr: (text) => context.terminal.note(text.replace(/\n$/, "")),
      outputError: () => {}, // printed once, by the boundary above
    })
    .showSuggestionAfterError(true)
  if (command.description() === "" && command.summary() !== "")
    command.description(sentence(command.summary()))
  for (const child of command.commands) prepare(child, context)
}

/** What the list of commands says of one is what its own help begins with, unless it says more there. */
function sentence(summary: string): string {
  return `${summary.charAt(0).toUpperCase()}${summary.slice(1)}.`
}

/** `coffer` or `coffer projects` alone: commander has printed the help already. */
function isHelpOnError(error: unknown): boolean {
  return error instanceof CommanderError && error.code === "commander.help"
}

function wantsJson(args: readonly string[]): boolean {
  return args.some(
    (arg, index) =>
      arg === "--output=json" ||
      arg === "-ojson" ||
      (arg === "json" && /^(-o|--output)$/.test(args[index - 1] ?? "")),
  )
}
