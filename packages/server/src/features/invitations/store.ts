/** The only file that names the tables invitation and invitation_project. */
import type { Reader, Writer } from "../../db/database.ts"
import type { InvitationTable } from "../../db/schema.ts"
import type { Invitation, ProjectRole } from "./domain.ts"

export async function insertInvitation(
  db: Writer,
  invitation: Invitation,
  tokenHash: Uint8Array,
): Promise<void> {
  await db
    .insertInto("invitation")
    .values({
      id: invitation.id,
      org_id: invitation.orgId,
      email: invitation.email,
      role: invitation.role,
      token_hash: tokenHash,
      invited_by: invitation.invitedBy,
      created_at: invitation.createdAt,
      expires_at: invitation.expiresAt,
    })
    .execute()
  const rows = invitation.projects.map(({ projectId, role }) => ({
    invitation_id: invitation.id,
    project_id: projectId,
    role,
  }))
  if (rows.length > 0) await db.insertInto("invitation_project").values(rows).execute()
}

/** Puts another token in the place of the old one, which is dead with it. False when there is no such invitation. */
export async function replaceToken(
  db: Writer,
  of: { readonly orgId: string; readonly id: string },
  change: { readonly tokenHash: Uint8Array; readonly invitedBy: string; readonly expiresAt: number },
): Promise<boolean> {
  const result = await db
    .updateTable("invitation")
    .set({ token_hash: change.tokenHash, invited_by: change.invitedBy, expires_at: change.expiresAt })
    .where("id", "=", of.id)
    .where("org_id", "=", of.orgId)
    .executeTakeFirst()
  return result.numUpdatedRows > 0n
}

/** False when there is no such invitation. */
export async function removeInvitation(
  db: Writer,
  of: { readonly orgId: string; readonly id: string },
): Promise<boolean> {
  const result = await db
    .deleteFrom("invitation")
    .where("id", "=", of.id)
    .where("org_id", "=", of.orgId)
    .executeTakeFirst()
  return result.numDeletedRows > 0n
}

export async function removeInvitationsBefore(db: Writer, expiredBefore: number): Promise<void> {
  await db.deleteFrom("invitation").where("expires_at", "<", expiredBefore).execute()
}

export async function findInvitation(
  db: Reader,
  of: { readonly orgId: string } & ({ readonly id: string } | { readonly email: string }),
): Promise<Invitation | undefined> {
  const query = db.selectFrom("invitation").selectAll().where("org_id", "=", of.orgId)
  const row = await ("id" in of
    ? query.where("id", "=", of.id)
    : query.where("email", "=", of.email)
  ).executeTakeFirst()
  return row === undefined ? undefined : (await withProjects(db, [row]))[0]
}

/** `undefined` when no invitation has this token, or it is too old. */
export async function findByToken(
  db: Reader,
  tokenHash: Uint8Array,
  now: number,
): Promise<Invitation | undefined> {
  const row = await db
    .selectFrom("invitation")
    .selectAll()
    .where("token_hash", "=", tokenHash)
    .where("expires_at", ">", now)
    .executeTakeFirst()
  return row === undefined ? undefined : (await withProjects(db, [row]))[0]
}

/** Uses an invitation up: of two who do so at once, one gets `false`. */
export async function takeInvitation(db: Writer, id: string, tokenHash: Uint8Array): Promise<boolean> {
  const result = await db
    .deleteFrom("invitation")
    .where("id", "=", id)
    .where("token_hash", "=", tokenHash)
    .executeTakeFirst()
  return result.numDeletedRows > 0n
}

/** By e-mail address. */
export async function listInvitations(
  db: Reader,
  orgId: string,
  page: { readonly offset: number; readonly limit: number },
): Promise<{ readonly invitations: readonly Invitation[]; readonly totalCount: number }> {
  const { count } = await db
    .selectFrom("invitation")
    .where("org_id", "=", orgId)
    .select((eb) => eb.fn.countAll<number>().as("count"))
    .executeTakeFirstOrThrow()
  const rows = await db
    .selectFrom("invitation")
    .selectAll()
    .where("org_id", "=", orgId)
    .orderBy("email")
    .offset(page.offset)
    .limit(page.limit)
    .execute()
  return { invitations: await withProjects(db, rows), totalCount: Number(count) }
}

export async function findOrganization(
  db: Reader,
  orgId: string,
): Promise<{ readonly id: string; readonly name: string; readonly slug: string }> {
  return await db
    .selectFrom("organization")
    .select(["id", "name", "slug"])
    .where("id", "=", orgId)
    .executeTakeFirstOrThrow()
}

/** Whether the person belongs to the organization, active or not. */
export async function isMember(db: Reader, orgId: string, email: string): Promise<boolean> {
  const row = await db
    .selectFrom("organization_membership as m")
    .innerJoin("user_account as u", "u.id", "m.actor_id")
    .select("m.id")
    .where("m.org_id", "=", orgId)
    .where("m.actor_type", "=", "user")
    .where("u.email", "=", email)
    .executeTakeFirst()
  return row !== undefined
}

/** Whether the account belongs to any organization, active or not, or can be entered in any way. */
export async function isInUse(
  db: Reader,
  user: { readonly id: string; readonly passwordHash: string },
): Promise<boolean> {
  if (user.passwordHash !== "") return true
  for (const table of ["user_passkey", "oidc_link"] as const) {
    const row = await db.selectFrom(table).select("user_id").where("user_id", "=", user.id).executeTakeFirst()
    if (row !== undefined) return true
  }
  const membership = await db
    .selectFrom("organization_membership")
    .select("id")
    .where("actor_type", "=", "user")
    .where("actor_id", "=", user.id)
    .executeTakeFirst()
  return membership !== undefined
}

/** Whether the identity provider of another organization speaks for the account. */
export async function isVouchedForElsewhere(db: Reader, orgId: string, userId: string): Promise<boolean> {
  const row = await db
    .selectFrom("oidc_link")
    .select("user_id")
    .where("user_id", "=", userId)
    .where("org_id", "!=", orgId)
    .executeTakeFirst()
  return row !== undefined
}

/** Keeps the roles of projects of the organization from changing until the write ends; returns those that exist. */
export async function lockProjects(
  db: Writer,
  orgId: string,
  ids: readonly string[],
): Promise<ReadonlySet<string>> {
  if (ids.length === 0) return new Set()
  const rows = await db
    .updateTable("project")
    .set((eb) => ({ revision: eb.ref("revision") }))
    .where("org_id", "=", orgId)
    .where("id", "in", [...new Set(ids)])
    .where("is_hidden", "=", 0)
    .returning("id")
    .execute()
  return new Set(rows.map(({ id }) => id))
}

async function withProjects(db: Reader, rows: readonly InvitationTable[]): Promise<Invitation[]> {
  const projects = new Map<string, ProjectRole[]>()
  if (rows.length > 0) {
    const found = await db
      .selectFrom("invitation_project")
      .selectAll()
      .where(
        "invitation_id",
        "in",
        rows.map(({ id }) => id),
      )
      .orderBy("project_id")
      .orderBy("role")
      .execute()
    for (const { invitation_id: id, project_id: projectId, role } of found) {
      projects.set(id, [...(projects.get(id) ?? []), { projectId, role }])
    }
  }
  return rows.map((row) => ({
    id: row.id,
    orgId: row.org_id,
    email: row.email,
    role: row.role,
    projects: projects.get(row.id) ?? [],
    invitedBy: row.invited_by,
    createdAt: row.created_at,
    expiresAt: row.expires_at,
  }))
}
