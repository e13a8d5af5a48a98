/** `coffer audit streams`: where the audit log is published. */
import { readFile } from "node:fs/promises"
import type { AuditStream, CofferClient, NewAuditStream } from "@coffer/client"
import { Command, Option } from "commander"
import type { ApiFlags } from "./api-command.ts"
import { CommandError } from "./command-error.ts"
import { addConnectionOptions, connect } from "./connection.ts"
import type { CommandContext } from "./context.ts"
import { outputOption, printJson, printTable } from "./output.ts"
import { readCredential } from "./secret-input.ts"
import { unreadableFile } from "./unreadable-file.ts"

type AddFlags = ApiFlags & {
  readonly url?: string
  readonly format: "ndjson" | "json"
  readonly header?: string
  readonly headerValueFile?: string
  readonly syslog?: string
  readonly protocol: "tls" | "tcp" | "udp"
  readonly caFile?: string
  readonly disabled?: boolean
}

const help = `
A stream carries the events of the organization from when it was made on, in order and at least once, with
signed heads. Keep what it carries: 'coffer audit verify --checkpoint <file>' takes it as proof later on.
Files and standard output are set where the server starts: COFFER_AUDIT_STREAM_FILE, COFFER_AUDIT_STREAM_STDOUT.

Examples:
  coffer audit streams add siem --url https://siem.example.com/ingest --header Authorization --header-value-file -
  coffer audit streams add syslog --syslog logs.example.com:6514
  coffer audit streams test siem
  coffer audit streams list
`

export function auditStreamsCommand(context: CommandContext): Command {
  return new Command("streams")
    .summary("publish the audit log elsewhere")
    .description("Lists, adds, tests and removes the places where the audit log is published.")
    .addCommand(listCommand(context))
    .addCommand(addCommand(context))
    .addCommand(removeCommand(context))
    .addCommand(testCommand(context))
    .addCommand(switchCommand(context, "enable"))
    .addCommand(switchCommand(context, "disable"))
    .addHelpText("after", help)
}

function connected(command: Command): Command {
  return addConnectionOptions(command).addOption(outputOption())
}

function listCommand(context: CommandContext): Command {
  return connected(new Command("list"))
    .summary("list streams, and how they fare")
    .action(async (flags: ApiFlags) => {
      const { client } = await connect(context, flags)
      const streams = await client.auditStreams.list()
      if (flags.output === "json") printJson(context.terminal, streams)
      else printStreams(context, flags, streams)
    })
}

function addCommand(context: CommandContext): Command {
  return connected(new Command("add"))
    .argument("<name>", "a name of its own")
    .summary("publish what happens from now on")
    .option("--url <url>", "send to an HTTP receiver")
    .addOption(
      new Option("--format <format>", "of an HTTP body").choices(["ndjson", "json"]).default("ndjson"),
    )
    .option("--header <name>", "header that carries a credential")
    .option("--header-value-file <file>", "its value, - for stdin; asked for when absent")
    .option("--syslog <host:port>", "send to a syslog receiver")
    .addOption(new Option("--protocol <protocol>", "of syslog").choices(["tls", "tcp", "udp"]).default("tls"))
    .option("--ca-file <file>", "PEM of the authority that signed the syslog receiver's certificate")
    .option("--disabled", "make it, and send nothing yet")
    .action((name: string, flags: AddFlags) => add(context, name, flags))
}

async function add(context: CommandContext, name: string, flags: AddFlags): Promise<void> {
  const destination = await destinationOf(context, flags)
  const { client } = await connect(context, flags)
  const stream = await client.auditStreams.create({ name, destination, isEnabled: flags.disabled !== true })
  if (flags.output === "json") return printJson(context.terminal, stream)
  context.terminal.print(`${stream.name}: ${stream.target}`)
  if (flags.silent !== true) context.terminal.note(`try it with: coffer audit streams test ${stream.name}`)
}

async function destinationOf(
  context: CommandContext,
  flags: AddFlags,
): Promise<NewAuditStream["destination"]> {
  const { url, format, header: name, syslog, protocol } = flags
  if ((url === undefined) === (syslog === undefined)) {
    throw new CommandError("invalid", "say where to: either --url or --syslog")
  }
  if (url !== undefined) {
    if (name === undefined) return { kind: "http", url, format }
    const value = await readCredential(context, {
      question: name,
      file: ["--header-value-file", flags.headerValueFile],
    })
    return { kind: "http", url, format, header: { name, value: value.reveal() } }
  }
  const [, host, port] = /^\[?([^\]]+?)\]?:(\d{1,5})$/.exec(syslog ?? "") ?? []
  if (host === undefined)
    throw new CommandError("invalid", "--syslog: expected host:port, as logs.example.com:6514")
  const caCertificate = flags.caFile === undefined ? {} : { caCertificate: await readPem(flags.caFile) }
  return { kind: "syslog", host, port: Number(port), protocol, ...caCertificate }
}

async function readPem(file: string): Promise<string> {
  try {
    return await readFile(file, "utf8")
  } catch (cause) {
    throw unreadableFile(`--ca-file: ${file}`, cause)
  }
}

function removeCommand(context: CommandContext): Command {
  return connected(new Command("remove"))
    .argument("<name>", "name or id of a stream")
    .summary("end a stream")
    .action(async (name: string, flags: ApiFlags) => {
      const { client } = await connect(context, flags)
      const removed = await client.auditStreams.remove((await findStream(client, name)).id)
      if (flags.output === "json") printJson(context.terminal, removed)
      else context.terminal.print(`removed ${removed.name}`)
    })
}

function testCommand(context: CommandContext): Command {
  return connected(new Command("test"))
    .argument("<name>", "name or id of a stream")
    .summary("send a record that is no event; exit code 8 when it did not arrive")
    .action(async (name: string, flags: ApiFlags) => {
      const { client } = await connect(context, flags)
      const test = await client.auditStreams.test((await findStream(client, name)).id)
      if (flags.output === "json") printJson(context.terminal, test)
      else if (test.isDelivered) context.terminal.print(`${name}: delivered`)
      if (!test.isDelivered) throw new CommandError("check-failed", `${name}: ${test.problem}`)
    })
}

function switchCommand(context: CommandContext, verb: "enable" | "disable"): Command {
  const isEnabled = verb === "enable"
  return connected(new Command(verb))
    .argument("<name>", "name or id of a stream")
    .summary(isEnabled ? "go on where the stream stopped" : "send nothing for a while")
    .action(async (name: string, flags: ApiFlags) => {
      const { client } = await connect(context, flags)
      const stream = await client.auditStreams.update((await findStream(client, name)).id, { isEnabled })
      if (flags.output === "json") printJson(context.terminal, stream)
      else printStreams(context, flags, [stream])
    })
}

async function findStream(client: CofferClient, name: string): Promise<AuditStream> {
  const streams = await client.auditStreams.list()
  const found = streams.find((stream) => stream.id === name) ?? streams.find((stream) => stream.name === name)
  if (found === undefined) throw new CommandError("not-found", `there is no audit stream '${name}'`)
  if (!found.isConfigured) return found
  throw new CommandError(
    "invalid",
    `'${name}' is set where the server starts, and not to be changed from here`,
  )
}

function printStreams(context: CommandContext, { silent }: ApiFlags, streams: readonly AuditStream[]): void {
  const rows = streams.map(({ name, id, target, health }) => [
    name,
    id,
    target,
    health.state,
    String(health.lag),
    health.isBehind ? `since ${health.oldestUndeliveredAt}` : "no",
    health.deliveredAt ?? "never",
    health.problem ?? "",
  ])
  const headings = ["NAME", "ID", "TO", "STATE", "LAG", "BEHIND", "DELIVERED AT", "PROBLEM"]
  printTable(context.terminal, headings, rows, { say: "The audit log goes nowhere else yet.", silent })
}
