/** The only file that writes the tables identity_auth_method and auth_method_author. */
import type { Reader, Writer } from "../../db/database.ts"
import { fixedStatement, isDirect } from "../../db/fixed-statement.ts"
import type { IdentityAuthMethodTable } from "../../db/schema.ts"
import type { AddressRange } from "../../network-address.ts"
import type { AuthMethod, MethodAuthor } from "./domain.ts"
import type { MethodName } from "./method-kind.ts"

/** A method of an identity, and who may know how to log in by it. */
export type Login = Pick<AuthMethod<object>, "id" | "createdAt" | "updatedAt"> & {
  readonly method: MethodName
  /** The latest first; nobody where it was set up by the first run, or before this was kept. */
  readonly authors: readonly MethodAuthor[]
}

export async function insertAuthMethod(
  db: Writer,
  kind: MethodName,
  method: AuthMethod<object>,
): Promise<void> {
  await db
    .insertInto("identity_auth_method")
    .values({
      ...columnsOf(method),
      id: method.id,
      identity_id: method.identityId,
      method: kind,
      client_id: method.clientId,
      created_at: method.createdAt,
    })
    .execute()
}

export async function updateAuthMethod(db: Writer, method: AuthMethod<object>): Promise<void> {
  await db.updateTable("identity_auth_method").set(columnsOf(method)).where("id", "=", method.id).execute()
}

function columnsOf(method: AuthMethod<object>) {
  return {
    access_token_ttl: method.accessTokenTTL,
    access_token_max_ttl: method.accessTokenMaxTTL,
    access_token_period: method.accessTokenPeriod,
    access_token_uses_limit: method.accessTokenNumUsesLimit,
    access_token_trusted_ips: JSON.stringify(method.accessTokenTrustedIps),
    settings: JSON.stringify(method.settings),
    updated_at: method.updatedAt,
  }
}

/** Keeps that somebody acted on a method; of each one the last time. */
export async function insertAuthor(db: Writer, authMethodId: string, author: MethodAuthor): Promise<void> {
  const latest = { author_type: author.type, author_name: author.name, acted_at: author.actedAt }
  await db
    .insertInto("auth_method_author")
    .values({ auth_method_id: authMethodId, author_id: author.id, ...latest })
    .onConflict((conflict) => conflict.columns(["auth_method_id", "author_id"]).doUpdateSet(latest))
    .execute()
}

/** The methods of an identity in the order of their names, each with its authors, the latest first. */
export async function listLogins(db: Reader, identityId: string): Promise<readonly Login[]> {
  const rows = await db
    .selectFrom("identity_auth_method as m")
    .leftJoin("auth_method_author as a", "a.auth_method_id", "m.id")
    .select(["m.id", "m.method", "m.created_at", "m.updated_at"])
    .select(["a.author_id", "a.author_type", "a.author_name", "a.acted_at"])
    .where("m.identity_id", "=", identityId)
    .orderBy("m.method")
    .orderBy("a.acted_at", "desc")
    .orderBy("a.author_id")
    .execute()
  return [...Map.groupBy(rows, ({ id }) => id).values()].flatMap((ofMethod) => {
    const [first] = ofMethod
    if (first === undefined) return []
    const { id, method, created_at: createdAt, updated_at: updatedAt } = first
    const authors = ofMethod.flatMap((row): MethodAuthor[] => {
      const { author_id: authorId, author_type: type, author_name: name, acted_at: actedAt } = row
      const isThere = authorId !== null && type !== null && name !== null && actedAt !== null
      return isThere ? [{ id: authorId, type, name, actedAt }] : []
    })
    return [{ id, method, createdAt, updatedAt, authors }]
  })
}

/** Removes the method; its client secrets go with it, its tokens must be revoked by the caller. */
export async function removeAuthMethod(db: Writer, id: string): Promise<void> {
  await db.deleteFrom("identity_auth_method").where("id", "=", id).execute()
}

const selectLocked = fixedStatement((db, { id }: { id: string }) =>
  db
    .selectFrom("identity_auth_method")
    .select("id")
    .where("id", "=", id)
    .$if(!isDirect(db), (query) => query.forNoKeyUpdate()),
)

/** Lets nobody else lock the method until the write ends; where one write runs at a time nobody can. */
export async function lockMethod(db: Writer, id: string): Promise<void> {
  if (!isDirect(db)) await selectLocked(db, { id })
}

/** `undefined` when the identity does not have the method. The caller says what its settings look like. */
export async function findAuthMethod<Settings>(
  db: Reader,
  identityId: string,
  kind: MethodName,
): Promise<AuthMethod<Settings> | undefined> {
  const row = await db
    .selectFrom("identity_auth_method")
    .selectAll()
    .where("identity_id", "=", identityId)
    .where("method", "=", kind)
    .executeTakeFirst()
  return row === undefined ? undefined : methodOf<Settings>(row)
}

/** A method with the identity it belongs to and that identity's place in its organization. */
export type Bearer<Settings> = {
  readonly method: AuthMethod<Settings>
  readonly identityName: string
  readonly orgId: string
  readonly orgSlug: string
  /** `undefined` when the identity left its organization. */
  readonly orgRole: string | undefined
}

const selectByClientId = fixedStatement((db, { clientId }: { clientId: string }) =>
  selectBearers(db).where("a.client_id", "=", clientId),
)

/** Universal auth by client id, with whom it belongs to. */
export async function findByClientId<Settings>(
  db: Reader,
  clientId: string,
): Promise<Bearer<Settings> | undefined> {
  const [row] = await selectByClientId(db, { clientId })
  return row === undefined ? undefined : bearerOf<Settings>(row)
}

/** A method by the identity that has it. */
export async function findByIdentity<Settings>(
  db: Reader,
  identityId: string,
  kind: MethodName,
): Promise<Bearer<Settings> | undefined> {
  const row = await selectBearers(db)
    .where("a.identity_id", "=", identityId)
    .where("a.method", "=", kind)
    .executeTakeFirst()
  return row === undefined ? undefined : bearerOf<Settings>(row)
}

function selectBearers(db: Reader) {
  return db
    .selectFrom("identity_auth_method as a")
    .innerJoin("identity as i", "i.id", "a.identity_id")
    .innerJoin("organization as o", "o.id", "i.org_id")
    .leftJoin("organization_membership as m", (join) =>
      join.onRef("m.actor_id", "=", "i.id").onRef("m.org_id", "=", "i.org_id"),
    )
    .selectAll("a")
    .select(["i.name as identity_name", "i.org_id", "o.slug as org_slug", "m.role as org_role"])
}

function bearerOf<Settings>(
  row: NonNullable<Awaited<ReturnType<ReturnType<typeof selectBearers>["executeTakeFirst"]>>>,
): Bearer<Settings> {
  return {
    method: methodOf<Settings>(row),
    identityName: row.identity_name,
    orgId: row.org_id,
    orgSlug: row.org_slug,
    orgRole: row.org_role ?? undefined,
  }
}

function methodOf<Settings>(row: IdentityAuthMethodTable): AuthMethod<Settings> {
  return {
    id: row.id,
    identityId: row.identity_id,
    clientId: row.client_id,
    accessTokenTTL: row.access_token_ttl,
    accessTokenMaxTTL: row.access_token_max_ttl,
    accessTokenPeriod: row.access_token_period,
    accessTokenNumUsesLimit: row.access_token_uses_limit,
    accessTokenTrustedIps: JSON.parse(row.access_token_trusted_ips) as AddressRange[],
    settings: JSON.parse(row.settings) as Settings,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
  }
}
