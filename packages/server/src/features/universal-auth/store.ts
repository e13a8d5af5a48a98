/** The only file that names the tables client_secret and login_failure. */
import type { Reader, Writer } from "../../db/database.ts"
import { fixedStatement } from "../../db/fixed-statement.ts"
import type { ClientSecretTable } from "../../db/schema.ts"
import type { ClientSecret, FailureCount } from "./domain.ts"

export type StoredClientSecret = ClientSecret & { readonly hashBytes: Uint8Array }

export async function insertClientSecret(db: Writer, secret: StoredClientSecret): Promise<void> {
  await db
    .insertInto("client_secret")
    .values({
      id: secret.id,
      auth_method_id: secret.authMethodId,
      identity_id: secret.identityId,
      secret_hash: secret.hashBytes,
      prefix: secret.prefix,
      description: secret.description,
      ttl_seconds: secret.ttlSeconds,
      uses: secret.uses,
      uses_limit: secret.usesLimit,
      revoked_at: null,
      created_at: secret.createdAt,
      updated_at: secret.updatedAt,
    })
    .execute()
}

const maxCandidates = 100

const selectCandidates = fixedStatement((db, of: { authMethodId: string; prefix: string }) =>
  db
    .selectFrom("client_secret")
    .selectAll()
    .where("auth_method_id", "=", of.authMethodId)
    .where("prefix", "=", of.prefix)
    .where("revoked_at", "is", null)
    .limit(maxCandidates),
)

/** Unrevoked client secrets of a method that begin like the one that was shown. */
export async function listCandidates(
  db: Reader,
  authMethodId: string,
  prefix: string,
): Promise<StoredClientSecret[]> {
  return (await selectCandidates(db, { authMethodId, prefix })).map(clientSecretOf)
}

const maxListed = 1_000

/** Unrevoked client secrets of a method, oldest first. */
export async function listClientSecrets(db: Reader, authMethodId: string): Promise<ClientSecret[]> {
  const rows = await db
    .selectFrom("client_secret")
    .selectAll()
    .where("auth_method_id", "=", authMethodId)
    .where("revoked_at", "is", null)
    .orderBy("created_at")
    .orderBy("id")
    .limit(maxListed)
    .execute()
  return rows.map(clientSecretOf)
}

/** `undefined` when the method has no such client secret. */
export async function findClientSecret(
  db: Reader,
  authMethodId: string,
  id: string,
): Promise<ClientSecret | undefined> {
  const row = await db
    .selectFrom("client_secret")
    .selectAll()
    .where("auth_method_id", "=", authMethodId)
    .where("id", "=", id)
    .executeTakeFirst()
  return row === undefined ? undefined : clientSecretOf(row)
}

const consumeOne = fixedStatement((db, of: { step: number; now: number; id: string; unlimited: number }) =>
  db
    .updateTable("client_secret")
    .set((eb) => ({ uses: eb("uses", "+", of.step), updated_at: of.now }))
    .where("id", "=", of.id)
    .where("revoked_at", "is", null)
    .where((eb) => eb.or([eb("uses_limit", "=", of.unlimited), eb("uses", "<", eb.ref("uses_limit"))]))
    .returning("id"),
)

/** Counts one use; false when none is left or the client secret was revoked meanwhile. */
export async function consumeClientSecret(db: Writer, id: string, now: number): Promise<boolean> {
  return (await consumeOne(db, { step: 1, now, id, unlimited: 0 })).length > 0
}

export async function revokeClientSecret(db: Writer, id: string, now: number): Promise<void> {
  await db
    .updateTable("client_secret")
    .set({ revoked_at: now, updated_at: now })
    .where("id", "=", id)
    .where("revoked_at", "is", null)
    .execute()
}

const selectFailures = fixedStatement((db, of: { clientId: string; source: string; everySource: string }) =>
  db
    .selectFrom("login_failure")
    .selectAll()
    .where("client_id", "=", of.clientId)
    .where("source", "in", [of.source, of.everySource]),
)

/** Failed logins of a client id by source: one, and "", which stands for all together. */
export async function listFailures(
  db: Reader,
  clientId: string,
  source: string,
): Promise<Map<string, FailureCount>> {
  const rows = await selectFailures(db, { clientId, source, everySource: "" })
  return new Map(
    rows.map((row) => [
      row.source,
      { failures: row.failures, windowStartedAt: row.window_started_at, lockedUntil: row.locked_until },
    ]),
  )
}

export async function saveFailure(
  db: Writer,
  of: { readonly clientId: string; readonly source: string },
  count: FailureCount,
): Promise<void> {
  const counted = {
    failures: count.failures,
    window_started_at: count.windowStartedAt,
    locked_until: count.lockedUntil,
  }
  await db
    .insertInto("login_failure")
    .values({ client_id: of.clientId, source: of.source, ...counted })
    .onConflict((conflict) => conflict.columns(["client_id", "source"]).doUpdateSet(counted))
    .execute()
}

/** Forgets failures: those of the given sources, or all. Returns how many rows that were. */
export async function clearFailures(
  db: Writer,
  clientId: string,
  sources?: readonly string[],
): Promise<number> {
  const all = db.deleteFrom("login_failure").where("client_id", "=", clientId)
  const result = await (sources === undefined ? all : all.where("source", "in", sources)).executeTakeFirst()
  return Number(result.numDeletedRows)
}

function clientSecretOf(row: ClientSecretTable): StoredClientSecret {
  return {
    id: row.id,
    authMethodId: row.auth_method_id,
    identityId: row.identity_id,
    hashBytes: row.secret_hash,
    prefix: row.prefix,
    description: row.description,
    ttlSeconds: row.ttl_seconds,
    uses: row.uses,
    usesLimit: row.uses_limit,
    isRevoked: row.revoked_at !== null,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
  }
}
