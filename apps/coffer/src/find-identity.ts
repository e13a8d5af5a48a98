/** Machine identities of the organization, as people name them. */
import type { CofferClient, ListedIdentity } from "@coffer/client"
import { CommandError } from "./command-error.ts"

/** Those with exactly this name: nothing keeps two from having the same. */
export async function listIdentitiesNamed(client: CofferClient, name: string): Promise<ListedIdentity[]> {
  const found: ListedIdentity[] = []
  for await (const identity of client.identities.list(name)) {
    if (identity.name === name) found.push(identity)
  }
  return found
}

/** The id of an identity by its name, or the id that was given. @throws CommandError when none has the name, or several */
export async function identityIdOf(client: CofferClient, named: string): Promise<string> {
  if (isUuid(named)) return named
  const identity = onlyOne(await listIdentitiesNamed(client, named), named)
  if (identity !== undefined) return identity.id
  throw new CommandError(
    "not-found",
    `no identity is named '${named}'; 'coffer identities list' shows them, and people are named by e-mail address`,
  )
}

/** @throws CommandError "invalid" that lists the ids when several were found */
export function onlyOne<T extends { readonly id: string }>(
  found: readonly T[],
  named: string,
): T | undefined {
  if (found.length <= 1) return found[0]
  const ids = found.map((one) => one.id).join(", ")
  throw new CommandError("invalid", `several identities are named '${named}'; give the id of one: ${ids}`)
}

/** Whether this has the form of an id. */
export function isUuid(text: string): boolean {
  return /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(text)
}
