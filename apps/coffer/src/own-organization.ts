/** Which organization a login is for: people and machine identities ask for it in different ways. */
import type { CofferClient } from "@coffer/client"
import { CommandError } from "./command-error.ts"
import type { SecretText } from "./secret-text.ts"
import { readTokenClaims } from "./token-claims.ts"

/**
 * The organization that the token is for, once the server has accepted it.
 *
 * @throws CommandError "forbidden" for a person who is no longer in it
 */
export async function organizationOf(client: CofferClient, token: SecretText) {
  const claims = readTokenClaims(token)
  if (claims.kind !== "person") return await client.auth.organization()
  const { organizationId } = claims
  await client.people.checkToken()
  const organizations = await client.people.organizations()
  const found = organizations.find(({ id }) => id === organizationId)
  if (found === undefined) throw new CommandError("forbidden", "you left the organization of this login")
  return found
}
