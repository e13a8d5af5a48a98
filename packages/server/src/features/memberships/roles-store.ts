/** Roles of members and of groups in projects; the only file that adds to and takes from their two tables, which are alike. */
import { chunksOf } from "../../db/chunks.ts"
import type { Reader, Writer } from "../../db/database.ts"
import type { ProjectMembershipRoleTable } from "../../db/schema.ts"
import type { Random } from "../../random.ts"
import type { MemberRole } from "./domain.ts"

export type StoredRole = MemberRole & {
  readonly id: string
  /** When it is a role of the project's own. */
  readonly custom?: { readonly id: string; readonly name: string }
  readonly createdAt: number
  readonly updatedAt: number
}

/** Who has the roles: a member of a project, or a group in it. */
export type RoleHolder = "member" | "group"

const tables = {
  member: { roles: "project_membership_role", holders: "project_membership" },
  group: { roles: "project_group_role", holders: "project_group" },
} as const

/** Puts these roles in the place of those that the holder has. */
export async function replaceRoles(
  deps: { readonly random: Random },
  write: { readonly db: Writer; readonly now: number },
  of: { readonly holder: RoleHolder; readonly id: string },
  roles: readonly MemberRole[],
): Promise<void> {
  const table = tables[of.holder].roles
  await write.db.deleteFrom(table).where("membership_id", "=", of.id).execute()
  const times = { createdAt: write.now, updatedAt: write.now }
  const rows = roles.map((role) => rowOfRole(of.id, { ...role, id: deps.random.uuid(), ...times }))
  if (rows.length > 0) await write.db.insertInto(table).values(rows).execute()
}

/** Roles by the id of their holder, the oldest first. */
export async function listRoles(
  db: Reader,
  holder: RoleHolder,
  holderIds: readonly string[],
): Promise<ReadonlyMap<string, readonly StoredRole[]>> {
  // Both pairs have the same columns: in the types one stands for the other.
  const { roles, holders } = tables[holder] as (typeof tables)["member"]
  const byHolder = new Map<string, readonly StoredRole[]>()
  for (const ids of chunksOf(holderIds)) {
    const rows = await db
      .selectFrom(`${roles} as r`)
      .innerJoin(`${holders} as m`, "m.id", "r.membership_id")
      .leftJoin("project_role as c", (join) =>
        join.onRef("c.project_id", "=", "m.project_id").onRef("c.slug", "=", "r.role"),
      )
      .selectAll("r")
      .select(["c.id as custom_id", "c.name as custom_name"])
      .where("r.membership_id", "in", ids)
      .orderBy("r.created_at")
      .orderBy("r.id")
      .execute()
    for (const [id, ofHolder] of Map.groupBy(rows, (row) => row.membership_id)) {
      byHolder.set(id, ofHolder.map(roleOfRow))
    }
  }
  return byHolder
}

function rowOfRole(membershipId: string, role: StoredRole): ProjectMembershipRoleTable {
  const { temporary } = role
  return {
    id: role.id,
    membership_id: membershipId,
    role: role.role,
    is_temporary: temporary === null ? 0 : 1,
    temporary_mode: temporary?.mode ?? null,
    temporary_range: temporary?.range ?? null,
    starts_at: temporary?.startsAt ?? null,
    ends_at: temporary?.endsAt ?? null,
    created_at: role.createdAt,
    updated_at: role.updatedAt,
  }
}

function roleOfRow(
  row: ProjectMembershipRoleTable & {
    readonly custom_id: string | null
    readonly custom_name: string | null
  },
): StoredRole {
  const isForGood = row.is_temporary === 0 || row.starts_at === null || row.ends_at === null
  const temporary = isForGood
    ? null
    : {
        mode: row.temporary_mode ?? "relative",
        range: row.temporary_range ?? "",
        startsAt: row.starts_at ?? 0,
        endsAt: row.ends_at ?? 0,
      }
  const custom = row.custom_id === null ? {} : { custom: { id: row.custom_id, name: row.custom_name ?? "" } }
  const { id, role, created_at: createdAt, updated_at: updatedAt } = row
  return { id, role, temporary, createdAt, updatedAt, ...custom }
}
