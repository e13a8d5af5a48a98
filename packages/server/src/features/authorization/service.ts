import type { Actor } from "../../actor.ts"
import { AppError } from "../../errors.ts"
import { missingRules } from "./boundary.ts"
import { policiesOfRole } from "./built-in-roles.ts"
import type { Resource } from "./conditions.ts"
import {
  type Action,
  isAllowed,
  isAllowedEverywhere,
  isUncovered,
  type Policy,
  type Rule,
  type RuleName,
  type Subject,
} from "./domain.ts"
import { isGrantActive, policiesOfGrants, versionOf } from "./grants.ts"
import {
  covers,
  isAllowedInOrganization,
  isOrganizationRole,
  type OrganizationAction,
} from "./organization.ts"

declare const granted: unique symbol

/**
 * Proof that `authorize` said yes. Only this module makes one, so a function that takes a `Grant<"readValue">`
 * cannot be called by someone who forgot to ask.
 */
export type Grant<A extends Action = Action> = {
  readonly [granted]: A
  readonly projectId: string
}

/** Where and when a right is asked for. */
export type Place = {
  readonly projectId: string
  /** Roles and privileges end by themselves: this moment decides. */
  readonly now: number
  /** What is known of the thing; what is left out lets a conditional allow not apply and a conditional deny apply. */
  readonly resource?: Resource
}

const nothingKnown: Resource = {}

/**
 * @throws AppError "forbidden" when the actor is not a member of the project, or its rules do not allow the action on
 * this resource
 */
export function authorize<A extends Action>(actor: Actor, action: A, subject: Subject, at: Place): Grant<A> {
  const policies = policiesInProject(actor, at)
  if (isAllowed(policies, action, subject, at.resource ?? nothingKnown)) return grantFor(at.projectId)
  throw permissionDenied(action, subject, policies)
}

/** As {@link authorize}, but answers `undefined` where the rules do not allow the action. */
export function authorizeOrNot<A extends Action>(
  actor: Actor,
  action: A,
  subject: Subject,
  at: Place,
): Grant<A> | undefined {
  const policies = policiesInProject(actor, at)
  return isAllowed(policies, action, subject, at.resource ?? nothingKnown)
    ? grantFor(at.projectId)
    : undefined
}

/** Answers for one resource after the other: a grant, or `undefined` where the rules do not allow the action. */
export type Gate<A extends Action> = (resource: Resource) => Grant<A> | undefined

/**
 * For whoever looks at many resources of a project at once. Where the answer is the same for all of them, asking costs
 * nothing.
 *
 * @throws AppError "forbidden" when the actor is not a member of the project
 */
export function gateFor<A extends Action>(
  actor: Actor,
  action: A,
  subject: Subject,
  at: Omit<Place, "resource">,
): Gate<A> {
  const policies = policiesInProject(actor, at)
  const everywhere = isAllowedEverywhere(policies, action, subject)
  const grant = grantFor<A>(at.projectId)
  if (everywhere !== undefined) return everywhere ? () => grant : () => undefined
  return (resource) => (isAllowed(policies, action, subject, resource) ? grant : undefined)
}

/**
 * For what takes a whole project at once: a right that holds for some of it is not enough.
 * @throws AppError "forbidden"
 */
export function authorizeEverywhere<A extends Action>(
  actor: Actor,
  action: A,
  subject: Subject,
  at: Omit<Place, "resource">,
): Grant<A> {
  const policies = policiesInProject(actor, at)
  if (isAllowedEverywhere(policies, action, subject) === true) return grantFor(at.projectId)
  throw permissionDenied(action, subject, policies)
}

/**
 * What {@link authorize} would throw, for whoever asked a {@link Gate}; `because` says what was refused and the way out.
 */
export function refusalOf(
  actor: Actor,
  action: Action,
  subject: Subject,
  at: Omit<Place, "resource"> & { readonly because: string },
): AppError {
  return permissionDenied(action, subject, policiesInProject(actor, at), `: ${at.because}`)
}

/**
 * Stops an actor to whom nothing of the kind is allowed, anywhere in the project; of the others it says nothing.
 * @throws AppError "forbidden"
 */
export function requireAnywhere(
  actor: Actor,
  action: Action,
  subject: Subject,
  at: Omit<Place, "resource">,
): void {
  const policies = policiesInProject(actor, at)
  if (isAllowedEverywhere(policies, action, subject) === false) {
    throw permissionDenied(action, subject, policies)
  }
}

/**
 * Whoever may edit a secret may have the server open its unchanged fields to seal them for the next version. What is
 * opened with these grants must not be shown.
 */
export function grantsToCarryOver(edit: Grant<"edit">): {
  readonly describe: Grant<"describeSecret">
  readonly value: Grant<"readValue">
} {
  return { describe: grantFor(edit.projectId), value: grantFor(edit.projectId) }
}

/**
 * Whoever may look at the past, or bring it back, may have the server open old versions to compare and seal them. What is opened with these
 * grants must not be shown.
 */
export function grantsToBringBack(past: Grant<"create" | "read">): {
  readonly describe: Grant<"describeSecret">
  readonly value: Grant<"readValue">
} {
  return { describe: grantFor(past.projectId), value: grantFor(past.projectId) }
}

const revealing = ["describeSecret", "readValue"] as const

/**
 * Stops an actor from changing the name, the tags or the place of a secret so that its own rules let it see what they
 * hide now.
 *
 * @throws AppError "forbidden"
 */
export function requireNothingRevealed(
  actor: Actor,
  at: Omit<Place, "resource">,
  before: Resource,
  after: Resource,
): void {
  for (const action of revealing) {
    if (authorizeOrNot(actor, action, "secrets", { ...at, resource: after }) === undefined) continue
    authorize(actor, action, "secrets", { ...at, resource: before })
  }
}

/**
 * Stops an actor from giving an environment or a tag another name, or none, under which its own rules no longer hide
 * what they hide now.
 *
 * @throws AppError "forbidden" (PermissionBoundaryError)
 */
export function requireNoneUncovered(
  actor: Actor,
  at: Omit<Place, "resource">,
  was: RuleName,
  will: RuleName,
): void {
  const policies = policiesInProject(actor, at)
  if (!revealing.some((action) => isUncovered(policies, action, was, will))) return
  throw new AppError(
    "forbidden",
    "PermissionBoundaryError",
    "Your own rules look at this name: without it they would let you see secrets that they hide now",
    { details: { missingPermissions: [] } },
  )
}

/** @throws AppError "forbidden" when the actor does not belong to the project */
export function requireMember(actor: Actor, projectId: string): void {
  if (!actor.memberships.has(projectId)) throw notAMember(projectId)
}

/**
 * Stops an actor from handing out roles or rules beyond its own. What is handed out together is judged together.
 *
 * @param wanted names of built-in roles, or the rules of custom roles and privileges
 * @throws AppError "forbidden" (PermissionBoundaryError) or "invalid" for an unknown role
 */
export function requireMayHandOut(
  actor: Actor,
  wanted: readonly (string | readonly Rule[])[],
  at: Omit<Place, "resource">,
): void {
  const held = policiesInProject(actor, at)
  const rules = wanted.flatMap((one) => (typeof one === "string" ? requireBuiltIn(one) : one))
  const missing = missingRules(held, rules)
  if (missing.length === 0) return
  throw new AppError(
    "forbidden",
    "PermissionBoundaryError",
    "You cannot hand out permissions that you do not have yourself",
    { details: { missingPermissions: missing } },
  )
}

/** Whether the actor holds all of these rules itself; without being a member of the project it holds none. */
export function mayHandOut(actor: Actor, rules: readonly Rule[], at: Omit<Place, "resource">): boolean {
  const grants = actor.memberships.get(at.projectId) ?? []
  return missingRules(policiesOfGrants(grants, at.now), rules).length === 0
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

/**
 * What an ETag needs to know of an actor's rights: equal text means equal rights in the project at `now`. Custom roles
 * and privileges are named with their version.
 */
export function rightsFingerprint(actor: Actor, projectId: string, now: number): string {
  const grants = actor.memberships.get(projectId) ?? []
  const active = grants
    .filter((grant) => isGrantActive(grant, now))
    .map((grant) => (grant.custom === undefined ? grant.role : versionOf(grant.custom)))
  return active.length < 2 ? (active[0] ?? "") : active.sort().join(",")
}

function grantFor<A extends Action>(projectId: string): Grant<A> {
  return { projectId } as Grant<A>
}

function policiesInProject(actor: Actor, at: Omit<Place, "resource">): readonly Policy[] {
  const grants = actor.memberships.get(at.projectId)
  if (grants === undefined) throw notAMember(at.projectId)
  return policiesOfGrants(grants, at.now)
}

function requireBuiltIn(role: string): readonly Rule[] {
  const [policy] = policiesOfRole(role) ?? []
  if (policy === undefined) throw new AppError("invalid", "BadRequest", `Role '${role}' does not exist`)
  return policy.rules
}

function permissionDenied(
  action: Action,
  subject: Subject,
  policies: readonly Policy[],
  because = "",
): AppError {
  const details = policies.flatMap((policy) => policy.rules.filter((rule) => rule.subject === subject))
  const message = `You are not allowed to ${action} on ${subject}${because}`
  return new AppError("forbidden", "PermissionDenied", message, { details })
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
