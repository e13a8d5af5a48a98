/** `coffer identities client-secrets`: the client secrets with which an identity logs in. */
import type { ClientSecret } from "@coffer/client"
import { Command, Option } from "commander"
import { type ApiFlags, apiCommand } from "./api-command.ts"
import { CommandError } from "./command-error.ts"
import { type ConfirmFlags, confirmLoss, confirmOption } from "./confirm.ts"
import { addConnectionOptions, type ConnectionFlags, connect } from "./connection.ts"
import type { CommandContext } from "./context.ts"
import { identityIdOf, isUuid } from "./find-identity.ts"
import { parseLifetime } from "./lifetime.ts"
import { printJson, printTable } from "./output.ts"
import {
  addManifestOptions,
  type ManifestFlags,
  readSecretName,
  renderSecretManifest,
} from "./secret-manifest.ts"

type CreateFlags = ConnectionFlags &
  ManifestFlags & {
    readonly description?: string
    readonly ttl: number
    readonly maxUses: number
    readonly output: "plain" | "json" | "k8-secret"
  }

const help = `
To change a client secret without a gap: create a second one, give it to whatever logs in, wait until the
list shows that it is used, and revoke the first.

Examples:
  coffer identities client-secrets list ci
  coffer identities client-secrets create ci --description "deploy runner" --ttl 90d \\
    | ssh runner 'install -m 0600 /dev/stdin /etc/ci/client-secret'
  coffer identities client-secrets create eso-cluster-reader --output k8-secret \\
    --k8-secret-namespace external-secrets --silent | kubectl apply -f -
  coffer identities client-secrets revoke ci <id>
`

export function clientSecretsCommand(context: CommandContext): Command {
  return new Command("client-secrets")
    .summary("create, list and revoke client secrets of an identity")
    .description("Creates, lists and revokes the client secrets with which an identity logs in.")
    .addCommand(listCommand(context))
    .addCommand(createCommand(context))
    .addCommand(revokeCommand(context))
    .addHelpText("after", help)
}

const identityArgument = ["<identity>", "name or id of the identity"] as const

function listCommand(context: CommandContext): Command {
  return apiCommand("list")
    .argument(...identityArgument)
    .summary("list the client secrets that are not revoked")
    .action(async (named: string, flags: ApiFlags) => {
      const { client } = await connect(context, flags)
      const secrets = await client.universalAuth.clientSecrets(await identityIdOf(client, named))
      if (flags.output === "json") return printJson(context.terminal, secrets)
      const now = context.clock()
      printTable(
        context.terminal,
        ["BEGINS WITH", "DESCRIPTION", "CREATED", "EXPIRES", "USES", "STATE", "ID"],
        secrets.map((one) => [
          one.clientSecretPrefix,
          one.description,
          one.createdAt,
          expiryOf(one) ?? "never",
          usesOf(one),
          stateOf(one, now),
          one.id,
        ]),
        { say: `No client secret of ${named} is left.`, silent: flags.silent },
      )
    })
}

function createCommand(context: CommandContext): Command {
  const command = new Command("create")
    .argument(...identityArgument)
    .summary("make another client secret; those that exist stay")
    .description(
      "Makes another client secret and prints it this once; the server keeps only a hash. Those that exist stay.",
    )
    .option("--description <text>", "who uses it, to tell it from the others")
    .option(
      "--ttl <duration>",
      "how long it works, such as 90d, 12h or 3600 (seconds); 0 = for ever",
      lifetime,
      0,
    )
    .option("--max-uses <number>", "how often it can log in; 0 = any number of times", count, 0)
    .addOption(
      new Option("-o, --output <format>", "plain: the client secret alone; k8-secret: a Secret")
        .choices(["plain", "json", "k8-secret"])
        .default("plain"),
    )
  addManifestOptions(command, "infisical-credentials")
  return addConnectionOptions(command).action((named: string, flags: CreateFlags) =>
    create(context, named, flags),
  )
}

async function create(context: CommandContext, named: string, flags: CreateFlags): Promise<void> {
  const secretName = readSecretName(flags)
  const { terminal } = context
  const { client } = await connect(context, flags)
  const identityId = await identityIdOf(client, named)
  const { clientId } = await client.universalAuth.get(identityId)
  const made = await client.universalAuth.createClientSecret(identityId, {
    ...(flags.description === undefined ? {} : { description: flags.description }),
    ttl: flags.ttl,
    numUsesLimit: flags.maxUses,
  })
  const { clientSecret, clientSecretData } = made
  if (flags.output === "json") return printJson(terminal, { identityId, clientId, ...made })
  terminal.print(
    flags.output === "plain" ? clientSecret : renderSecretManifest(secretName, { clientId, clientSecret }),
  )
  if (flags.silent === true) return
  const expiry = expiryOf(clientSecretData)
  terminal.note(
    `Client secret ${clientSecretData.id} for the client id ${clientId}, ${expiry === undefined ? "without an end" : `until ${expiry}`}; it is not shown again`,
  )
}

function revokeCommand(context: CommandContext): Command {
  return apiCommand("revoke")
    .argument(...identityArgument)
    .argument("<id>", "id of the client secret, as 'coffer identities client-secrets list' shows it")
    .option(...confirmOption)
    .summary("end a client secret, and the tokens that came through it, at once")
    .action(async (named: string, id: string, flags: ApiFlags & ConfirmFlags) => {
      // Whoever gives the secret itself by mistake must not find it in messages or logs.
      if (!isUuid(id)) throw new CommandError("invalid", `<id>: ${whichId}`)
      const { client } = await connect(context, flags)
      const identityId = await identityIdOf(client, named)
      const left = await client.universalAuth.clientSecrets(identityId)
      const secret =
        left.find((one) => one.id === id) ?? (await client.universalAuth.clientSecret(identityId, id))
      if (!secret.isClientSecretRevoked) {
        await confirmLoss(context, flags, {
          loss: lossOf(named, secret, left, context.clock()),
          name: "revoke",
        })
      }
      const revoked = await client.universalAuth.revokeClientSecret(identityId, id)
      if (flags.output === "json") return printJson(context.terminal, revoked)
      if (flags.silent !== true) context.terminal.note(`Client secret ${id} of ${named} is revoked`)
    })
}

const whichId = "expected the id of a client secret, as 'coffer identities client-secrets list' shows it"

function lossOf(named: string, secret: ClientSecret, left: readonly ClientSecret[], now: number): string {
  const { clientSecretPrefix: prefix, description } = secret
  const which = `${prefix}...${description === "" ? "" : ` (${description})`}`
  const loss = `The client secret ${which} of ${named} and the tokens that came through it end`
  const isLast = left.every((one) => one.id === secret.id || stateOf(one, now) !== "usable")
  return isLast ? `${loss}; it has no other one that works` : loss
}

/** `undefined` for one that has no end. */
function expiryOf({ createdAt, clientSecretTTL }: ClientSecret): string | undefined {
  if (clientSecretTTL === 0) return undefined
  return new Date(Date.parse(createdAt) + clientSecretTTL * 1_000).toISOString()
}

function usesOf({ clientSecretNumUses: uses, clientSecretNumUsesLimit: limit }: ClientSecret): string {
  return limit === 0 ? String(uses) : `${uses} of ${limit}`
}

/** What becomes of a login with it at this moment. */
export function stateOf(secret: ClientSecret, now: number): "revoked" | "expired" | "used up" | "usable" {
  const { clientSecretNumUses: uses, clientSecretNumUsesLimit: limit } = secret
  const expiry = expiryOf(secret)
  if (secret.isClientSecretRevoked) return "revoked"
  if (expiry !== undefined && Date.parse(expiry) <= now) return "expired"
  return limit > 0 && uses >= limit ? "used up" : "usable"
}

const lifetime = (text: string) => parseLifetime("--ttl", text)

function count(text: string): number {
  if (!/^\d{1,9}$/.test(text)) {
    throw new CommandError("invalid", "--max-uses: expected a whole number; 0 = any number of times")
  }
  return Number(text)
}
