/**
 * The language of roles and privileges (contract 4.1): rules over subjects, actions and conditions. Unknown subjects,
 * actions, fields and operators are refused: one that was dropped silently would widen a grant.
 */
import { z } from "zod"
import { normalizeFolderPath, requiredText } from "./fields.ts"

const changing = ["create", "edit", "delete"] as const
const place = ["environment", "secretPath"] as const

/** Every subject with what can be done to it, and what a rule about it can be bound to. */
export const permissionSubjects = {
  secrets: {
    actions: ["read", "describeSecret", "readValue", ...changing],
    conditions: [...place, "secretName", "secretTags"],
  },
  "secret-folders": { actions: ["read", ...changing], conditions: place },
  "secret-imports": { actions: ["read", ...changing], conditions: place },
  "secret-events": {
    actions: [
      "subscribe-to-creation-events",
      "subscribe-to-update-events",
      "subscribe-to-deletion-events",
      "subscribe-to-import-mutation-events",
    ],
    conditions: place,
  },
  "secret-rollback": { actions: ["read", "create"], conditions: [] },
  environments: { actions: ["read", ...changing], conditions: [] },
  tags: { actions: ["read", ...changing], conditions: [] },
  webhooks: { actions: ["read", ...changing], conditions: [] },
  member: { actions: ["read", ...changing, "grant-privileges"], conditions: [] },
  groups: { actions: ["read", ...changing, "grant-privileges"], conditions: [] },
  identity: { actions: ["read", ...changing, "grant-privileges"], conditions: ["identityId"] },
  role: { actions: ["read", ...changing], conditions: [] },
  settings: { actions: ["read", ...changing], conditions: [] },
  "audit-logs": { actions: ["read"], conditions: [] },
  project: { actions: ["read", "edit", "delete"], conditions: [] },
} as const satisfies Record<
  string,
  { readonly actions: readonly string[]; readonly conditions: readonly string[] }
>

export type PermissionSubject = keyof typeof permissionSubjects
export type PermissionAction = (typeof permissionSubjects)[PermissionSubject]["actions"][number]
export type PermissionField = "environment" | "secretPath" | "secretName" | "secretTags" | "identityId"

/** Other names under which clients know a subject. */
export const subjectAliases: Readonly<Record<string, PermissionSubject>> = { workspace: "project" }

const maxPatternLength = 256
const maxListed = 100

const operand = requiredText.max(maxPatternLength)
const operands = z.array(operand).min(1).max(maxListed)
const isAbsolute = (path: string) => path.startsWith("/")
const pathOperand = operand
  .refine(isAbsolute, "must start with '/'")
  .refine((path) => !/(^|\/)\.{1,2}(\/|$)/.test(path), "must not contain '.' or '..' segments")
const exactPath = pathOperand.transform(normalizeFolderPath)

/** At least one operator, and none that is not known; a bare string means `$eq`. */
function comparison<T extends z.ZodType>(operators: T) {
  return z.union([operators, operand], {
    error: "must be text or an object of the operators $eq, $ne, $in and $glob",
  })
}

function hasOperator(operators: object): boolean {
  return Object.values(operators).some((value) => value !== undefined)
}

const textComparison = z
  .strictObject({
    $eq: operand.optional(),
    $ne: operand.optional(),
    $in: operands.optional(),
    $glob: operand.optional(),
  })
  .refine(hasOperator, "needs an operator")
const pathComparison = z
  .strictObject({
    $eq: exactPath.optional(),
    $ne: exactPath.optional(),
    $in: z.array(exactPath).min(1).max(maxListed).optional(),
    $glob: pathOperand.optional(),
  })
  .refine(hasOperator, "needs an operator")
const identityComparison = z
  .strictObject({ $eq: operand.optional(), $ne: operand.optional(), $in: operands.optional() })
  .refine(hasOperator, "needs an operator")

/** What a rule is bound to: every field that is named must hold. */
export const permissionConditions = z.strictObject({
  environment: comparison(textComparison).optional(),
  secretPath: z
    .union([pathComparison, exactPath], {
      error: "must be a path that starts with '/', or an object of the operators $eq, $ne, $in and $glob",
    })
    .optional(),
  secretName: comparison(textComparison).optional(),
  /** Holds when the secret has any of the tags, by slug. */
  secretTags: z.strictObject({ $in: operands }).optional(),
  identityId: comparison(identityComparison).optional(),
})
export type PermissionConditions = z.infer<typeof permissionConditions>

const subjectName = z.enum([...Object.keys(permissionSubjects), ...Object.keys(subjectAliases)] as [string], {
  error: `must be one of ${Object.keys(permissionSubjects).join(", ")}`,
})

/** One line of a role: it allows, or with `inverted` denies, the actions on the subject where the conditions hold. */
export const permissionRule = z
  .object({
    subject: subjectName,
    action: z.union([requiredText, z.array(requiredText).min(1).max(20)], {
      error: "must be an action or a list of actions",
    }),
    conditions: permissionConditions.optional(),
    inverted: z.boolean().optional(),
  })
  .superRefine((rule, context) => {
    const known = permissionSubjects[canonicalSubject(rule.subject)]
    for (const action of [rule.action].flat()) {
      if ((known.actions as readonly string[]).includes(action)) continue
      const message = `must be one of ${known.actions.join(", ")} for the subject ${rule.subject}`
      context.addIssue({ code: "custom", path: ["action"], message })
    }
    for (const field of Object.keys(rule.conditions ?? {})) {
      if ((known.conditions as readonly string[]).includes(field)) continue
      const message = `cannot be a condition of the subject ${rule.subject}`
      context.addIssue({ code: "custom", path: ["conditions", field], message })
    }
  })
export type PermissionRule = z.infer<typeof permissionRule>

/** The rules of a role or a privilege. */
export const permissionRules = z.array(permissionRule).max(200)

/** The one name of a subject, whatever a rule calls it. */
export function canonicalSubject(subject: string): PermissionSubject {
  return subjectAliases[subject] ?? (subject as PermissionSubject)
}

/** A rule as answers show it. */
export const permissionRuleObject = z.object({
  subject: z.string(),
  action: z.union([z.string(), z.array(z.string())]),
  conditions: z.record(z.string(), z.unknown()).optional(),
  inverted: z.boolean().optional(),
})
