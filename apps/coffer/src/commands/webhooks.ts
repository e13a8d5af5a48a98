/** `coffer webhooks`: who is told of changes, and how that went. */
import type { ListedWebhook, WebhookAnswer, WebhookDelivery } from "@coffer/contract"
import { webhookEventNames, webhookTypes } from "@coffer/contract"
import { Command, InvalidArgumentError, Option } from "commander"
import { type ApiFlags, apiCommand, projectCommand } from "../api-command.ts"
import { CommandError } from "../command-error.ts"
import { type ConfirmFlags, confirmLoss, confirmOption } from "../confirm.ts"
import { connect } from "../connection.ts"
import type { CommandContext } from "../context.ts"
import { printJson, printTable } from "../output.ts"
import { addPlaceOptions, type PlaceFlags, resolvePlace, resolveProjectId } from "../scope.ts"
import { readCredentialFile, refuseStdinTwice } from "../secret-input.ts"

type CreateFlags = ApiFlags &
  PlaceFlags & {
    readonly url?: string
    readonly urlFile?: string
    readonly secretFile?: string
    readonly type: (typeof webhookTypes)[number]
    readonly event?: readonly (typeof webhookEventNames)[number][]
  }

const help = `
A general webhook is a signed POST of JSON; slack and microsoft-teams send a message in their form. The
address of a chat is a credential: give it as --url-file.

Examples:
  coffer webhooks create --url https://ci.example.com/hook --secret-file key.txt --project billing-api --env prod
  coffer webhooks create --type slack --url-file slack.txt --project billing-api --env prod --path /app
  coffer webhooks list --project billing-api
  coffer webhooks test <id>
  coffer webhooks deliveries <id>
`

export function webhooksCommand(context: CommandContext): Command {
  return new Command()
    .description("Manages webhooks, which tell other systems of changes.")
    .addCommand(listCommand(context))
    .addCommand(createCommand(context))
    .addCommand(switchCommand(context, "enable"))
    .addCommand(switchCommand(context, "disable"))
    .addCommand(deleteCommand(context))
    .addCommand(testCommand(context))
    .addCommand(deliveriesCommand(context))
    .addHelpText("after", help)
}

function listCommand(context: CommandContext): Command {
  return projectCommand("list")
    .summary("list the webhooks of a project")
    .action(async (flags: ApiFlags & PlaceFlags) => {
      const { client } = await connect(context, flags)
      const webhooks = await client.webhooks.list(await resolveProjectId(context, client, flags))
      if (flags.output === "json") return printJson(context.terminal, webhooks)
      printTable(context.terminal, headers, webhooks.map(rowOf), {
        say: "No webhooks yet.",
        silent: flags.silent,
      })
    })
}

const headers = ["ID", "TYPE", "WHERE", "URL", "STATE", "LAST DELIVERY"]

function rowOf(webhook: WebhookAnswer & Partial<Pick<ListedWebhook, "url">>): readonly string[] {
  return [
    webhook.id,
    webhook.type,
    `${webhook.environment.slug}:${webhook.secretPath}`,
    webhook.url ?? "",
    webhook.isDisabled ? "disabled" : "enabled",
    webhook.lastStatus === "failed"
      ? `failed: ${webhook.lastRunErrorMessage}`
      : (webhook.lastStatus ?? "none yet"),
  ]
}

function createCommand(context: CommandContext): Command {
  return addPlaceOptions(apiCommand("create"))
    .option("--url <url>", "where to send; visible to other users of this machine")
    .option("--url-file <file>", "file with the address, - for stdin")
    .option("--secret-file <file>", "file with the key that signs what is sent (general webhooks)")
    .addOption(new Option("--type <type>", "form of what is sent").choices(webhookTypes).default("general"))
    .addOption(
      new Option("--event <event...>", "only these events; all if left out").choices(webhookEventNames),
    )
    .summary("tell an address of changes in a folder and below")
    .action((flags: CreateFlags) => create(context, flags))
}

async function create(context: CommandContext, flags: CreateFlags): Promise<void> {
  refuseStdinTwice(["--url-file", flags.urlFile], ["--secret-file", flags.secretFile])
  const webhookUrl = await readUrl(context, flags)
  const key =
    flags.secretFile === undefined
      ? undefined
      : (await readCredentialFile(context, "--secret-file", flags.secretFile)).reveal()
  const { client } = await connect(context, flags)
  const { projectId, environment, secretPath } = await resolvePlace(context, client, flags)
  const webhook = await client.webhooks.create({
    type: flags.type,
    projectId,
    environment,
    secretPath,
    webhookUrl,
    ...(key === undefined ? {} : { webhookSecretKey: key }),
    eventsFilter: (flags.event ?? []).map((eventName) => ({ eventName })),
  })
  if (flags.output === "json") return printJson(context.terminal, webhook)
  // An address from a file may be a credential; who may see it finds it in the list.
  const { url } = flags
  printTable(context.terminal, headers, [rowOf(url === undefined ? webhook : { ...webhook, url })])
}

async function readUrl(context: CommandContext, flags: CreateFlags): Promise<string> {
  if (flags.url !== undefined) return flags.url
  if (flags.urlFile === undefined) throw new CommandError("invalid", "--url-file (or --url) is missing")
  return (await readCredentialFile(context, "--url-file", flags.urlFile)).reveal()
}

function switchCommand(context: CommandContext, verb: "enable" | "disable"): Command {
  return apiCommand(verb)
    .argument("<id>", "as 'coffer webhooks list' shows it")
    .summary(verb === "enable" ? "let a webhook hear of changes again" : "let a webhook hear of nothing")
    .action(async (id: string, flags: ApiFlags) => {
      const { client } = await connect(context, flags)
      const webhook = await client.webhooks.setDisabled(id, verb === "disable")
      if (flags.output === "json") return printJson(context.terminal, webhook)
      printTable(context.terminal, headers, [rowOf(webhook)])
    })
}

function deleteCommand(context: CommandContext): Command {
  return apiCommand("delete")
    .argument("<id>", "as 'coffer webhooks list' shows it")
    .option(...confirmOption)
    .summary("delete a webhook with the log of its deliveries")
    .action(async (id: string, flags: ApiFlags & ConfirmFlags) => {
      const { client } = await connect(context, flags)
      await confirmLoss(context, flags, {
        loss: `Webhook '${id}' and its log would be deleted`,
        name: "delete",
      })
      const webhook = await client.webhooks.delete(id)
      if (flags.output === "json") return printJson(context.terminal, webhook)
      if (flags.silent !== true) context.terminal.note(`Webhook ${id} is deleted`)
    })
}

function testCommand(context: CommandContext): Command {
  return apiCommand("test")
    .argument("<id>", "as 'coffer webhooks list' shows it")
    .summary("send a test and say how it went; fails when it was not taken")
    .action(async (id: string, flags: ApiFlags) => {
      const { client } = await connect(context, flags)
      const webhook = await client.webhooks.test(id)
      if (flags.output === "json") printJson(context.terminal, webhook)
      if (webhook.lastStatus !== "failed") {
        if (flags.output !== "json" && flags.silent !== true) context.terminal.note("The test was taken")
        return
      }
      throw new CommandError("check-failed", `the test was not taken: ${webhook.lastRunErrorMessage}`)
    })
}

function deliveriesCommand(context: CommandContext): Command {
  return apiCommand("deliveries")
    .argument("<id>", "as 'coffer webhooks list' shows it")
    .option("--limit <number>", "how many, newest first", limit, 20)
    .summary("list what was sent, with every attempt")
    .action(async (id: string, flags: ApiFlags & { readonly limit: number }) => {
      const { client } = await connect(context, flags)
      const deliveries = await client.webhooks.deliveries(id, flags.limit)
      if (flags.output === "json") return printJson(context.terminal, deliveries)
      printTable(
        context.terminal,
        ["WHEN", "EVENT", "WHERE", "STATE", "ATTEMPTS"],
        deliveries.map(deliveryRow),
        { say: "Nothing was sent yet.", silent: flags.silent },
      )
    })
}

function deliveryRow(delivery: WebhookDelivery): readonly string[] {
  const attempts = delivery.attempts.map(
    ({ statusCode, error, durationMs }) => `${statusCode ?? error ?? "?"} (${durationMs} ms)`,
  )
  const where = `${delivery.environment}:${delivery.secretPath}`
  return [delivery.createdAt, delivery.event, where, delivery.state, attempts.join("\n")]
}

function limit(text: string): number {
  const number = Number(text)
  if (Number.isInteger(number) && number >= 1 && number <= 100) return number
  throw new InvalidArgumentError("expected a whole number from 1 to 100")
}
