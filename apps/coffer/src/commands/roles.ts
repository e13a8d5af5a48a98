/** `coffer roles`: the roles of a project, kept as files where people keep policies. */
import { readFile } from "node:fs/promises"
import { type CreateRoleBody, createRoleBody, type RoleObject, updateRoleBody } from "@coffer/contract"
import { Command } from "commander"
import type { z } from "zod"
import { connectToProject, type ProjectApiFlags, projectCommand } from "../api-command.ts"
import { CommandError } from "../command-error.ts"
import { type ConfirmFlags, confirmLoss, confirmOption } from "../confirm.ts"
import { connect } from "../connection.ts"
import type { CommandContext } from "../context.ts"
import { printJson, printTable } from "../output.ts"
import { resolveProjectId } from "../scope.ts"
import { unreadableFile } from "../unreadable-file.ts"

type FileFlags = ProjectApiFlags & { readonly file: string }
type ShowFlags = ProjectApiFlags & { readonly asFile?: boolean }

const help = `
A file of a role, JSON or YAML:

  slug: deployer
  name: Deployer
  permissions:
    - subject: secrets
      action: [describeSecret, readValue]
      conditions: { environment: prod, secretPath: { $glob: /app/** } }
    - subject: secrets
      action: readValue
      inverted: true          # denies; a denial wins
      conditions: { secretName: ROOT_PASSWORD }

Examples:
  coffer roles create --file deployer.yaml --project billing-api
  coffer roles show deployer --as-file --project billing-api > deployer.yaml
  coffer roles update deployer --file deployer.yaml --project billing-api
`

export function rolesCommand(context: CommandContext): Command {
  return new Command()
    .description("Manages the roles of a project.")
    .addCommand(listCommand(context))
    .addCommand(showCommand(context))
    .addCommand(createCommand(context))
    .addCommand(updateCommand(context))
    .addCommand(deleteCommand(context))
    .addHelpText("after", help)
}

function listCommand(context: CommandContext): Command {
  return projectCommand("list")
    .summary("list the roles, built-in and custom")
    .action(async (flags: ProjectApiFlags) => {
      const { client } = await connect(context, flags)
      const roles = await client.roles.list(await resolveProjectId(context, client, flags))
      if (flags.output === "json") return printJson(context.terminal, roles)
      const rows = roles.map(({ slug, name, description, version }) => [
        slug,
        name,
        description ?? "",
        String(version),
      ])
      printTable(context.terminal, ["SLUG", "NAME", "DESCRIPTION", "VERSION"], rows, {
        say: "No roles.",
        silent: flags.silent,
      })
    })
}

function showCommand(context: CommandContext): Command {
  return projectCommand("show")
    .argument("<role>", "slug")
    .option("--as-file", "print it as a YAML file that create and update take")
    .summary("show what a role allows and denies")
    .action(async (slug: string, flags: ShowFlags) => {
      const { client } = await connect(context, flags)
      const role = await client.roles.getBySlug(await resolveProjectId(context, client, flags), slug)
      if (flags.asFile !== true) return present(context, flags, role)
      const { stringify } = await import("yaml")
      const { name, description, permissions } = role
      const content = { slug, name, ...(description === null ? {} : { description }), permissions }
      context.terminal.print(stringify(content).trimEnd())
    })
}

function createCommand(context: CommandContext): Command {
  return projectCommand("create")
    .requiredOption("-f, --file <file>", "the role as JSON or YAML, - for stdin")
    .summary("make a custom role from a file")
    .action(async (flags: FileFlags) => {
      const body = check(createRoleBody, await readRole(context, flags.file), flags.file)
      const { client, projectId } = await connectToProject(context, flags)
      present(context, flags, await client.roles.create(projectId, body as CreateRoleBody))
    })
}

function updateCommand(context: CommandContext): Command {
  return projectCommand("update")
    .argument("<role>", "slug")
    .requiredOption("-f, --file <file>", "what changes, as JSON or YAML, - for stdin")
    .summary("change a custom role; it counts at once for all who hold it")
    .action(async (slug: string, flags: FileFlags) => {
      const body = check(updateRoleBody, await readRole(context, flags.file), flags.file)
      const { client, projectId } = await connectToProject(context, flags)
      const { id } = await client.roles.getBySlug(projectId, slug)
      present(context, flags, await client.roles.update(projectId, id, body))
    })
}

function deleteCommand(context: CommandContext): Command {
  return projectCommand("delete")
    .argument("<role>", "slug")
    .option(...confirmOption)
    .summary("delete a custom role that nobody holds")
    .action(async (slug: string, flags: ProjectApiFlags & ConfirmFlags) => {
      const { client, projectId } = await connectToProject(context, flags)
      const { id } = await client.roles.getBySlug(projectId, slug)
      await confirmLoss(context, flags, { loss: `Role '${slug}' would be deleted`, name: slug })
      const role = await client.roles.delete(projectId, id)
      if (flags.output === "json") return printJson(context.terminal, role)
      if (flags.silent !== true) context.terminal.note(`Role ${slug} is deleted`)
    })
}

async function readRole(context: CommandContext, file: string): Promise<unknown> {
  const text = file === "-" ? await context.terminal.readInput() : await readText(file)
  const { parse } = await import("yaml")
  try {
    return parse(text) // JSON is YAML.
  } catch (cause) {
    const line = cause instanceof Error ? cause.message.split("\n", 1)[0] : "malformed"
    throw new CommandError("invalid", `--file: ${file} is neither JSON nor YAML: ${line}`, { cause })
  }
}

async function readText(file: string): Promise<string> {
  return await readFile(file, "utf8").catch((cause: unknown) => {
    throw unreadableFile(`--file: ${file}`, cause)
  })
}

/** Here, so that a typo is told with its place before the server is asked. */
function check<T>(schema: z.ZodType<T>, body: unknown, file: string): T {
  const parsed = schema.safeParse(body)
  if (parsed.success) return parsed.data
  const problems = parsed.error.issues.slice(0, 5).map(({ path, message }) => {
    return path.length === 0 ? message : `${path.map(String).join(".")}: ${message}`
  })
  throw new CommandError("invalid", `--file: ${file}: ${problems.join("; ")}`)
}

function present(context: CommandContext, flags: ProjectApiFlags, role: RoleObject): void {
  if (flags.output === "json") {
    printJson(context.terminal, role)
    return
  }
  printTable(context.terminal, ["EFFECT", "SUBJECT", "ACTION", "WHERE"], rowsOf(role), {
    say: "This role allows nothing.",
    silent: flags.silent,
  })
}

/** Rules that differ in the action alone are one line; their order does not matter, since a denial always wins. */
function rowsOf({ permissions }: RoleObject): readonly (readonly string[])[] {
  const lines = permissions.map((rule) => ({
    effect: rule.inverted === true ? "deny" : "allow",
    subject: rule.subject,
    actions: [rule.action].flat(),
    where: rule.conditions === undefined ? "" : JSON.stringify(rule.conditions),
  }))
  const alike = Map.groupBy(lines, ({ effect, subject, where }) => `${effect} ${subject} ${where}`)
  return [...alike.values()].map((group) => {
    const actions = group.flatMap((line) => line.actions).join(", ")
    const [{ effect, subject, where }] = group as [(typeof lines)[number]]
    return [effect, subject, actions, where]
  })
}
