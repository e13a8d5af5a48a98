/**
 * Who is asking. An actor is what authentication found out about the caller of one request: it is a snapshot that
 * is valid for `epoch`, and every answer checks that the epoch still holds.
 */
import type { PermissionRule } from "@coffer/contract"
import type { AuditActor, AuditSource } from "./audit/audit-event.ts"

/** A role or a privilege in a project, for good or until `endsAt`. */
export type RoleGrant = {
  /** The slug of the role or privilege. */
  readonly role: string
  readonly startsAt: number | null
  readonly endsAt: number | null
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

/** A machine identity with a valid access token. */
export type IdentityActor = {
  readonly kind: "identity"
  readonly id: string
  readonly name: string
  readonly orgId: string
  /** admin, member or no-access in the organization. */
  readonly orgRole: string
  readonly authMethod: string
  /** The `jti` of the token that was shown. */
  readonly tokenId: string
  /** Grows with everything that changes what the identity may do. */
  readonly epoch: number
  /** Roles per project the identity belongs to. */
  readonly memberships: ReadonlyMap<string, readonly RoleGrant[]>
}

export type Actor = IdentityActor

/** The actor as the audit log names it. */
export function auditActorOf(actor: Actor): AuditActor {
  return { type: "identity", id: actor.id, name: actor.name, authMethod: actor.authMethod }
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
