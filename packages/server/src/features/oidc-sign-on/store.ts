/** The only file that writes the tables oidc_sign_on, oidc_link and, for logins with OpenID, used_challenge. */
import type { Reader, Writer } from "../../db/database.ts"
import type { OidcSignOnTable } from "../../db/schema.ts"
import type { SignOn } from "./domain.ts"

export async function saveSignOn(db: Writer, signOn: SignOn): Promise<void> {
  const values = {
    issuer: signOn.issuer,
    client_id: signOn.clientId,
    client_secret_sealed: signOn.clientSecretSealed,
    allowed_email_domains: JSON.stringify(signOn.allowedEmailDomains),
    default_role: signOn.defaultRole,
    is_active: signOn.isActive ? (1 as const) : (0 as const),
    updated_at: signOn.updatedAt,
  }
  await db
    .insertInto("oidc_sign_on")
    .values({ org_id: signOn.orgId, created_at: signOn.createdAt, ...values })
    .onConflict((conflict) => conflict.column("org_id").doUpdateSet(values))
    .execute()
}

/** Removes the settings and with them who was whom. */
export async function removeSignOn(db: Writer, orgId: string): Promise<void> {
  await db.deleteFrom("oidc_link").where("org_id", "=", orgId).execute()
  await db.deleteFrom("oidc_sign_on").where("org_id", "=", orgId).execute()
}

export async function findSignOn(db: Reader, orgId: string): Promise<SignOn | undefined> {
  const row = await db.selectFrom("oidc_sign_on").selectAll().where("org_id", "=", orgId).executeTakeFirst()
  return row === undefined ? undefined : signOnOf(row)
}

export type Organization = { readonly id: string; readonly name: string; readonly slug: string }

export async function findOrganization(
  db: Reader,
  by: { readonly id: string } | { readonly slug: string },
): Promise<Organization | undefined> {
  const query = db.selectFrom("organization").select(["id", "name", "slug"])
  return await ("id" in by
    ? query.where("id", "=", by.id)
    : query.where("slug", "=", by.slug)
  ).executeTakeFirst()
}

/** The user that a provider's subject was linked to. */
export async function findLinked(
  db: Reader,
  link: { readonly orgId: string; readonly issuer: string; readonly subject: string },
): Promise<string | undefined> {
  const row = await db
    .selectFrom("oidc_link")
    .select("user_id")
    .where("org_id", "=", link.orgId)
    .where("issuer", "=", link.issuer)
    .where("subject", "=", link.subject)
    .executeTakeFirst()
  return row?.user_id
}

export async function insertLink(
  db: Writer,
  link: {
    readonly orgId: string
    readonly issuer: string
    readonly subject: string
    readonly userId: string
  },
  now: number,
): Promise<void> {
  await db
    .insertInto("oidc_link")
    .values({
      org_id: link.orgId,
      issuer: link.issuer,
      subject: link.subject,
      user_id: link.userId,
      created_at: now,
    })
    .execute()
}

/** Whether another subject of the same provider is this user already. */
/** Takes back that the provider of an organization speaks for a user. */
export async function removeLink(
  db: Writer,
  of: { readonly orgId: string; readonly userId: string },
): Promise<void> {
  await db.deleteFrom("oidc_link").where("org_id", "=", of.orgId).where("user_id", "=", of.userId).execute()
}

export async function isLinked(
  db: Reader,
  of: { readonly orgId: string; readonly issuer: string; readonly userId: string },
): Promise<boolean> {
  const row = await db
    .selectFrom("oidc_link")
    .select("user_id")
    .where("org_id", "=", of.orgId)
    .where("issuer", "=", of.issuer)
    .where("user_id", "=", of.userId)
    .executeTakeFirst()
  return row !== undefined
}

/** Where a user belongs, active or not. */
export async function listMemberships(
  db: Reader,
  userId: string,
): Promise<readonly { readonly orgId: string; readonly isActive: boolean }[]> {
  const rows = await db
    .selectFrom("organization_membership")
    .select(["org_id", "is_active"])
    .where("actor_type", "=", "user")
    .where("actor_id", "=", userId)
    .execute()
  return rows.map((row) => ({ orgId: row.org_id, isActive: row.is_active === 1 }))
}

/** One login of an organization at a time decides who somebody is. */
export async function lockSignOn(db: Writer, orgId: string): Promise<SignOn | undefined> {
  const row = await db
    .updateTable("oidc_sign_on")
    .set((eb) => ({ updated_at: eb.ref("updated_at") }))
    .where("org_id", "=", orgId)
    .returningAll()
    .executeTakeFirst()
  return row === undefined ? undefined : signOnOf(row)
}

/** Uses a state up; false when it was used before. Forgets those that are too old anyway. */
export async function takeState(
  db: Writer,
  state: string,
  at: { readonly expiresAt: number; readonly now: number },
): Promise<boolean> {
  await db
    .deleteFrom("used_challenge")
    .where("id", "like", "oidc:%")
    .where("expires_at", "<", at.now)
    .execute()
  const result = await db
    .insertInto("used_challenge")
    .values({ id: `oidc:${state}`, expires_at: at.expiresAt })
    .onConflict((conflict) => conflict.column("id").doNothing())
    .executeTakeFirst()
  return (result.numInsertedOrUpdatedRows ?? 0n) > 0n
}

function signOnOf(row: OidcSignOnTable): SignOn {
  return {
    orgId: row.org_id,
    issuer: row.issuer,
    clientId: row.client_id,
    clientSecretSealed: row.client_secret_sealed,
    allowedEmailDomains: JSON.parse(row.allowed_email_domains) as string[],
    defaultRole: row.default_role,
    isActive: row.is_active === 1,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
  }
}
