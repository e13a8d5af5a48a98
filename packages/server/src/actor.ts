/**
 * Who is asking. An actor is what authentication found out about the caller of one request: it is a snapshot that
 * is valid for `epoch`, and every answer checks that the epoch still holds.
 */
import type { PermissionRule } from "@coffer/contract"
import type { AuditActor, AuditSource } from "./audit/audit-event.ts"
import { AppError } from "./errors.ts"

/** A role or a privilege in a project, for good or until `endsAt`. */
export type RoleGrant = {
  /** The slug of the role or privilege. */
  readonly role: string
  readonly startsAt: number | null
  readonly endsAt: number | null
  /** The group of the person through which it is held; absent when it is the actor's own. */
  readonly group?: { readonly id: string; readonly name: string }
  /** The rules, unless `role` is a built-in role. */
  readonly custom?: CustomRules
}

/** The rules of a custom role or a privilege; another version is another object. */
export type CustomRules = {
  readonly kind: "role" | "privilege"
  readonly id: string
  readonly version: number
  readonly permissions: readonly PermissionRule[]
}

/** What identities and users have in common: all that authorization needs. */
type AnyActor = {
  readonly id: string
  readonly name: string
  /** The organization that the token is for; "" for a user who has not chosen one. */
  readonly orgId: string
  /** admin, member or no-access in the organization. */
  readonly orgRole: string
  readonly authMethod: string
  /** The `jti` of an identity's token, the session of a user's. */
  readonly tokenId: string
  /** Grows with everything that changes what the actor may do. */
  readonly epoch: number
  /** Roles per project of `orgId` the actor belongs to, through its groups too. */
  readonly memberships: ReadonlyMap<string, readonly RoleGrant[]>
}

/** A machine identity with a valid access token. */
export type IdentityActor = AnyActor & { readonly kind: "identity" }

/** A person with a valid session; `name` is the e-mail address. */
export type UserActor = AnyActor & { readonly kind: "user" }

export type Actor = IdentityActor | UserActor

/** The actor as the audit log names it. */
export function auditActorOf(actor: Actor): AuditActor {
  return { type: actor.kind, id: actor.id, name: actor.name, authMethod: actor.authMethod }
}

/** @throws AppError "forbidden" when a token of the other kind was sent to a route for one kind (contract 2.2) */
export function requireKind<K extends Actor["kind"]>(
  actor: Actor,
  kind: K,
): asserts actor is Extract<Actor, { readonly kind: K }> {
  if (actor.kind === kind) return
  const wanted = kind === "user" ? "a person who has logged in" : "a machine identity"
  throw new AppError("forbidden", "ForbiddenError", `This route accepts the token of ${wanted} only`)
}

/** One request's caller and origin. */
export type Session = {
  readonly actor: Actor
  readonly source: AuditSource
  /** Method and route pattern, for refusals: `GET /v3/secrets/raw/:secretName`. */
  readonly route: string
  /**
   * Judges the token again with what the database says now; consumes no use.
   * @throws AppError "unauthenticated" or "forbidden" when it no longer opens the door
   */
  refresh(): Promise<Session>
}

/** Which callers a route accepts besides those with a full token. */
export type Leniency = {
  /** A user who has not chosen an organization: nothing of any organization is open to such a session. */
  readonly withoutOrganization?: boolean
  /** A user whose second factor is due. */
  readonly withoutSecondFactor?: boolean
}
