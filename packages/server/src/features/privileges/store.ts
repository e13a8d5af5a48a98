/** The only file that adds to and takes from the table project_privilege. */
import type { PermissionRule } from "@coffer/contract"
import type { Reader, Writer } from "../../db/database.ts"
import type { MemberKind, TemporaryAccess } from "../memberships/index.ts"

/** Rules of one member beyond its roles, for good or for a time. */
export type Privilege = {
  readonly id: string
  readonly projectId: string
  readonly membershipId: string
  readonly kind: MemberKind
  readonly memberId: string
  readonly slug: string
  readonly permissions: readonly PermissionRule[]
  readonly temporary: TemporaryAccess | null
  readonly version: number
  readonly createdAt: number
  readonly updatedAt: number
}

export async function insertPrivilege(db: Writer, privilege: Privilege): Promise<void> {
  await db
    .insertInto("project_privilege")
    .values({
      id: privilege.id,
      membership_id: privilege.membershipId,
      created_at: privilege.createdAt,
      ...columnsOf(privilege),
    })
    .execute()
}

export async function updatePrivilege(db: Writer, privilege: Privilege): Promise<void> {
  await db.updateTable("project_privilege").set(columnsOf(privilege)).where("id", "=", privilege.id).execute()
}

export async function removePrivilege(db: Writer, privilege: Privilege): Promise<void> {
  await db.deleteFrom("project_privilege").where("id", "=", privilege.id).execute()
}

export type PrivilegeFilter = {
  readonly kind: MemberKind
  readonly id?: string
  readonly projectId?: string
  readonly memberId?: string
  readonly slug?: string
}

/** Privileges by member and slug. */
export async function listPrivileges(db: Reader, filter: PrivilegeFilter): Promise<readonly Privilege[]> {
  let query = db
    .selectFrom("project_privilege as v")
    .innerJoin("project_membership as m", "m.id", "v.membership_id")
    .selectAll("v")
    .select(["m.project_id", "m.actor_type", "m.actor_id"])
    .where("m.actor_type", "=", filter.kind)
  if (filter.id !== undefined) query = query.where("v.id", "=", filter.id)
  if (filter.projectId !== undefined) query = query.where("m.project_id", "=", filter.projectId)
  if (filter.memberId !== undefined) query = query.where("m.actor_id", "=", filter.memberId)
  if (filter.slug !== undefined) query = query.where("v.slug", "=", filter.slug)
  const rows = await query.orderBy("m.actor_id").orderBy("v.slug").execute()
  return rows.map((row) => ({
    id: row.id,
    projectId: row.project_id,
    membershipId: row.membership_id,
    kind: row.actor_type,
    memberId: row.actor_id,
    slug: row.slug,
    permissions: JSON.parse(row.permissions) as readonly PermissionRule[],
    temporary:
      row.starts_at === null || row.ends_at === null
        ? null
        : {
            mode: row.temporary_mode ?? "relative",
            range: row.temporary_range ?? "",
            startsAt: row.starts_at,
            endsAt: row.ends_at,
          },
    version: row.version,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
  }))
}

function columnsOf(privilege: Privilege) {
  const { temporary } = privilege
  return {
    slug: privilege.slug,
    permissions: JSON.stringify(privilege.permissions),
    is_temporary: temporary === null ? (0 as const) : (1 as const),
    temporary_mode: temporary?.mode ?? null,
    temporary_range: temporary?.range ?? null,
    starts_at: temporary?.startsAt ?? null,
    ends_at: temporary?.endsAt ?? null,
    version: privilege.version,
    updated_at: privilege.updatedAt,
  }
}
