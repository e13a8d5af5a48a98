import type { Actor } from "../../actor.ts"
import { AppError } from "../../errors.ts"
import {
  type Action,
  covers,
  isAllowed,
  isAllowedInOrganization,
  isGrantActive,
  isOrganizationRole,
  missingRules,
  type OrganizationAction,
  type Rule,
  rulesOfGrants,
  rulesOfRole,
  type Subject,
} from "./domain.ts"

declare const granted: unique symbol

/**
 * Proof that `authorize` said yes. Only this module makes one, so a function that takes a `Grant<"readValue">`
 * cannot be called by someone who forgot to ask.
 */
export type Grant<A extends Action = Action> = {
  readonly [granted]: A
  readonly projectId: string
}

/**
 * @throws AppError "forbidden" when the actor is not a member of the project, or its roles do not allow the action
 */
export function authorize<A extends Action>(
  actor: Actor,
  action: A,
  subject: Subject,
  at: { readonly projectId: string; readonly now: number },
): Grant<A> {
  const rules = rulesInProject(actor, at.projectId, at.now)
  if (!isAllowed(rules, action, subject)) throw permissionDenied(action, subject, rules)
  return { projectId: at.projectId } as Grant<A>
}

/** As {@link authorize}, but answers `undefined` where the roles do not allow the action. */
export function authorizeOrNot<A extends Action>(
  actor: Actor,
  action: A,
  subject: Subject,
  at: { readonly projectId: string; readonly now: number },
): Grant<A> | undefined {
  const rules = rulesInProject(actor, at.projectId, at.now)
  return isAllowed(rules, action, subject) ? ({ projectId: at.projectId } as Grant<A>) : undefined
}

/**
 * Whoever may edit a secret may have the server open its unchanged fields to seal them for the next version. What is
 * opened with these grants must not be shown.
 */
export function grantsToCarryOver(edit: Grant<"edit">): {
  readonly describe: Grant<"describeSecret">
  readonly value: Grant<"readValue">
} {
  const { projectId } = edit
  return {
    describe: { projectId } as Grant<"describeSecret">,
    value: { projectId } as Grant<"readValue">,
  }
}

/** @throws AppError "forbidden" when the actor does not belong to the project */
export function requireMember(actor: Actor, projectId: string): void {
  if (!actor.memberships.has(projectId)) throw notAMember(projectId)
}

/**
 * Stops an actor from handing out project roles beyond its own.
 * @throws AppError "forbidden" (PermissionBoundaryError) or "invalid" for an unknown role
 */
export function requireMayHandOut(
  actor: Actor,
  roles: readonly string[],
  at: { readonly projectId: string; readonly now: number },
): void {
  const held = rulesInProject(actor, at.projectId, at.now)
  const missing = roles.flatMap((role) => missingRules(held, requireRole(role)))
  if (missing.length === 0) return
  throw new AppError(
    "forbidden",
    "PermissionBoundaryError",
    "You cannot hand out permissions that you do not have yourself",
    { details: { missingPermissions: missing } },
  )
}

/** @throws AppError "forbidden" when the organization role does not allow the action */
export function authorizeInOrganization(actor: Actor, action: OrganizationAction): void {
  if (isAllowedInOrganization(actor.orgRole, action)) return
  const [verb, subject] = words(action)
  throw new AppError("forbidden", "PermissionDenied", `You are not allowed to ${verb} on ${subject}`, {
    details: [],
  })
}

/**
 * Stops an actor from creating, or acting for, an identity with a higher organization role than its own.
 * @throws AppError "forbidden" (PermissionBoundaryError) or "invalid" for an unknown role
 */
export function requireCovers(actor: Actor, orgRole: string): void {
  if (!isOrganizationRole(orgRole)) {
    throw new AppError("invalid", "BadRequest", `Organization role '${orgRole}' does not exist`)
  }
  if (covers(actor.orgRole, orgRole)) return
  throw new AppError(
    "forbidden",
    "PermissionBoundaryError",
    `Your organization role does not cover the role '${orgRole}'`,
    { details: { missingPermissions: [orgRole] } },
  )
}

/** What an ETag needs to know of an actor's rights: equal text means equal rights in the project at `now`. */
export function rightsFingerprint(actor: Actor, projectId: string, now: number): string {
  const grants = actor.memberships.get(projectId) ?? []
  const active = grants.filter((grant) => isGrantActive(grant, now)).map((grant) => grant.role)
  return active.length < 2 ? (active[0] ?? "") : active.sort().join(",")
}

function rulesInProject(actor: Actor, projectId: string, now: number): readonly Rule[] {
  const grants = actor.memberships.get(projectId)
  if (grants === undefined) throw notAMember(projectId)
  return rulesOfGrants(grants, now)
}

function requireRole(role: string): readonly Rule[] {
  const rules = rulesOfRole(role)
  if (rules === undefined) throw new AppError("invalid", "BadRequest", `Role '${role}' does not exist`)
  return rules
}

function permissionDenied(action: Action, subject: Subject, rules: readonly Rule[]): AppError {
  const details = rules.filter((rule) => rule.subject === subject)
  return new AppError("forbidden", "PermissionDenied", `You are not allowed to ${action} on ${subject}`, {
    details,
  })
}

function notAMember(projectId: string): AppError {
  return new AppError(
    "forbidden",
    "ForbiddenError",
    `You are not a member of this project with ID ${projectId}. Assign the identity to the project first`,
  )
}

function words(action: OrganizationAction): readonly [string, string] {
  const dash = action.indexOf("-")
  return [action.slice(0, dash), action.slice(dash + 1)]
}
