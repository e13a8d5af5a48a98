/** The groups that operations are shown in, in this order, each with what it is about. */

export const groups = {
  Secrets:
    "Values with their comments, tags and metadata: read, write, search, move, import from and export to files.",
  "Folders and imports": "Where secrets lie, and which folders show the secrets of others.",
  "Going back":
    "Versions, differences, rollback, the trash, and restoring a folder or an environment to a moment.",
  "Projects and environments":
    "Projects with their environments and settings, and whole projects as encrypted files.",
  "Members and roles":
    "Who may do what in a project: members, roles, privileges, and why somebody may or may not.",
  Groups: "Groups of people, and their roles in projects.",
  "People and the organization": "Users, invitations, the organization and its single sign-on.",
  "Logging in as a person":
    "Passwords, second factors, passkeys, single sign-on, sessions, one's own account.",
  "Machine identities": "Identities, how they log in, their client secrets and tokens.",
  "Events and webhooks": "Hearing of changes: as a stream, or by being called.",
  Audit: "The audit log: search, retention, streams to other systems.",
  Server: "Whether the server is well, its first set-up, this document.",
} as const

export type Group = keyof typeof groups

/** The first that matches decides, so what is special stands before what is general. */
const rules: readonly (readonly [RegExp, Group])[] = [
  [/\/audit-/, "Audit"],
  [/\/(events|webhooks)\b/, "Events and webhooks"],
  [/\/(history|trash|restore|secret-versions)\b/, "Going back"],
  [/\/(memberships|identity-memberships|roles|access)\b|-additional-privilege\b/, "Members and roles"],
  [/\/groups\b/, "Groups"],
  [/\/(folders|secret-imports)\b/, "Folders and imports"],
  [/\/identities\b|\/auth\/[a-z]+-auth\b|\/auth\/token\//, "Machine identities"],
  [/\/(secrets?|dashboard|search|import|export|tags|reminders)\b/, "Secrets"],
  [/\/(auth|sso|me)\b/, "Logging in as a person"],
  [/\/(users|invitations|organization)\b/, "People and the organization"],
  [/\/(projects|workspace)\b/, "Projects and environments"],
  [/\/(status|healthcheck|admin|docs)\b/, "Server"],
]

/** @throws Error for a path that no rule knows: a fault of the code */
export function groupOf(url: string): Group {
  const [, group] = rules.find(([pattern]) => pattern.test(url)) ?? []
  if (group === undefined) throw new Error(`${url} belongs to no group: see operation-groups.ts`)
  return group
}
