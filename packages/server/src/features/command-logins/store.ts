/** The only file that writes, for codes of commands, the table used_challenge. */
import type { Writer } from "../../db/database.ts"

/** Uses a code up, inside the write of what it is for; false when it was used before. */
export async function takeCode(
  db: Writer,
  code: { readonly id: string; readonly expiresAt: number },
): Promise<boolean> {
  const result = await db
    .insertInto("used_challenge")
    .values({ id: `code:${code.id}`, expires_at: code.expiresAt })
    .onConflict((conflict) => conflict.column("id").doNothing())
    .executeTakeFirst()
  return (result.numInsertedOrUpdatedRows ?? 0n) > 0n
}
