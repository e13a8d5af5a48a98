/**
 * How rules decide (contract 4.1): a deny that applies wins over every allow; what no rule allows is refused. Pure.
 *
 * A condition on something that is not known makes an allow not apply and a deny apply.
 */
import {
  canonicalSubject,
  type PermissionAction,
  type PermissionRule,
  type PermissionSubject,
} from "@coffer/contract"
import { type CompiledConditions, compileConditions, type Resource } from "./conditions.ts"

export type Subject = PermissionSubject
export type Action = PermissionAction

/** One line of a role, as it is written and shown. */
export type Rule = PermissionRule

/** One line with a single action and the one name of its subject. */
export type SimpleRule = {
  readonly subject: Subject
  readonly action: Action
  readonly conditions?: NonNullable<Rule["conditions"]> | undefined
  readonly inverted?: boolean | undefined
}

/** A simple rule that is ready to be asked. */
export type CompiledRule = {
  readonly rule: SimpleRule
  /** `undefined` when it applies everywhere. */
  readonly applies: CompiledConditions | undefined
}

type Cell = {
  readonly allows: readonly CompiledRule[]
  readonly denies: readonly CompiledRule[]
  /** An allow without conditions and no deny: no need to look at the resource. */
  readonly isOpen: boolean
}

/** The rules of one role or privilege, by subject and action. */
export type Policy = {
  readonly rules: readonly Rule[]
  readonly cells: ReadonlyMap<Subject, ReadonlyMap<Action, Cell>>
}

/** The lines of a rule, one per action; `read` on secrets means both to describe and to read the value. */
export function simplify(rule: Rule): readonly SimpleRule[] {
  const subject = canonicalSubject(rule.subject)
  const actions = [rule.action].flat() as readonly Action[]
  const spread = actions.flatMap((action): readonly Action[] =>
    subject === "secrets" && action === "read" ? ["describeSecret", "readValue"] : [action],
  )
  return [...new Set(spread)].map((action) => ({
    subject,
    action,
    ...(rule.conditions === undefined ? {} : { conditions: rule.conditions }),
    ...(rule.inverted === true ? { inverted: true } : {}),
  }))
}

/**
 * @throws AppError "invalid" for a pattern that is refused
 */
export function compilePolicy(rules: readonly Rule[]): Policy {
  const compiled = rules.flatMap(simplify).map((rule): CompiledRule => {
    const { conditions } = rule
    const isEmpty = conditions === undefined || Object.keys(conditions).length === 0
    return { rule, applies: isEmpty ? undefined : compileConditions(conditions) }
  })
  const cells = new Map<Subject, Map<Action, Cell>>()
  for (const [subject, ofSubject] of Map.groupBy(compiled, ({ rule }) => rule.subject)) {
    const byAction = Map.groupBy(ofSubject, ({ rule }) => rule.action)
    cells.set(subject, new Map([...byAction].map(([action, ofAction]) => [action, cellOf(ofAction)])))
  }
  return { rules, cells }
}

function cellOf(rules: readonly CompiledRule[]): Cell {
  const denies = rules.filter(({ rule }) => rule.inverted === true)
  const allows = rules.filter(({ rule }) => rule.inverted !== true)
  return {
    allows,
    denies,
    isOpen: denies.length === 0 && allows.some(({ applies }) => applies === undefined),
  }
}

/** True when a policy allows it and none denies it. */
export function isAllowed(
  policies: readonly Policy[],
  action: Action,
  subject: Subject,
  resource: Resource,
): boolean {
  let allowed = false
  for (const policy of policies) {
    const cell = policy.cells.get(subject)?.get(action)
    if (cell === undefined) continue
    if (cell.isOpen) {
      allowed = true
      continue
    }
    if (cell.denies.some((deny) => isInForce(deny, resource))) return false
    allowed ||= cell.allows.some((allow) => isInForce(allow, resource))
  }
  return allowed
}

/** A deny also counts where it cannot be told, an allow only where it is certain. */
export function isInForce({ rule, applies }: CompiledRule, resource: Resource): boolean {
  const verdict = applies === undefined ? true : applies(resource)
  return rule.inverted === true ? verdict !== false : verdict === true
}

/** A name that rules on secrets may look at: the slug of an environment, or of a tag. */
export type RuleName = Pick<Resource, "environment"> | Pick<Resource, "secretTags">

/**
 * Whether some rule on secrets begins to allow, or no longer denies, only because something has another name; what else
 * the rule looks at counts as given.
 */
export function isUncovered(
  policies: readonly Policy[],
  action: Action,
  was: RuleName,
  will: RuleName,
): boolean {
  const field = "environment" in was ? "environment" : "secretTags"
  const lines = policies.flatMap((policy) => linesFor(policy, action, "secrets"))
  const isOpen = lines.some(({ rule, applies }) => rule.inverted !== true && applies === undefined)
  return lines.some(({ rule }) => {
    const condition = rule.conditions?.[field]
    if (condition === undefined) return false
    const test = compileConditions({ [field]: condition })
    if (rule.inverted === true) return test(was) !== false && test(will) === false
    return !isOpen && test(was) !== true && test(will) === true
  })
}

/** Whether the answer is the same for every resource: `undefined` when it depends on it. */
export function isAllowedEverywhere(
  policies: readonly Policy[],
  action: Action,
  subject: Subject,
): boolean | undefined {
  const cells = policies.flatMap((policy) => policy.cells.get(subject)?.get(action) ?? [])
  if (cells.some((cell) => cell.denies.some((deny) => deny.applies === undefined))) return false
  if (cells.every((cell) => cell.allows.length === 0)) return false
  const isOpen = cells.some((cell) => cell.allows.some((allow) => allow.applies === undefined))
  return isOpen && cells.every((cell) => cell.denies.length === 0) ? true : undefined
}

/** The compiled lines of every policy for one action on one subject, in the order they were written. */
export function linesFor(policy: Policy, action: Action, subject: Subject): readonly CompiledRule[] {
  const cell = policy.cells.get(subject)?.get(action)
  return cell === undefined ? [] : [...cell.denies, ...cell.allows]
}
