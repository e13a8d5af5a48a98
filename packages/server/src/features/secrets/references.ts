/**
 * References `${...}` inside values (contract 3.4). Pure but for the lookup that is handed in.
 *
 *   ${KEY}           the folder of the secret that holds the text
 *   ${env.KEY}       the root folder of an environment
 *   ${env.a.b.KEY}   folder /a/b of that environment;  `\.` is a dot that belongs to a name
 */

import { AppError } from "../../errors.ts"

/** Where a secret lives inside its project. */
export type SecretAddress = { readonly environment: string; readonly path: string; readonly key: string }

/** The raw value at an address; `undefined` when there is none. */
export type LookUp = (address: SecretAddress) => string | undefined | Promise<string | undefined>

const pattern = /\$\{((?:[A-Za-z0-9_\-.]|\\\.)+)\}/g
const maxDepth = 10
const maxExpandedLength = 1024 * 1024
const maxLookUps = 100_000

/** How many references one request may still follow: a few short values can refer to each other exponentially often. */
export type ReferenceBudget = { lookUps: number }

export function aReferenceBudget(): ReferenceBudget {
  return { lookUps: maxLookUps }
}

export function hasReferences(value: string): boolean {
  return value.includes("${")
}

type Expansion = { readonly lookUp: LookUp; readonly budget: ReferenceBudget }

/**
 * The value with its references replaced, at most ten levels deep. A missing target and a cycle become empty text;
 * whatever does not have the form of a reference stays as it is.
 *
 * @throws AppError "invalid" when the value grows beyond 1 MiB or the budget is spent
 */
export async function expandReferences(
  value: string,
  at: SecretAddress,
  expansion: Expansion,
): Promise<string> {
  return await expand(value, [at], expansion)
}

async function expand(value: string, chain: readonly SecretAddress[], expansion: Expansion): Promise<string> {
  const at = chain[chain.length - 1]
  if (at === undefined || !hasReferences(value)) return value
  let expanded = ""
  let from = 0
  for (const match of value.matchAll(pattern)) {
    const target = parseReference(match[1] ?? "", at)
    if (target === undefined) continue
    expanded += value.slice(from, match.index) + (await resolve(target, chain, expansion))
    from = match.index + match[0].length
    if (expanded.length > maxExpandedLength) throw tooMuch(chain)
  }
  return expanded + value.slice(from)
}

async function resolve(
  target: SecretAddress,
  chain: readonly SecretAddress[],
  expansion: Expansion,
): Promise<string> {
  if (chain.length > maxDepth || chain.some((one) => isSame(one, target))) return ""
  expansion.budget.lookUps -= 1
  if (expansion.budget.lookUps < 0) throw tooMuch(chain)
  const value = await expansion.lookUp(target)
  return value === undefined ? "" : await expand(value, [...chain, target], expansion)
}

function tooMuch(chain: readonly SecretAddress[]): AppError {
  const key = chain[0]?.key ?? ""
  return new AppError("invalid", "BadRequest", `The references of secret '${key}' expand to too much text`)
}

/** `undefined` when a part is empty: such text is not a reference. */
function parseReference(inner: string, at: SecretAddress): SecretAddress | undefined {
  const parts = inner.split(/(?<!\\)\./).map((part) => part.replaceAll("\\.", "."))
  if (parts.some((part) => part === "")) return undefined
  const key = parts[parts.length - 1] ?? ""
  if (parts.length === 1) return { environment: at.environment, path: at.path, key }
  const [environment = "", ...rest] = parts
  return { environment, path: `/${rest.slice(0, -1).join("/")}`, key }
}

function isSame(left: SecretAddress, right: SecretAddress): boolean {
  return left.key === right.key && left.path === right.path && left.environment === right.environment
}
