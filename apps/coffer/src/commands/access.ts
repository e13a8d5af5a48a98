/** `coffer access explain`: why somebody may do something, or not. */
import type { AccessExplanation, AccessQuestion, CofferClient } from "@coffer/client"
import { Command, Option } from "commander"
import { connectToProject } from "../api-command.ts"
import { CommandError } from "../command-error.ts"
import { addConnectionOptions, type ConnectionFlags } from "../connection.ts"
import type { CommandContext } from "../context.ts"
import { identityIdOf } from "../find-identity.ts"
import { findUser } from "../find-user.ts"
import { type OutputFormat, outputOption, printJson, printTable } from "../output.ts"
import { addProjectOptions, type ProjectFlags } from "../scope.ts"

type Flags = ConnectionFlags &
  ProjectFlags & {
    readonly identity?: string
    readonly user?: string
    readonly subject: string
    readonly action: string
    readonly env?: string
    readonly path?: string
    readonly secret?: string
    readonly output: OutputFormat
  }

const help = `
Examples:
  coffer access explain --identity ci --project my-project --env prod --path /api --secret DATABASE_URL
  coffer access explain --user ann@example.com --project my-project --subject webhooks --action create
`

export function accessCommand(context: CommandContext): Command {
  return new Command().description("Explains rights.").addCommand(explainCommand(context))
}

function explainCommand(context: CommandContext): Command {
  return addConnectionOptions(addProjectOptions(new Command("explain")))
    .summary("say why somebody may do something in a project, or not")
    .description(
      "Prints every grant and rule in the order in which they were looked at, and the one that decided. Exit code 0 whatever the answer. Needs a Coffer server.",
    )
    .option("--identity <identity>", "name or id of the machine identity that it is about")
    .option("--user <user>", "e-mail address or id of the person that it is about")
    .addOption(new Option("--subject <subject>", "what is acted upon").default("secrets"))
    .addOption(new Option("--action <action>", "what is done to it").default("readValue"))
    .option("-e, --env <slug>", "environment")
    .option("--path <path>", "folder")
    .option("--secret <name>", "key of the secret; its tags count")
    .addOption(outputOption())
    .addHelpText("after", help)
    .action((flags: Flags) => explain(context, flags))
}

async function explain(context: CommandContext, flags: Flags): Promise<void> {
  requireOneActor(flags)
  const { client, projectId } = await connectToProject(context, flags)
  const actor = await actorOf(client, flags)
  // The server knows which subjects and actions there are, and says so.
  const question = {
    ...actor,
    subject: flags.subject,
    action: flags.action,
    environment: flags.env,
    secretPath: flags.path,
    secretName: flags.secret,
  } as AccessQuestion
  const explanation = await client.access.explain(projectId, question)
  if (flags.output === "json") printJson(context.terminal, explanation)
  else present(context, flags, explanation)
}

function requireOneActor(flags: Flags): void {
  if ((flags.identity === undefined) !== (flags.user === undefined)) return
  throw new CommandError("invalid", "give either --identity or --user")
}

async function actorOf(client: CofferClient, { identity, user = "" }: Flags) {
  if (identity !== undefined) {
    return { actorType: "identity", actorId: await identityIdOf(client, identity) } as const
  }
  // Looking a person up is for administrators; asking by id is for everybody who may ask.
  const actorId = user.includes("@") ? (await findUser(client, user)).id : user
  return { actorType: "user", actorId } as const
}

const reasons = {
  "not-a-member": "it is not a member of the project",
  "denied-by-rule": "a rule denies it",
  "allowed-by-rule": "a rule allows it",
  "no-rule-allows": "no rule allows it",
} as const satisfies Record<AccessExplanation["reason"], string>

function present(context: CommandContext, flags: Flags, explanation: AccessExplanation): void {
  const { actor, isAllowed, reason, decidedBy, grants } = explanation
  const verdict = `${actor.name} ${isAllowed ? "may" : "may not"} ${flags.action} ${flags.subject}`
  const because = decidedBy === null ? "" : ` (${decidedBy.kind} ${decidedBy.name})`
  context.terminal.print(`${verdict}: ${reasons[reason]}${because}`)
  const rows = grants.flatMap((grant) =>
    grant.rules.map(({ rule, holds, isInForce }) => [
      grant.name,
      grant.endsAt ?? "",
      rule.inverted === true ? "deny" : "allow",
      `${[rule.action].flat().join(", ")} ${rule.subject}`,
      rule.conditions === undefined ? "" : JSON.stringify(rule.conditions),
      holds === null ? "cannot be told" : holds ? "yes" : "no",
      isInForce && grant.isActive ? "yes" : "no",
    ]),
  )
  if (rows.length === 0) return
  printTable(
    context.terminal,
    ["GRANTED BY", "UNTIL", "EFFECT", "RULE", "CONDITIONS", "HOLDS", "IN FORCE"],
    rows,
  )
}
