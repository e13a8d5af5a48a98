/** The only file that writes the table user_session. */
import type { Reader, Writer } from "../../db/database.ts"
import type { UserSessionTable } from "../../db/schema.ts"
import type { SecondFactor, Session } from "./domain.ts"

export async function insertSession(db: Writer, session: Session): Promise<void> {
  await db
    .insertInto("user_session")
    .values({
      id: session.id,
      user_id: session.userId,
      auth_method: session.authMethod,
      second_factor: session.secondFactor,
      refresh_version: session.refreshVersion,
      refreshed_at: session.refreshedAt,
      ip_address: session.ipAddress,
      user_agent: session.userAgent,
      created_at: session.createdAt,
      expires_at: session.expiresAt,
      revoked_at: session.revokedAt,
    })
    .execute()
}

/** The session of that user, locked until the write ends; `undefined` when there is none. */
export async function lockSession(db: Writer, userId: string, id: string): Promise<Session | undefined> {
  const row = await db
    .updateTable("user_session")
    .set((eb) => ({ refresh_version: eb.ref("refresh_version") }))
    .where("id", "=", id)
    .where("user_id", "=", userId)
    .returningAll()
    .executeTakeFirst()
  return row === undefined ? undefined : sessionOf(row)
}

export async function rotateRefreshToken(
  db: Writer,
  id: string,
  change: { readonly version: number; readonly now: number },
): Promise<void> {
  await db
    .updateTable("user_session")
    .set({ refresh_version: change.version, refreshed_at: change.now })
    .where("id", "=", id)
    .execute()
}

export async function markSecondFactor(db: Writer, id: string, factor: SecondFactor): Promise<void> {
  await db.updateTable("user_session").set({ second_factor: factor }).where("id", "=", id).execute()
}

const maxListed = 500

/** Sessions of a user that are open, the newest first. */
export async function listSessions(db: Reader, userId: string, now: number): Promise<Session[]> {
  const rows = await db
    .selectFrom("user_session")
    .selectAll()
    .where("user_id", "=", userId)
    .where("revoked_at", "is", null)
    .where("expires_at", ">", now)
    .orderBy("created_at", "desc")
    .orderBy("id")
    .limit(maxListed)
    .execute()
  return rows.map(sessionOf)
}

/** Which sessions of a user: one, all, or all but one. */
export type SessionsToEnd =
  | { readonly userId: string; readonly id: string }
  | { readonly userId: string; readonly except?: string }

/** Ends what has not ended yet; returns how many that were. */
export async function revokeSessions(db: Writer, which: SessionsToEnd, now: number): Promise<number> {
  const update = db
    .updateTable("user_session")
    .set({ revoked_at: now })
    .where("user_id", "=", which.userId)
    .where("revoked_at", "is", null)
    .where("expires_at", ">", now)
  const chosen =
    "id" in which
      ? update.where("id", "=", which.id)
      : which.except === undefined
        ? update
        : update.where("id", "!=", which.except)
  const result = await chosen.executeTakeFirst()
  return Number(result.numUpdatedRows)
}

/** Removes sessions that no token can name any more: over, or ended long enough ago to be history. */
export async function removeDeadSessions(
  db: Writer,
  before: { readonly expired: number; readonly revoked: number },
): Promise<number> {
  const result = await db
    .deleteFrom("user_session")
    .where((eb) => eb.or([eb("expires_at", "<", before.expired), eb("revoked_at", "<", before.revoked)]))
    .executeTakeFirst()
  return Number(result.numDeletedRows)
}

function sessionOf(row: UserSessionTable): Session {
  return {
    id: row.id,
    userId: row.user_id,
    authMethod: row.auth_method,
    secondFactor: row.second_factor,
    refreshVersion: row.refresh_version,
    refreshedAt: row.refreshed_at,
    ipAddress: row.ip_address,
    userAgent: row.user_agent,
    createdAt: row.created_at,
    expiresAt: row.expires_at,
    revokedAt: row.revoked_at,
  }
}
