/** Who did something, by the name that people know. */
import { type CofferClient, isApiError } from "@coffer/client"

type Actor = { readonly type: string; readonly id: string }

/**
 * Names of the people and identities of a project: e-mail addresses, and names of identities. Somebody who has left the
 * project, or whom this login may not see, stays type and id.
 */
export async function actorNames(client: CofferClient, projectId: string): Promise<(actor: Actor) => string> {
  const people = await unlessForbidden(client.memberships.people(projectId))
  const identities = await unlessForbidden(client.memberships.identities(projectId))
  const names = new Map<string, string>()
  for (const { userId, user } of people) names.set(`user ${userId}`, user.email)
  for (const { identity } of identities) names.set(`identity ${identity.id}`, identity.name)
  return ({ type, id }) => names.get(`${type} ${id}`) ?? `${type} ${id}`
}

async function unlessForbidden<T>(asked: Promise<readonly T[]>): Promise<readonly T[]> {
  try {
    return await asked
  } catch (error) {
    // Names are a convenience; a server that lacks the route answers 404.
    if (isApiError(error, "forbidden", "not-found")) return []
    throw error
  }
}
