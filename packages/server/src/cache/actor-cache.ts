import type { RoleGrant } from "../actor.ts"
import type { Reader } from "../db/database.ts"
import { type AddressRange, parseAddressRange } from "../network-address.ts"
import { BoundedMap } from "./bounded-map.ts"

/** What the database says of an identity, valid for `epoch`. */
export type ActorRecord = {
  readonly id: string
  readonly name: string
  readonly orgId: string
  /** `undefined` when the identity is no member of its organization any more. */
  readonly orgRole: string | undefined
  readonly epoch: number
  readonly memberships: ReadonlyMap<string, readonly RoleGrant[]>
  /** Tokens seen so far; they belong to this epoch, because revoking one ends the epoch. */
  readonly tokens: BoundedMap<string, TokenRecord>
}

export type TokenRecord = {
  readonly isRevoked: boolean
  readonly usesLimit: number
  readonly trustedIps: readonly AddressRange[]
}

const unknownToken: TokenRecord = { isRevoked: true, usesLimit: 0, trustedIps: [] }

/**
 * Identities with their roles and tokens. A record is loaded epoch first, so it is never older than it says;
 * whoever uses one must compare its epoch with what the audit round trip saw.
 */
export class ActorCache {
  readonly #reader: Reader
  readonly #records = new BoundedMap<string, ActorRecord>(10_000)

  constructor(reader: Reader) {
    this.#reader = reader
  }

  /** The cached record, if there is one. */
  peek(identityId: string): ActorRecord | undefined {
    return this.#records.get(identityId)
  }

  /** `undefined` when there is no such identity. */
  async get(identityId: string): Promise<ActorRecord | undefined> {
    return this.#records.get(identityId) ?? (await this.reload(identityId))
  }

  async reload(identityId: string): Promise<ActorRecord | undefined> {
    this.#records.delete(identityId)
    const record = await loadActor(this.#reader, identityId)
    const newer = this.#records.get(identityId)
    if (record === undefined || (newer !== undefined && newer.epoch >= record.epoch)) return newer
    this.#records.set(identityId, record)
    return record
  }

  /** A write in this process changed the identity. */
  forget(identityId: string): void {
    this.#records.delete(identityId)
  }

  /** The token's row; a token without a row counts as revoked. */
  async tokenOf(record: ActorRecord, tokenId: string): Promise<TokenRecord> {
    const known = record.tokens.get(tokenId)
    if (known !== undefined) return known
    const token = await loadToken(this.#reader, record.id, tokenId)
    record.tokens.set(tokenId, token)
    return token
  }
}

async function loadActor(reader: Reader, identityId: string): Promise<ActorRecord | undefined> {
  const identity = await reader
    .selectFrom("identity")
    .select(["id", "name", "org_id", "epoch"])
    .where("id", "=", identityId)
    .executeTakeFirst()
  if (identity === undefined) return undefined
  const organization = await reader
    .selectFrom("organization_membership")
    .select("role")
    .where("org_id", "=", identity.org_id)
    .where("actor_type", "=", "identity")
    .where("actor_id", "=", identityId)
    .executeTakeFirst()
  return {
    id: identity.id,
    name: identity.name,
    orgId: identity.org_id,
    orgRole: organization?.role,
    epoch: identity.epoch,
    memberships: await loadMemberships(reader, identityId),
    tokens: new BoundedMap(2_000),
  }
}

async function loadMemberships(reader: Reader, identityId: string): Promise<Map<string, RoleGrant[]>> {
  const rows = await reader
    .selectFrom("project_membership as m")
    .leftJoin("project_membership_role as r", "r.membership_id", "m.id")
    .select(["m.project_id", "r.role", "r.starts_at", "r.ends_at"])
    .where("m.actor_type", "=", "identity")
    .where("m.actor_id", "=", identityId)
    .execute()
  const memberships = new Map<string, RoleGrant[]>()
  for (const row of rows) {
    const grants = memberships.get(row.project_id) ?? []
    if (row.role !== null) grants.push({ role: row.role, startsAt: row.starts_at, endsAt: row.ends_at })
    memberships.set(row.project_id, grants)
  }
  return memberships
}

async function loadToken(reader: Reader, identityId: string, tokenId: string): Promise<TokenRecord> {
  const row = await reader
    .selectFrom("access_token as t")
    .innerJoin("identity_auth_method as a", "a.id", "t.auth_method_id")
    .select(["t.revoked_at", "t.uses_limit", "a.access_token_trusted_ips"])
    .where("t.id", "=", tokenId)
    .where("t.identity_id", "=", identityId)
    .executeTakeFirst()
  if (row === undefined) return unknownToken
  return {
    isRevoked: row.revoked_at !== null,
    usesLimit: row.uses_limit,
    trustedIps: readRanges(row.access_token_trusted_ips),
  }
}

function readRanges(json: string): readonly AddressRange[] {
  const stored = JSON.parse(json) as readonly { readonly ipAddress: string; readonly prefix: number }[]
  return stored.flatMap((range) => parseAddressRange(`${range.ipAddress}/${range.prefix}`) ?? [])
}
