/** The only file that writes the tables identity and, for identities, organization_membership. */
import { chunksOf } from "../../db/chunks.ts"
import type { Reader, Writer } from "../../db/database.ts"

export type MetadataEntry = { readonly key: string; readonly value: string }

/** An identity with its membership in its organization. */
export type Identity = {
  readonly id: string
  readonly orgId: string
  readonly name: string
  readonly role: string
  readonly membershipId: string
  readonly hasDeleteProtection: boolean
  readonly metadata: readonly MetadataEntry[]
  readonly authMethods: readonly string[]
  readonly createdAt: number
  readonly updatedAt: number
}

export async function insertIdentity(db: Writer, identity: Identity): Promise<void> {
  await db
    .insertInto("identity")
    .values({
      id: identity.id,
      org_id: identity.orgId,
      name: identity.name,
      has_delete_protection: identity.hasDeleteProtection ? 1 : 0,
      metadata: JSON.stringify(identity.metadata),
      epoch: 1,
      created_at: identity.createdAt,
      updated_at: identity.updatedAt,
    })
    .execute()
  await db
    .insertInto("organization_membership")
    .values({
      id: identity.membershipId,
      org_id: identity.orgId,
      actor_type: "identity",
      actor_id: identity.id,
      role: identity.role,
      created_at: identity.createdAt,
      updated_at: identity.updatedAt,
    })
    .execute()
}

export async function updateIdentity(db: Writer, identity: Identity): Promise<void> {
  await db
    .updateTable("identity")
    .set({
      name: identity.name,
      has_delete_protection: identity.hasDeleteProtection ? 1 : 0,
      metadata: JSON.stringify(identity.metadata),
      updated_at: identity.updatedAt,
    })
    .where("id", "=", identity.id)
    .where("org_id", "=", identity.orgId)
    .execute()
  await db
    .updateTable("organization_membership")
    .set({ role: identity.role, updated_at: identity.updatedAt })
    .where("id", "=", identity.membershipId)
    .execute()
}

/** Removes the identity; its auth methods, client secrets and tokens go with it. */
export async function removeIdentity(db: Writer, identity: Identity): Promise<void> {
  await db.deleteFrom("organization_membership").where("id", "=", identity.membershipId).execute()
  await db.deleteFrom("identity").where("id", "=", identity.id).execute()
}

function identities(db: Reader, orgId: string) {
  return db
    .selectFrom("identity as i")
    .innerJoin("organization_membership as m", (join) =>
      join
        .onRef("m.actor_id", "=", "i.id")
        .onRef("m.org_id", "=", "i.org_id")
        .on("m.actor_type", "=", "identity"),
    )
    .select([
      "i.id",
      "i.org_id",
      "i.name",
      "i.has_delete_protection",
      "i.metadata",
      "i.created_at",
      "i.updated_at",
      "m.id as membership_id",
      "m.role",
    ])
    .where("i.org_id", "=", orgId)
}

type IdentityRow = Awaited<ReturnType<ReturnType<typeof identities>["execute"]>>[number]

function identityOf(row: IdentityRow, authMethods: readonly string[]): Identity {
  return {
    id: row.id,
    orgId: row.org_id,
    name: row.name,
    role: row.role,
    membershipId: row.membership_id,
    hasDeleteProtection: row.has_delete_protection === 1,
    metadata: JSON.parse(row.metadata) as MetadataEntry[],
    authMethods,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
  }
}

/** `undefined` when the organization has no such identity. */
export async function findIdentity(db: Reader, orgId: string, id: string): Promise<Identity | undefined> {
  const row = await identities(db, orgId).where("i.id", "=", id).executeTakeFirst()
  if (row === undefined) return undefined
  const methods = await listMethods(db, [id])
  return identityOf(row, methods.get(id) ?? [])
}

const maxIdentities = 10_000

/** All identities of the organization, by name. */
export async function listIdentities(db: Reader, orgId: string): Promise<Identity[]> {
  const rows = await identities(db, orgId).orderBy("i.name").orderBy("i.id").limit(maxIdentities).execute()
  const methods = await listMethods(
    db,
    rows.map((row) => row.id),
  )
  return rows.map((row) => identityOf(row, methods.get(row.id) ?? []))
}

async function listMethods(db: Reader, ids: readonly string[]): Promise<Map<string, string[]>> {
  const methods = new Map<string, string[]>()
  for (const chunk of chunksOf(ids)) {
    const rows = await db
      .selectFrom("identity_auth_method")
      .select(["identity_id", "method"])
      .where("identity_id", "in", chunk)
      .orderBy("method")
      .execute()
    for (const row of rows)
      methods.set(row.identity_id, [...(methods.get(row.identity_id) ?? []), row.method])
  }
  return methods
}

/** `undefined` when there is no such organization. */
export async function findOrganization(
  db: Reader,
  id: string,
): Promise<{ readonly id: string; readonly name: string; readonly slug: string } | undefined> {
  return await db
    .selectFrom("organization")
    .select(["id", "name", "slug"])
    .where("id", "=", id)
    .executeTakeFirst()
}
