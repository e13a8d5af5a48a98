/** The keys of the keyring: made once, one per purpose, kept in the database under the root key. */
import { createPrivateKey, type KeyObject } from "node:crypto"
import { keyIdOf } from "@coffer/envelope"
import type { Clock } from "../clock.ts"
import type { Database, Reader, Writer } from "../db/database.ts"
import { isUniqueViolation } from "../db/database-error.ts"
import type { KeyringKeyTable } from "../db/schema.ts"
import { AppError } from "../errors.ts"
import type { Random } from "../random.ts"
import { fingerprintOf, type RootKey } from "./root-key.ts"

export const keyPurposes = [
  "wrapping",
  "token-signing",
  "client-secret-hmac",
  "row-mac",
  "audit-signing",
  "record-sealing",
] as const
export type KeyPurpose = (typeof keyPurposes)[number]

/** An unwrapped key of the keyring. */
export type KeyringKey = { readonly id: string; readonly keyBytes: Uint8Array }
export type KeyringKeys = {
  readonly active: Readonly<Record<KeyPurpose, KeyringKey>>
  /** Every wrapping key there ever was, by id. */
  readonly wrapping: ReadonlyMap<string, Uint8Array>
  /** Every key that sealed fields outside of projects, by id. */
  readonly recordSealing: ReadonlyMap<string, Uint8Array>
}

/** Whether this database has a keyring, whatever root key it is under. */
export async function hasKeyring(reader: Reader): Promise<boolean> {
  return (await reader.selectFrom("keyring_key").select("id").limit(1).executeTakeFirst()) !== undefined
}

/**
 * Unwraps the keys, and makes those that are missing. Of two processes that start at once one makes them and the other
 * takes them over.
 *
 * @throws AppError "invalid" that names the fingerprint of the root key that is needed, when this one is not it
 */
export async function loadKeyringKeys(
  database: Database,
  rootKey: RootKey,
  deps: { clock: Clock; random: Random },
): Promise<KeyringKeys> {
  const rows = await listKeys(database.reader)
  const keys = unwrapAll(rows, rootKey)
  const missing = keyPurposes.filter((purpose) => !keys.active.has(purpose))
  if (missing.length === 0) return complete(keys)
  try {
    await database.write((scope) => insertKeys(scope.db, missing, { ...deps, rootKey }))
  } catch (error) {
    if (!isUniqueViolation(error)) throw error
  }
  return complete(unwrapAll(await listKeys(database.reader), rootKey))
}

/**
 * Unwraps the keys of a database that has them all, and makes none.
 *
 * @throws AppError as {@link loadKeyringKeys}
 */
export async function readKeyringKeys(reader: Reader, rootKey: RootKey): Promise<KeyringKeys> {
  return complete(unwrapAll(await listKeys(reader), rootKey))
}

/** The Ed25519 key whose private half is this seed (RFC 8410, section 7). */
export function signingKeyOf(seedBytes: Uint8Array): KeyObject {
  const prefix = Buffer.from("302e020100300506032b657004220420", "hex")
  return createPrivateKey({ key: Buffer.concat([prefix, seedBytes]), format: "der", type: "pkcs8" })
}

function listKeys(reader: Reader): Promise<KeyringKeyTable[]> {
  return reader.selectFrom("keyring_key").selectAll().orderBy("created_at").orderBy("id").execute()
}

async function insertKeys(
  db: Writer,
  purposes: readonly KeyPurpose[],
  deps: { clock: Clock; random: Random; rootKey: RootKey },
): Promise<void> {
  const { clock, random, rootKey } = deps
  for (const purpose of purposes) {
    const id = random.uuid()
    const wrapped = rootKey.wrap(placeOf(id, purpose), random.bytes(32), (size) => random.bytes(size))
    await db
      .insertInto("keyring_key")
      .values({ id, purpose, wrapped_key: wrapped, created_at: clock.now(), retired_at: null })
      .execute()
  }
}

type UnwrappedKeys = {
  active: Map<string, KeyringKey>
  wrapping: Map<string, Uint8Array>
  recordSealing: Map<string, Uint8Array>
}

function unwrapAll(rows: readonly KeyringKeyTable[], rootKey: RootKey): UnwrappedKeys {
  const keys: UnwrappedKeys = { active: new Map(), wrapping: new Map(), recordSealing: new Map() }
  for (const row of rows) {
    const keyBytes = unwrap(row, rootKey)
    if (row.purpose === "wrapping") keys.wrapping.set(row.id, keyBytes)
    if (row.purpose === "record-sealing") keys.recordSealing.set(row.id, keyBytes)
    if (row.retired_at === null) keys.active.set(row.purpose, { id: row.id, keyBytes })
  }
  return keys
}

function unwrap(row: KeyringKeyTable, rootKey: RootKey): Uint8Array {
  try {
    return rootKey.unwrap(placeOf(row.id, row.purpose), row.wrapped_key)
  } catch (error) {
    throw wrongRootKey(row.wrapped_key, rootKey.fingerprint, error)
  }
}

function wrongRootKey(wrappedKey: Uint8Array, given: string, cause: unknown): AppError {
  const neededBytes = keyIdOf(wrappedKey)
  const needed = neededBytes === undefined ? "unknown" : fingerprintOf(neededBytes)
  const message =
    needed === given
      ? `A key of this database's keyring is damaged: it does not open under the root key ${given}`
      : `This database needs the root key with the fingerprint ${needed}, but the one given has ${given}: set ` +
        "ROOT_ENCRYPTION_KEY, ENCRYPTION_KEY or COFFER_ROOT_KEY_FILE to the root key it was made with"
  return new AppError("invalid", "RootKeyWrong", message, { cause })
}

/** @throws AppError as {@link loadKeyringKeys}, for a database with a keyring and no root key to open it */
export async function refuseWithoutRootKey(reader: Reader): Promise<never> {
  const [row] = await listKeys(reader)
  const neededBytes = row && keyIdOf(row.wrapped_key)
  const needed = neededBytes === undefined ? "unknown" : fingerprintOf(neededBytes)
  throw new AppError(
    "invalid",
    "RootKeyMissing",
    `This database needs the root key with the fingerprint ${needed}, and none was found: restore root.key into the ` +
      "data folder, or set ROOT_ENCRYPTION_KEY, ENCRYPTION_KEY or COFFER_ROOT_KEY_FILE",
  )
}

function complete(keys: UnwrappedKeys): KeyringKeys {
  const active = Object.fromEntries(keys.active) as Partial<Record<KeyPurpose, KeyringKey>>
  for (const purpose of keyPurposes) {
    if (active[purpose] === undefined) throw new Error(`the keyring has no active key for '${purpose}'`)
  }
  return {
    active: active as Record<KeyPurpose, KeyringKey>,
    wrapping: keys.wrapping,
    recordSealing: keys.recordSealing,
  }
}

function placeOf(id: string, purpose: string): readonly string[] {
  return ["keyring", id, purpose]
}
