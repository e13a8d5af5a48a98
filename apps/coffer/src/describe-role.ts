/** A role as a table shows it: its slug, and until when it holds if not for good. */
export function describeRole(role: {
  readonly role: string
  readonly customRoleSlug?: string | undefined
  readonly temporaryAccessEndTime: string | null
}): string {
  const name = role.customRoleSlug ?? role.role
  return role.temporaryAccessEndTime === null ? name : `${name} until ${role.temporaryAccessEndTime}`
}
