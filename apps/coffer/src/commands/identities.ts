/** `coffer identities`: a machine identity that can log in, in one step. */
import type { CofferClient, ListedIdentity } from "@coffer/client"
import { Command, Option } from "commander"
import { type ApiFlags, apiCommand } from "../api-command.ts"
import { clientSecretsCommand } from "../client-secrets.ts"
import { CommandError } from "../command-error.ts"
import { addConnectionOptions, type ConnectionFlags, connect } from "../connection.ts"
import type { CommandContext } from "../context.ts"
import { identityIdOf, listIdentitiesNamed } from "../find-identity.ts"
import { parseLifetime } from "../lifetime.ts"
import { type OutputFormat, outputOption, printJson, printTable } from "../output.ts"
import { organizationOf } from "../own-organization.ts"
import { addProjectOptions, namesProject, type ProjectFlags, resolveProjectId } from "../scope.ts"
import {
  addManifestOptions,
  type ManifestFlags,
  readSecretName,
  renderSecretManifest,
} from "../secret-manifest.ts"

type Flags = ConnectionFlags &
  ProjectFlags &
  ManifestFlags & {
    readonly role?: string
    readonly organizationRole: string
    readonly clientSecretTtl: number
    readonly sameName?: boolean
    readonly output: "table" | "json" | "k8-secret"
  }

type Credentials = {
  readonly identityId: string
  readonly name: string
  readonly clientId: string
  readonly clientSecret: string
}

const help = `
A client secret is shown once; the server keeps only a hash of it.

Examples:
  coffer identities create ci --project my-project --role member --output json
  coffer identities create eso-cluster-reader --project my-project --role viewer \\
    --output k8-secret --k8-secret-namespace external-secrets --silent | kubectl apply -f -
  coffer identities client-secrets create ci --ttl 90d | install -m 0600 /dev/stdin client-secret
`

export function identitiesCommand(context: CommandContext): Command {
  return new Command()
    .description("Creates, lists, shows, changes and deletes machine identities, and their client secrets.")
    .addCommand(listCommand(context))
    .addCommand(showCommand(context))
    .addCommand(createCommand(context))
    .addCommand(renameCommand(context))
    .addCommand(roleCommand(context))
    .addCommand(unlockCommand(context))
    .addCommand(deleteCommand(context))
    .addCommand(clientSecretsCommand(context))
    .addHelpText("after", help)
}

type ListFlags = ConnectionFlags & { readonly output: OutputFormat }

function listCommand(context: CommandContext): Command {
  return addConnectionOptions(new Command("list"))
    .argument("[name]", "part of the name")
    .summary("list the identities of the organization")
    .addOption(outputOption())
    .action(async (name: string | undefined, flags: ListFlags) => {
      const { client } = await connect(context, flags)
      const identities: ListedIdentity[] = []
      for await (const identity of client.identities.list(name)) identities.push(identity)
      if (flags.output === "json") return printJson(context.terminal, identities)
      const rows = identities.map((one) => [one.name, one.role, one.authMethods.join(", "), one.id])
      printTable(context.terminal, ["NAME", "ORGANIZATION ROLE", "LOGS IN WITH", "ID"], rows, {
        say: name === undefined ? "No identities yet." : "No identity has this in its name.",
        silent: flags.silent,
      })
    })
}

function showCommand(context: CommandContext): Command {
  return apiCommand("show")
    .argument("<identity>", "name or id")
    .summary("show how an identity logs in, and who set that up")
    .description(
      "Shows how an identity logs in, and who set that up, changed it or made a credential for it: each of them may know how to log in as it. Needs a Coffer server.",
    )
    .action(async (named: string, flags: ApiFlags) => {
      const { client } = await connect(context, flags)
      const identity = await client.identities.get(await identityIdOf(client, named))
      const logins = await client.identities.logins(identity.id)
      const { id, name, role } = identity
      if (flags.output === "json") return printJson(context.terminal, { id, name, role, logins })
      if (flags.silent !== true) {
        context.terminal.note(`${name} (${id}), ${role} in the organization`)
      }
      const rows = logins.flatMap(({ method, createdAt, authors }) =>
        authors.length === 0
          ? [[method, createdAt, "not recorded", ""]]
          : authors.map(({ name: author, actedAt }) => [method, createdAt, author, actedAt]),
      )
      printTable(context.terminal, ["LOGS IN WITH", "SINCE", "IN THE HANDS OF", "LAST TIME"], rows, {
        say: "It has no way to log in.",
        silent: flags.silent,
      })
    })
}

function renameCommand(context: CommandContext): Command {
  return apiCommand("rename")
    .argument("<identity>", "name or id")
    .argument("<name>", "what it is called from now on")
    .summary("call an identity something else; its logins and rights stay")
    .option("--same-name", "do it also when another identity has this name")
    .action(async (named: string, name: string, flags: ApiFlags & { readonly sameName?: boolean }) => {
      const { client } = await connect(context, flags)
      const id = await identityIdOf(client, named)
      if (flags.sameName !== true) await requireNewName(client, name, id)
      const { name: given } = await client.identities.update(id, { name })
      if (flags.output === "json") return printJson(context.terminal, { id, name: given })
      context.terminal.print(`The identity is called ${given}.`)
    })
}

function roleCommand(context: CommandContext): Command {
  return apiCommand("role")
    .argument("<identity>", "name or id")
    .argument("<role>", "admin, member or no-access")
    .summary("change its role in the organization; 'coffer members' changes those in projects")
    .action(async (named: string, role: string, flags: ApiFlags) => {
      if (!["admin", "member", "no-access"].includes(role)) {
        throw new CommandError("invalid", "<role> must be admin, member or no-access")
      }
      const { client } = await connect(context, flags)
      const { id, name } = await client.identities.update(await identityIdOf(client, named), { role })
      if (flags.output === "json") return printJson(context.terminal, { id, name, role })
      context.terminal.print(`${name} is ${role} in the organization.`)
    })
}

function unlockCommand(context: CommandContext): Command {
  return apiCommand("unlock")
    .argument("<identity>", "name or id")
    .summary("let an identity log in again that showed a wrong client secret too often")
    .action(async (named: string, flags: ApiFlags) => {
      const { client } = await connect(context, flags)
      const id = await identityIdOf(client, named)
      await client.universalAuth.clearLockouts(id)
      if (flags.output === "json") return printJson(context.terminal, { id, status: "unlocked" })
      context.terminal.print(`${named} may log in again.`)
    })
}

function deleteCommand(context: CommandContext): Command {
  return apiCommand("delete")
    .argument("<identity>", "name or id")
    .summary("delete an identity; its tokens end at once")
    .option("--yes", "delete without asking")
    .action(async (named: string, flags: ApiFlags & { readonly yes?: boolean }) => {
      const { client } = await connect(context, flags)
      const id = await identityIdOf(client, named)
      if (flags.yes !== true) {
        const answer = await context.terminal.ask(`Delete the identity ${named}? Type yes`, "--yes")
        if (answer !== "yes") throw new CommandError("invalid", "nothing was deleted")
      }
      await client.identities.delete(id)
      if (flags.output === "json") return printJson(context.terminal, { id, status: "deleted" })
      if (flags.silent !== true) context.terminal.print(`Deleted ${named}.`)
    })
}

function createCommand(context: CommandContext): Command {
  const command = new Command("create")
    .argument("<name>", "name of the identity")
    .summary("create an identity with a client id and a client secret")
    .description("Creates an identity, lets it log in with universal auth, and prints a new client secret.")
    .option("--role <role>", "role in the project: admin, member, viewer or no-access (needs --project)")
    .option("--organization-role <role>", "role in the organization: admin, member or no-access", "no-access")
    .option("--same-name", "create it also when another identity has this name")
    .option(
      "--client-secret-ttl <duration>",
      "how long the client secret works, such as 90d, 12h or 3600 (seconds); 0 = for ever",
      (text) => parseLifetime("--client-secret-ttl", text),
      0,
    )
    .addOption(
      new Option("-o, --output <format>", "how the credentials are printed; k8-secret: as a Secret")
        .choices(["table", "json", "k8-secret"])
        .default("table"),
    )
    .addHelpText("after", help)
  addManifestOptions(command, "infisical-credentials")
  return addConnectionOptions(addProjectOptions(command)).action((name: string, flags: Flags) =>
    create(context, name, flags),
  )
}

async function create(context: CommandContext, name: string, flags: Flags): Promise<void> {
  readSecretName(flags)
  const { client, token } = await connect(context, flags)
  const projectId = hasProject(flags) ? await resolveProjectId(context, client, flags) : undefined
  if (flags.sameName !== true) await requireNewName(client, name)
  const organization = await organizationOf(client, token)
  const identity = await client.identities.create({
    name,
    organizationId: organization.id,
    role: flags.organizationRole,
  })
  try {
    if (projectId !== undefined) {
      await client.memberships.addIdentity(projectId, identity.id, flags.role ?? "no-access")
    }
    const method = await client.universalAuth.attach(identity.id)
    const secret = await client.universalAuth.createClientSecret(identity.id, {
      description: "made by coffer identities create",
      ttl: flags.clientSecretTtl,
    })
    const { clientId } = method
    present(context, flags, { identityId: identity.id, name, clientId, clientSecret: secret.clientSecret })
  } catch (error) {
    await client.identities.delete(identity.id).catch(() => {
      context.terminal.note(`warning: the half-made identity ${identity.id} could not be deleted again`)
    })
    throw error
  }
}

/** Servers allow equal names; who creates one twice mostly did not mean to. @throws CommandError "conflict" */
async function requireNewName(client: CofferClient, name: string, but?: string): Promise<void> {
  const ids = (await listIdentitiesNamed(client, name)).map(({ id }) => id).filter((id) => id !== but)
  if (ids.length === 0) return
  throw new CommandError(
    "conflict",
    `the name '${name}' is taken (${ids.join(", ")}); choose another one, delete that identity with 'coffer identities delete', or say --same-name to have two`,
  )
}

function hasProject(flags: Flags): boolean {
  const isNamed = namesProject(flags)
  if (!isNamed && flags.role !== undefined) {
    throw new CommandError("invalid", "--role is a role in a project; say which with --project <slug>")
  }
  if (isNamed && flags.role === undefined) {
    throw new CommandError(
      "invalid",
      "--role is missing; without one the identity could not read the project",
    )
  }
  return isNamed
}

function present(context: CommandContext, flags: Flags, credentials: Credentials): void {
  const { terminal } = context
  const { name, clientId, clientSecret } = credentials
  if (flags.output === "k8-secret") {
    terminal.print(renderSecretManifest(readSecretName(flags), { clientId, clientSecret }))
  } else if (flags.output === "json") {
    printJson(terminal, credentials)
  } else {
    printTable(terminal, ["NAME", "CLIENT ID", "CLIENT SECRET"], [[name, clientId, clientSecret]])
    if (flags.silent !== true) terminal.note("The client secret is not shown again.")
  }
}
