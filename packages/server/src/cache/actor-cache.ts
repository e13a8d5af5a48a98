import type { Actor, RoleGrant } from "../actor.ts"
import type { Reader } from "../db/database.ts"
import { type AddressRange, parseAddressRange } from "../network-address.ts"
import { BoundedMap } from "./bounded-map.ts"
import { withCustomRules } from "./custom-rules.ts"

/** What an actor is in one organization. */
export type OrganizationRecord = {
  readonly role: string
  /** Per project of this organization; for a user, what its groups have counts too. */
  readonly memberships: ReadonlyMap<string, readonly RoleGrant[]>
}

/** What the database says of an identity or a user, valid for `epoch`. */
export type ActorRecord = {
  readonly kind: "identity" | "user"
  readonly id: string
  /** Of a user, the e-mail address. */
  readonly name: string
  /** Organizations in which the actor is an active member; an identity has at most one. */
  readonly organizations: ReadonlyMap<string, OrganizationRecord>
  /** True when a session counts only once a second factor was shown; never for identities. */
  readonly needsSecondFactor: boolean
  readonly epoch: number
  /** Tokens and sessions seen so far; they belong to this epoch, because revoking one ends the epoch. */
  readonly tokens: BoundedMap<string, TokenRecord>
}

/** A token family of an identity, or a session of a user. */
export type TokenRecord = {
  readonly isRevoked: boolean
  readonly usesLimit: number
  /** `undefined`: from anywhere. */
  readonly trustedIps: readonly AddressRange[] | undefined
  /** Always true for identities. */
  readonly hasSecondFactor: boolean
}

/** Somebody who does not ask itself, as authorization sees them; `undefined` when it is no active member there. */
export function actorAt(record: ActorRecord, orgId: string): Actor | undefined {
  const there = record.organizations.get(orgId)
  if (there === undefined) return undefined
  const { kind, id, name, epoch } = record
  const { role: orgRole, memberships } = there
  return { kind, id, name, orgId, orgRole, authMethod: "", tokenId: "", epoch, memberships }
}

const unknownToken: TokenRecord = {
  isRevoked: true,
  usesLimit: 0,
  trustedIps: undefined,
  hasSecondFactor: false,
}

/**
 * Identities and users with their roles and tokens. A record is loaded epoch first, so it is never older than it says;
 * whoever uses one must compare its epoch with what the audit round trip saw.
 */
export class ActorCache {
  readonly #reader: Reader
  readonly #records = new BoundedMap<string, ActorRecord>(10_000)

  constructor(reader: Reader) {
    this.#reader = reader
  }

  /** The cached record, if there is one. */
  peek(actorId: string): ActorRecord | undefined {
    return this.#records.get(actorId)
  }

  /** `undefined` when there is no such identity and no such user. */
  async get(actorId: string): Promise<ActorRecord | undefined> {
    return this.#records.get(actorId) ?? (await this.reload(actorId))
  }

  async reload(actorId: string): Promise<ActorRecord | undefined> {
    this.#records.delete(actorId)
    const record = await loadActor(this.#reader, actorId)
    const newer = this.#records.get(actorId)
    if (record === undefined || (newer !== undefined && newer.epoch >= record.epoch)) return newer
    this.#records.set(actorId, record)
    return record
  }

  /** A write in this process changed the actor. */
  forget(actorId: string): void {
    this.#records.delete(actorId)
  }

  /** The token's or session's row; one without a row counts as revoked. */
  async tokenOf(record: ActorRecord, tokenId: string): Promise<TokenRecord> {
    const known = record.tokens.get(tokenId)
    if (known !== undefined) return known
    const token = await (record.kind === "identity"
      ? loadToken(this.#reader, record.id, tokenId)
      : loadSession(this.#reader, record.id, tokenId))
    record.tokens.set(tokenId, token)
    return token
  }
}

async function loadActor(reader: Reader, id: string): Promise<ActorRecord | undefined> {
  const identity = await reader
    .selectFrom("identity")
    .select(["id", "name", "epoch"])
    .where("id", "=", id)
    .executeTakeFirst()
  if (identity !== undefined) {
    const organizations = await loadOrganizations(reader, "identity", id)
    const tokens = new BoundedMap<string, TokenRecord>(2_000)
    return { kind: "identity", ...identity, organizations, needsSecondFactor: false, tokens }
  }
  const user = await reader
    .selectFrom("user_account")
    .select(["id", "email as name", "epoch"])
    .where("id", "=", id)
    .executeTakeFirst()
  if (user === undefined) return undefined
  const organizations = await loadOrganizations(reader, "user", id)
  const needsSecondFactor = await hasSecondFactor(reader, id)
  return { kind: "user", ...user, organizations, needsSecondFactor, tokens: new BoundedMap(200) }
}

async function loadOrganizations(
  reader: Reader,
  kind: ActorRecord["kind"],
  actorId: string,
): Promise<Map<string, OrganizationRecord>> {
  const rows = await reader
    .selectFrom("organization_membership")
    .select(["org_id", "role"])
    .where("actor_type", "=", kind)
    .where("actor_id", "=", actorId)
    .where("is_active", "=", 1)
    .execute()
  const memberships = new Map(rows.map((row) => [row.org_id, new Map<string, RoleGrant[]>()]))
  const named = await listRoles(reader, kind, actorId)
  for (const { orgId, projectId, grant } of await withCustomRules(reader, { kind, id: actorId }, named)) {
    const ofOrganization = memberships.get(orgId)
    if (ofOrganization === undefined) continue
    const grants = ofOrganization.get(projectId) ?? []
    if (grant !== undefined) grants.push(grant)
    ofOrganization.set(projectId, grants)
  }
  return new Map(
    rows.map((row) => [
      row.org_id,
      { role: row.role, memberships: memberships.get(row.org_id) ?? new Map() },
    ]),
  )
}

/** Roles the actor has of its own and, for a user, through its groups. */
async function listRoles(reader: Reader, kind: ActorRecord["kind"], actorId: string) {
  const own = await reader
    .selectFrom("project_membership as m")
    .innerJoin("project as p", "p.id", "m.project_id")
    .leftJoin("project_membership_role as r", "r.membership_id", "m.id")
    .select(["p.org_id", "m.project_id", "r.role", "r.starts_at", "r.ends_at"])
    .where("m.actor_type", "=", kind)
    .where("m.actor_id", "=", actorId)
    .execute()
  if (kind === "identity") return own
  const throughGroups = await reader
    .selectFrom("user_group_member as gm")
    .innerJoin("user_group as g", "g.id", "gm.group_id")
    .innerJoin("project_group as m", "m.group_id", "gm.group_id")
    .innerJoin("project as p", (join) =>
      join.onRef("p.id", "=", "m.project_id").onRef("p.org_id", "=", "g.org_id"),
    )
    .leftJoin("project_group_role as r", "r.membership_id", "m.id")
    .select(["p.org_id", "m.project_id", "r.role", "r.starts_at", "r.ends_at"])
    .select(["g.id as group_id", "g.name as group_name"])
    .where("gm.user_id", "=", actorId)
    .execute()
  return [...own, ...throughGroups]
}

async function hasSecondFactor(reader: Reader, userId: string): Promise<boolean> {
  const totp = await reader
    .selectFrom("user_totp")
    .select("user_id")
    .where("user_id", "=", userId)
    .where("confirmed_at", "is not", null)
    .executeTakeFirst()
  if (totp !== undefined) return true
  const passkey = await reader
    .selectFrom("user_passkey")
    .select("id")
    .where("user_id", "=", userId)
    .executeTakeFirst()
  return passkey !== undefined
}

async function loadSession(reader: Reader, userId: string, sessionId: string): Promise<TokenRecord> {
  const row = await reader
    .selectFrom("user_session")
    .select(["revoked_at", "second_factor"])
    .where("id", "=", sessionId)
    .where("user_id", "=", userId)
    .executeTakeFirst()
  if (row === undefined) return unknownToken
  const isRevoked = row.revoked_at !== null
  return { isRevoked, usesLimit: 0, trustedIps: undefined, hasSecondFactor: row.second_factor !== null }
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
    hasSecondFactor: true,
  }
}

/** `undefined` when there is no address that they leave out. */
function readRanges(json: string): readonly AddressRange[] | undefined {
  const stored = JSON.parse(json) as readonly { readonly ipAddress: string; readonly prefix: number }[]
  const ranges = stored.flatMap((range) => parseAddressRange(`${range.ipAddress}/${range.prefix}`) ?? [])
  const isWhole = (type: AddressRange["type"]) =>
    ranges.some((range) => range.type === type && range.prefix === 0)
  return isWhole("ipv4") && isWhole("ipv6") ? undefined : ranges
}
