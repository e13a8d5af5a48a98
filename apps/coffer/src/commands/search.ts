/** `coffer search`: where in a project a secret is, by name, tag, metadata or value. */

import { readFile } from "node:fs/promises"
import type { FoundSecret, SearchCriteria } from "@coffer/client"
import { Command } from "commander"
import { connectToProject } from "../api-command.ts"
import { CommandError } from "../command-error.ts"
import { addConnectionOptions, type ConnectionFlags } from "../connection.ts"
import type { CommandContext } from "../context.ts"
import { counted } from "../counted.ts"
import { type OutputFormat, outputOption, printJson, printTable } from "../output.ts"
import { addProjectOptions, type ProjectFlags } from "../scope.ts"
import { unreadableFile } from "../unreadable-file.ts"

type Flags = ConnectionFlags &
  ProjectFlags & {
    readonly env?: string
    readonly path?: string
    readonly tags?: string
    readonly metadata?: readonly string[]
    readonly valueFile?: string
    readonly limit: string
    readonly output: OutputFormat
  }

const help = `
Examples:
  coffer search database --project my-project
  coffer search 'DB_*' --project my-project --env prod --path /api
  coffer search --tags legacy,pci --metadata owner=payments --project my-project
  coffer search --value-file - --project my-project < leaked-token.txt     # where is this value in use?
`

export function searchCommand(context: CommandContext): Command {
  return addConnectionOptions(addProjectOptions(new Command()))
    .argument("[name]", "part of the name, or a pattern with *; capitals do not matter")
    .description(
      "Finds secrets in all environments and folders of a project, as far as you may know of them. Values are not shown. Needs a Coffer server.",
    )
    .option("-e, --env <slug>", "only in this environment")
    .option("--path <path>", "only in this folder and below")
    .option("-t, --tags <slugs>", "with any of these tags, comma separated")
    .option(
      "--metadata <pair...>",
      "with this metadata: key, or key=value; all of them when there are several",
    )
    .option(
      "--value-file <file>",
      "holds the text of this file, - for stdin; only what you may read is looked at",
    )
    .option("--limit <n>", "stop after so many", "1000")
    .addOption(outputOption())
    .addHelpText("after", help)
    .action((name: string | undefined, flags: Flags) => search(context, flags, name))
}

async function search(context: CommandContext, flags: Flags, name: string | undefined): Promise<void> {
  const limit = readLimit(flags.limit)
  const criteria = await readCriteria(context, flags, name)
  const { client, projectId } = await connectToProject(context, flags)
  const found: FoundSecret[] = []
  let searched = 0
  let isCut = false
  for await (const page of client.search.secrets(projectId, criteria)) {
    found.push(...page.secrets)
    searched += page.searched
    isCut = found.length > limit || (found.length === limit && page.nextCursor !== null)
    if (found.length >= limit) break
  }
  present(context, flags, found.slice(0, limit))
  if (flags.silent === true) return
  if (isCut)
    context.terminal.note(`Stopped at ${limit}; there may be more: narrow the search, or raise --limit.`)
  else context.terminal.note(`${found.length} found among ${counted(searched, "secret")}.`)
}

function present(context: CommandContext, flags: Flags, found: readonly FoundSecret[]): void {
  if (flags.output === "json") {
    printJson(context.terminal, found)
    return
  }
  if (found.length === 0) return // how many were looked through is said as a remark
  const rows = found.map((one) => [
    one.environment,
    one.secretPath,
    one.secretKey,
    String(one.version),
    one.updatedAt,
    one.tags.map(({ slug }) => slug).join(", "),
  ])
  printTable(
    context.terminal,
    ["ENVIRONMENT", "SECRET PATH", "SECRET NAME", "VERSION", "UPDATED AT", "TAGS"],
    rows,
  )
}

async function readCriteria(
  context: CommandContext,
  flags: Flags,
  name: string | undefined,
): Promise<SearchCriteria> {
  const value = flags.valueFile === undefined ? undefined : await readValue(context, flags.valueFile)
  const { tags, metadata } = flags
  if (name === undefined && tags === undefined && metadata === undefined && value === undefined) {
    throw new CommandError("invalid", "say what to look for: a name, --tags, --metadata or --value-file")
  }
  return {
    ...(name === undefined ? {} : { key: name.includes("*") ? { glob: name } : { contains: name } }),
    ...(tags === undefined ? {} : { tags: tags.split(",").map((tag) => tag.trim()) }),
    ...(metadata === undefined ? {} : { metadata: metadata.map(readPair) }),
    ...(value === undefined ? {} : { value: { contains: value } }),
    ...(flags.env === undefined ? {} : { environment: flags.env }),
    ...(flags.path === undefined ? {} : { secretPath: flags.path }),
  }
}

function readPair(text: string): { key: string; value?: string } {
  const at = text.indexOf("=")
  return at < 0 ? { key: text } : { key: text.slice(0, at), value: text.slice(at + 1) }
}

/** An editor ends a file with a line end that nobody is looking for. */
async function readValue(context: CommandContext, file: string): Promise<string> {
  const text = file === "-" ? await context.terminal.readInput() : await readText(file)
  const value = text.replace(/\r?\n$/, "")
  if (value === "") throw new CommandError("invalid", "--value-file: there is nothing to look for in it")
  return value
}

async function readText(file: string): Promise<string> {
  try {
    return await readFile(file, "utf8")
  } catch (cause) {
    throw unreadableFile(`--value-file: the file ${file}`, cause)
  }
}

function readLimit(text: string): number {
  if (/^[1-9]\d{0,5}$/.test(text)) return Number(text)
  throw new CommandError("invalid", "--limit: expected a whole number from 1 to 999999")
}
