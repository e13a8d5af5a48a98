/**
 * References `${...}` inside values (contract 3.4). Pure but for the lookup that is handed in.
 *
 *   ${KEY}           the folder of the secret that holds the text
 *   ${env.KEY}       the root folder of an environment
 *   ${env.a.b.KEY}   folder /a/b of that environment;  `\.` is a dot that belongs to a name
 */

/** Where a secret lives inside its project. */
export type SecretAddress = { readonly environment: string; readonly path: string; readonly key: string }

/** The raw value at an address; `undefined` when there is none. */
export type LookUp = (address: SecretAddress) => string | undefined | Promise<string | undefined>

const pattern = /\$\{((?:[A-Za-z0-9_\-.]|\\\.)+)\}/g
const maxDepth = 10

export function hasReferences(value: string): boolean {
  return value.includes("${")
}

/**
 * The value with its references replaced, at most ten levels deep. A missing target and a cycle become empty text;
 * whatever does not have the form of a reference stays as it is.
 */
export async function expandReferences(value: string, at: SecretAddress, lookUp: LookUp): Promise<string> {
  return await expand(value, [at], lookUp)
}

async function expand(value: string, chain: readonly SecretAddress[], lookUp: LookUp): Promise<string> {
  if (!hasReferences(value)) return value
  const at = chain[chain.length - 1]
  if (at === undefined) return value
  let expanded = ""
  let from = 0
  for (const match of value.matchAll(pattern)) {
    const target = parseReference(match[1] ?? "", at)
    if (target === undefined) continue
    expanded += value.slice(from, match.index) + (await resolve(target, chain, lookUp))
    from = match.index + match[0].length
  }
  return expanded + value.slice(from)
}

async function resolve(
  target: SecretAddress,
  chain: readonly SecretAddress[],
  lookUp: LookUp,
): Promise<string> {
  if (chain.length > maxDepth || chain.some((one) => isSame(one, target))) return ""
  const value = await lookUp(target)
  return value === undefined ? "" : await expand(value, [...chain, target], lookUp)
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
