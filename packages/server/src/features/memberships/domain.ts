/** Roles of members, some of them temporary (contract 2.12). Pure. */
import type { RoleAssignment } from "@coffer/contract"
import { AppError } from "../../errors.ts"

/** A role as it is stored. */
export type MemberRole = {
  readonly role: string
  readonly temporary: {
    readonly mode: string
    readonly range: string
    readonly startsAt: number
    readonly endsAt: number
  } | null
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
  if (!assignment.isTemporary) return { role: assignment.role, temporary: null }
  const startsAt = Date.parse(assignment.temporaryAccessStartTime)
  const match = /^(\d+)\s*([smhdwy])$/.exec(assignment.temporaryRange)
  const seconds = Number(match?.[1] ?? 0) * (unitSeconds[match?.[2] ?? ""] ?? 0)
  if (seconds <= 0 || Number.isNaN(startsAt)) {
    throw new AppError("invalid", "BadRequest", "temporaryRange must be a positive duration such as '2h'")
  }
  const range = assignment.temporaryRange
  const endsAt = startsAt + seconds * 1_000
  return {
    role: assignment.role,
    temporary: { mode: assignment.temporaryMode, range, startsAt, endsAt },
  }
}

/** What a body asks for; nothing means `no-access` (gotcha 44). */
export function wantedRoles(body: {
  readonly role?: string | undefined
  readonly roles?: readonly RoleAssignment[] | undefined
}): readonly MemberRole[] {
  if (body.roles !== undefined) return body.roles.map(memberRoleOf)
  return [{ role: body.role ?? "no-access", temporary: null }]
}
