/** Why somebody may do something in a project, or not: GET /coffer/v1/projects/:projectId/access/explain */
import { z } from "zod"
import { folderPathOrRoot, id, queryText, requiredText } from "./fields.ts"
import {
  type PermissionAction,
  type PermissionSubject,
  permissionRuleObject,
  permissionSubjects,
} from "./permissions.ts"

const subjects = Object.keys(permissionSubjects) as [PermissionSubject, ...PermissionSubject[]]
const actions = [...new Set(Object.values(permissionSubjects).flatMap(({ actions: of }) => of))] as [
  PermissionAction,
  ...PermissionAction[],
]

export const explainAccessQuery = z
  .object({
    actorType: z.enum(["identity", "user"]).default("identity"),
    actorId: requiredText.max(64),
    subject: z.enum(subjects).default("secrets"),
    action: z.enum(actions).default("readValue"),
    environment: queryText,
    secretPath: folderPathOrRoot,
    secretName: queryText,
  })
  .refine(
    ({ subject, action }) => (permissionSubjects[subject].actions as readonly string[]).includes(action),
    { path: ["action"], error: "is none of the actions of this subject" },
  )
export type ExplainAccessQuery = z.input<typeof explainAccessQuery>

const explainedRule = z.object({
  rule: permissionRuleObject,
  /** null = cannot be told, because a field was not given. */
  holds: z.boolean().nullable(),
  isInForce: z.boolean(),
})
const explainedGrant = z.object({
  kind: z.enum(["built-in-role", "role", "privilege"]),
  name: z.string(),
  /** The group through which the actor has it; null when it is its own. */
  group: z.object({ id, name: z.string() }).nullable(),
  startsAt: z.string().nullable(),
  endsAt: z.string().nullable(),
  isActive: z.boolean(),
  rules: z.array(explainedRule),
})

export const explainAccessAnswer = z.object({
  actor: z.object({ type: z.enum(["identity", "user"]), id, name: z.string() }),
  isAllowed: z.boolean(),
  reason: z.enum(["not-a-member", "denied-by-rule", "allowed-by-rule", "no-rule-allows"]),
  /** What was asked about, as the rules see it. */
  resource: z.object({
    environment: z.string().optional(),
    secretPath: z.string().optional(),
    secretName: z.string().optional(),
    secretTags: z.array(z.string()).optional(),
  }),
  decidedBy: z
    .object({
      kind: z.string(),
      name: z.string(),
      group: z.object({ id, name: z.string() }).nullable(),
      rule: permissionRuleObject,
    })
    .nullable(),
  grants: z.array(explainedGrant),
})
export type ExplainAccessAnswer = z.infer<typeof explainAccessAnswer>
