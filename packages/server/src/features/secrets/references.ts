/**
 * Replaces references `${...}` by what they refer to (contract 3.4). Pure but for the lookup that is handed in.
 */
import { AppError } from "../../errors.ts"
import { mayHaveReferences, parseTemplate, type Reference, type Template } from "./reference-syntax.ts"

/** A secret whose value may refer to others. */
export type Referrer<At> = {
  readonly id: string
  readonly key: string
  readonly value: string
  /** Where it lives, and where its relative references are looked for. */
  readonly at: At
}

/**
 * Finds what a reference leads to; `undefined` when there is nothing.
 * @throws AppError "forbidden" when the caller may not read it
 */
export type LookUp<At> = (
  reference: Reference,
  from: Referrer<At>,
) => Referrer<At> | undefined | Promise<Referrer<At> | undefined>

const maxDepth = 10
const maxLength = 1024 * 1024

/** What one request may still spend: a few short values can refer to each other exponentially often. */
export type ReferenceBudget = { references: number; characters: number }

export function aReferenceBudget(): ReferenceBudget {
  return { references: 50_000, characters: 32 * 1024 * 1024 }
}

export type Expansion<At> = {
  readonly lookUp: LookUp<At>
  readonly budget: ReferenceBudget
  /** Asked after each reference; a promise lets others have their turn. */
  readonly pause?: () => Promise<void> | undefined
}

/**
 * The value with its references replaced, at most ten levels deep. A missing target and a cycle become empty text;
 * whatever does not have the form of a reference stays as it is.
 *
 * @throws AppError "invalid" when the value grows beyond 1 MiB or the budget is spent; what the lookup throws
 */
export async function expandReferences<At>(secret: Referrer<At>, expansion: Expansion<At>): Promise<string> {
  if (!mayHaveReferences(secret.value)) return secret.value
  return await expand([secret], { ...expansion, templates: new Map() })
}

type Run<At> = Expansion<At> & { readonly templates: Map<string, Template> }

async function expand<At>(chain: readonly Referrer<At>[], run: Run<At>): Promise<string> {
  const secret = chain[chain.length - 1]
  if (secret === undefined) return ""
  let expanded = ""
  for (const part of templateOf(secret, run.templates)) {
    const text = typeof part === "string" ? part : await resolve(part, chain, run)
    expanded += text
    run.budget.characters -= text.length
    if (expanded.length > maxLength || run.budget.characters < 0) throw tooMuch(chain[0]?.key ?? "")
  }
  return expanded
}

async function resolve<At>(
  reference: Reference,
  chain: readonly Referrer<At>[],
  run: Run<At>,
): Promise<string> {
  const from = chain[chain.length - 1]
  if (from === undefined || chain.length > maxDepth) return ""
  spendReference(run.budget, chain[0]?.key ?? "")
  const pause = run.pause?.()
  if (pause !== undefined) await pause
  const found = run.lookUp(reference, from)
  const target = found instanceof Promise ? await found : found
  if (target === undefined || chain.some((one) => one.id === target.id)) return ""
  return mayHaveReferences(target.value) ? await expand([...chain, target], run) : target.value
}

function templateOf<At>(secret: Referrer<At>, templates: Map<string, Template>): Template {
  const known = templates.get(secret.id)
  if (known !== undefined) return known
  const template = parseTemplate(secret.value)
  templates.set(secret.id, template)
  return template
}

/** @throws AppError "invalid" when the budget is spent */
export function spendReference(budget: ReferenceBudget, key: string): void {
  budget.references -= 1
  if (budget.references < 0) throw tooMuch(key)
}

function tooMuch(key: string): AppError {
  return new AppError("invalid", "BadRequest", `The references of secret '${key}' expand to too much text`)
}
