/** The only file that names the table access_token. */
import type { Reader, Writer } from "../../db/database.ts"
import { fixedStatement } from "../../db/fixed-statement.ts"
import type { Schema } from "../../db/schema.ts"
import type { TokenLimits } from "./domain.ts"

export type TokenFamily = TokenLimits & {
  readonly id: string
  readonly orgId: string
  readonly identityId: string
  readonly identityName: string
  readonly authMethodId: string
  readonly clientSecretId: string | null
  readonly method: string
  readonly name: string | null
  readonly usesLimit: number
  readonly createdAt: number
  readonly updatedAt: number
  readonly isRevoked: boolean
}

type NewTokenFamily = Omit<TokenFamily, "identityName" | "isRevoked" | "updatedAt"> & {
  readonly expiresAt: number | null
}

const insertRow = fixedStatement((db, row: Schema["access_token"]) =>
  db.insertInto("access_token").values(row),
)

export async function insertToken(db: Writer, token: NewTokenFamily): Promise<void> {
  await insertRow(db, {
    id: token.id,
    org_id: token.orgId,
    identity_id: token.identityId,
    user_id: null,
    auth_method_id: token.authMethodId,
    client_secret_id: token.clientSecretId,
    method: token.method,
    name: token.name,
    uses: 0,
    uses_limit: token.usesLimit,
    ttl_seconds: token.ttlSeconds,
    max_ttl_seconds: token.maxTtlSeconds,
    period_seconds: token.periodSeconds,
    expires_at: token.expiresAt,
    revoked_at: null,
    created_at: token.createdAt,
    updated_at: token.createdAt,
  })
}

function tokens(db: Reader) {
  return db
    .selectFrom("access_token as t")
    .innerJoin("identity as i", "i.id", "t.identity_id")
    .select([
      "t.id",
      "t.org_id",
      "t.identity_id",
      "i.name as identity_name",
      "t.auth_method_id",
      "t.client_secret_id",
      "t.method",
      "t.name",
      "t.uses_limit",
      "t.ttl_seconds",
      "t.max_ttl_seconds",
      "t.period_seconds",
      "t.created_at",
      "t.updated_at",
      "t.revoked_at",
    ])
}

type TokenRow = Awaited<ReturnType<ReturnType<typeof tokens>["execute"]>>[number]

function familyOf(row: TokenRow): TokenFamily {
  return {
    id: row.id,
    orgId: row.org_id,
    identityId: row.identity_id ?? "",
    identityName: row.identity_name,
    authMethodId: row.auth_method_id ?? "",
    clientSecretId: row.client_secret_id,
    method: row.method,
    name: row.name,
    usesLimit: row.uses_limit,
    ttlSeconds: row.ttl_seconds,
    maxTtlSeconds: row.max_ttl_seconds,
    periodSeconds: row.period_seconds,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
    isRevoked: row.revoked_at !== null,
  }
}

/** `undefined` when there is no such token family. */
export async function findToken(db: Reader, id: string): Promise<TokenFamily | undefined> {
  const row = await tokens(db).where("t.id", "=", id).executeTakeFirst()
  return row === undefined ? undefined : familyOf(row)
}

/** Tokens issued by one auth method, oldest first. */
export async function listTokensOfMethod(
  db: Reader,
  authMethodId: string,
  page: { readonly offset: number; readonly limit: number },
): Promise<TokenFamily[]> {
  const rows = await tokens(db)
    .where("t.auth_method_id", "=", authMethodId)
    .orderBy("t.created_at")
    .orderBy("t.id")
    .limit(page.limit)
    .offset(page.offset)
    .execute()
  return rows.map(familyOf)
}

export async function renameToken(
  db: Writer,
  id: string,
  change: { readonly name: string; readonly now: number },
): Promise<void> {
  await db
    .updateTable("access_token")
    .set({ name: change.name, updated_at: change.now })
    .where("id", "=", id)
    .execute()
}

/** Counts one use; false when none is left or the token was revoked meanwhile. */
export async function consumeUse(db: Writer, id: string, now: number): Promise<boolean> {
  const result = await db
    .updateTable("access_token")
    .set((eb) => ({ uses: eb("uses", "+", 1), updated_at: now }))
    .where("id", "=", id)
    .where("revoked_at", "is", null)
    .whereRef("uses", "<", "uses_limit")
    .executeTakeFirst()
  return result.numUpdatedRows > 0n
}

export async function extendToken(
  db: Writer,
  id: string,
  change: { readonly expiresAt: number | null; readonly now: number },
): Promise<void> {
  await db
    .updateTable("access_token")
    .set({ expires_at: change.expiresAt, updated_at: change.now })
    .where("id", "=", id)
    .execute()
}

/** Which tokens to revoke: one, or all that came through an auth method, a client secret or an identity. */
export type TokensToRevoke =
  | { readonly id: string }
  | { readonly authMethodId: string }
  | { readonly clientSecretId: string }
  | { readonly identityId: string }

/** Revokes what is not revoked yet; returns how many that were. */
export async function revokeTokens(db: Writer, which: TokensToRevoke, now: number): Promise<number> {
  const update = db
    .updateTable("access_token")
    .set({ revoked_at: now, updated_at: now })
    .where("revoked_at", "is", null)
  const chosen =
    "id" in which
      ? update.where("id", "=", which.id)
      : "authMethodId" in which
        ? update.where("auth_method_id", "=", which.authMethodId)
        : "clientSecretId" in which
          ? update.where("client_secret_id", "=", which.clientSecretId)
          : update.where("identity_id", "=", which.identityId)
  const result = await chosen.executeTakeFirst()
  return Number(result.numUpdatedRows)
}

/** Removes rows of tokens that no JWT can name any more: expired, or revoked long enough ago. */
export async function removeDeadTokens(
  db: Writer,
  before: { readonly expired: number; readonly revoked: number },
): Promise<number> {
  const result = await db
    .deleteFrom("access_token")
    .where((eb) =>
      eb.or([
        eb("expires_at", "<", before.expired),
        eb.and([eb("revoked_at", "<", before.revoked), eb("method", "!=", "token-auth")]),
      ]),
    )
    .executeTakeFirst()
  return Number(result.numDeletedRows)
}
