/** Roles of members, some of them temporary (contract 2.12). Pure. */
import type { PermissionRule, RoleAssignment } from "@coffer/contract"
import { AppError } from "../../errors.ts"

/** From when until when, and how that was said. */
export type TemporaryAccess = {
  readonly mode: string
  readonly range: string
  readonly startsAt: number
  readonly endsAt: number
}

/** A role as it is stored. */
export type MemberRole = { readonly role: string; readonly temporary: TemporaryAccess | null }

/** As the audit log names it. */
export function nameOf(role: MemberRole): string {
  return role.role
}

const unitSeconds: Readonly<Record<string, number>> = {
  s: 1,
  m: 60,
  h: 3_600,
  d: 86_400,
  w: 604_800,
  y: 31_536_000,
}

/**
 * @throws AppError "invalid" when a range is empty or unreadable
 */
export function memberRoleOf(assignment: RoleAssignment): MemberRole {
  const temporary = assignment.isTemporary ? temporaryAccessOf(assignment) : null
  return { role: assignment.role, temporary }
}

/**
 * @throws AppError "invalid" when the range is empty or unreadable
 */
export function temporaryAccessOf(wanted: {
  readonly temporaryMode: string
  readonly temporaryRange: string
  readonly temporaryAccessStartTime: string
}): TemporaryAccess {
  const startsAt = Date.parse(wanted.temporaryAccessStartTime)
  const match = /^(\d+)\s*([smhdwy])$/.exec(wanted.temporaryRange)
  const seconds = Number(match?.[1] ?? 0) * (unitSeconds[match?.[2] ?? ""] ?? 0)
  if (seconds <= 0 || Number.isNaN(startsAt)) {
    throw new AppError("invalid", "BadRequest", "temporaryRange must be a positive duration such as '2h'")
  }
  const endsAt = startsAt + seconds * 1_000
  return { mode: wanted.temporaryMode, range: wanted.temporaryRange, startsAt, endsAt }
}

/** The rules that outlast what is temporary: a deny that ends by itself is none to rely on. */
export function lastingRules(
  rules: readonly PermissionRule[],
  temporary: TemporaryAccess | null,
): readonly PermissionRule[] {
  return temporary === null ? rules : rules.filter((rule) => rule.inverted !== true)
}

/** What a body asks for; nothing means `no-access` (gotcha 44). */
export function wantedRoles(body: {
  readonly role?: string | undefined
  readonly roles?: readonly RoleAssignment[] | undefined
}): readonly MemberRole[] {
  if (body.roles !== undefined) return body.roles.map(memberRoleOf)
  return [{ role: body.role ?? "no-access", temporary: null }]
}
