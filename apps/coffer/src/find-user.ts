import type { CofferClient } from "@coffer/client"
import { CommandError } from "./command-error.ts"

export type User = Awaited<ReturnType<CofferClient["users"]["get"]>>

/**
 * A person of the organization, by e-mail address or id.
 *
 * @throws CommandError "not-found" when nobody in the organization has it
 */
export async function findUser(client: CofferClient, name: string): Promise<User> {
  if (!name.includes("@")) return client.users.get(name)
  const email = name.trim().toLowerCase()
  const { users } = await client.users.list({ email, limit: 1_000 })
  const found = users.find((user) => user.email === email)
  if (found === undefined) throw new CommandError("not-found", `nobody in the organization is ${email}`)
  return found
}
