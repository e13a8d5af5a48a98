/** The four roles that every project has (contract 4.2). */
import { type Action, compilePolicy, type Policy, type Rule, type Subject } from "./domain.ts"

function allow(subject: Subject, ...actions: readonly Action[]): readonly Rule[] {
  return actions.map((action) => ({ subject, action }))
}

const readEverything: readonly Rule[] = [
  ...allow("secrets", "describeSecret", "readValue"),
  ...allow("secret-folders", "read"),
  ...allow("secret-imports", "read"),
  ...allow("environments", "read"),
  ...allow("tags", "read"),
  ...allow("webhooks", "read"),
  ...allow("member", "read"),
  ...allow("groups", "read"),
  ...allow("identity", "read"),
  ...allow("role", "read"),
  ...allow("settings", "read"),
  ...allow("project", "read"),
  ...allow("audit-logs", "read"),
  ...allow(
    "secret-events",
    "subscribe-to-creation-events",
    "subscribe-to-update-events",
    "subscribe-to-deletion-events",
    "subscribe-to-import-mutation-events",
  ),
  ...allow("secret-rollback", "read"),
]

const changeContents: readonly Rule[] = [
  ...allow("secrets", "create", "edit", "delete"),
  ...allow("secret-folders", "create", "edit", "delete"),
  ...allow("secret-imports", "create", "edit", "delete"),
  ...allow("environments", "create", "edit", "delete"),
  ...allow("tags", "create", "edit", "delete"),
  ...allow("webhooks", "create", "edit", "delete"),
  ...allow("member", "create"),
  ...allow("identity", "create", "edit", "delete"),
  ...allow("settings", "create", "edit", "delete"),
  ...allow("secret-rollback", "create"),
]

const administer: readonly Rule[] = [
  ...allow("member", "edit", "delete", "grant-privileges"),
  ...allow("groups", "create", "edit", "delete", "grant-privileges"),
  ...allow("identity", "grant-privileges"),
  ...allow("role", "create", "edit", "delete"),
  ...allow("project", "edit", "delete"),
]

const builtInRoles: ReadonlyMap<string, readonly Policy[]> = new Map(
  Object.entries({
    admin: [...readEverything, ...changeContents, ...administer],
    member: [...readEverything, ...changeContents],
    viewer: readEverything,
    "no-access": [],
  }).map(([role, rules]) => [role, [compilePolicy(rules)]]),
)

/** The compiled rules of a built-in role, in a list of their own; `undefined` when there is no such role. */
export function policiesOfRole(role: string): readonly Policy[] | undefined {
  return builtInRoles.get(role)
}

/** The rules of a built-in role; `undefined` when there is no such role. */
export function rulesOfRole(role: string): readonly Rule[] | undefined {
  return builtInRoles.get(role)?.[0]?.rules
}
