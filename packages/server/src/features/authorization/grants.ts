/** From the roles and privileges of a member to the rules that count now. Pure. */
import type { CustomRules, RoleGrant } from "../../actor.ts"
import { policiesOfRole } from "./built-in-roles.ts"
import { compilePolicy, type Policy } from "./domain.ts"

/** A temporary grant counts from its start until its end, the end excluded. */
export function isGrantActive(grant: RoleGrant, now: number): boolean {
  return (grant.startsAt === null || grant.startsAt <= now) && (grant.endsAt === null || now < grant.endsAt)
}

const none: readonly Policy[] = []
const compiled = new WeakMap<CustomRules, readonly Policy[]>()

/** The rules that all active grants add up to; a role that nobody knows adds nothing. */
export function policiesOfGrants(grants: readonly RoleGrant[], now: number): readonly Policy[] {
  const only = grants.length === 1 ? grants[0] : undefined
  if (only !== undefined) return isGrantActive(only, now) ? policiesOfGrant(only) : none
  return grants.filter((grant) => isGrantActive(grant, now)).flatMap(policiesOfGrant)
}

/** The rules of one grant, whether it is active or not. */
export function policiesOfGrant(grant: RoleGrant): readonly Policy[] {
  return grant.custom === undefined ? (policiesOfRole(grant.role) ?? none) : policiesOf(grant.custom)
}

/** Compiled once per version, for all who hold it. */
function policiesOf(custom: CustomRules): readonly Policy[] {
  const known = compiled.get(custom)
  if (known !== undefined) return known
  const policies = [compilePolicy(custom.permissions)]
  compiled.set(custom, policies)
  return policies
}

/** Text that is the same exactly as long as the rules are. */
export function versionOf(custom: CustomRules): string {
  return `${custom.kind}:${custom.id}@${custom.version}`
}
