/** Why an actor may do something, or not: every grant and every rule that was looked at, in the order of evaluation. Pure. */
import type { RoleGrant } from "../../actor.ts"
import type { Resource, Verdict } from "./conditions.ts"
import { type Action, isInForce, linesFor, type SimpleRule, type Subject } from "./domain.ts"
import { isGrantActive, policiesOfGrant } from "./grants.ts"

export type ExplainedRule = {
  readonly rule: SimpleRule
  /** Whether its conditions hold; `undefined` when that cannot be told, because a field was not given. */
  readonly holds: Verdict
  /** Whether it counts: a deny also where it cannot be told, an allow only where it is certain. */
  readonly isInForce: boolean
}

export type ExplainedGrant = {
  readonly kind: "built-in-role" | "role" | "privilege"
  readonly name: string
  /** The group through which it is held; `null` when it is the actor's own. */
  readonly group: { readonly id: string; readonly name: string } | null
  readonly startsAt: number | null
  readonly endsAt: number | null
  readonly isActive: boolean
  /** The rules about this action on this subject, denies first; looked at only while the grant is active. */
  readonly rules: readonly ExplainedRule[]
}

export type Explanation = {
  readonly isAllowed: boolean
  readonly reason: "denied-by-rule" | "allowed-by-rule" | "no-rule-allows"
  /** The grant and rule that decided; absent when no rule allows. */
  readonly decidedBy?: { readonly grant: ExplainedGrant; readonly rule: ExplainedRule }
  readonly grants: readonly ExplainedGrant[]
}

/** Explains the decision that `authorize` makes for the same grants at the same moment. */
export function explain(
  grants: readonly RoleGrant[],
  question: {
    readonly action: Action
    readonly subject: Subject
    readonly resource: Resource
    readonly now: number
  },
): Explanation {
  const explained = grants.map((grant) => explainGrant(grant, question))
  const counting = explained
    .filter((grant) => grant.isActive)
    .flatMap((grant) => grant.rules.filter((rule) => rule.isInForce).map((rule) => ({ grant, rule })))
  const deny = counting.find(({ rule }) => rule.rule.inverted === true)
  if (deny !== undefined) {
    return { isAllowed: false, reason: "denied-by-rule", decidedBy: deny, grants: explained }
  }
  const [allow] = counting
  if (allow !== undefined) {
    return { isAllowed: true, reason: "allowed-by-rule", decidedBy: allow, grants: explained }
  }
  return { isAllowed: false, reason: "no-rule-allows", grants: explained }
}

function explainGrant(grant: RoleGrant, question: Parameters<typeof explain>[1]): ExplainedGrant {
  const { action, subject, resource, now } = question
  const lines = policiesOfGrant(grant).flatMap((policy) => linesFor(policy, action, subject))
  return {
    kind: grant.custom?.kind ?? "built-in-role",
    name: grant.role,
    group: grant.group ?? null,
    startsAt: grant.startsAt,
    endsAt: grant.endsAt,
    isActive: isGrantActive(grant, now),
    rules: lines.map((line) => ({
      rule: line.rule,
      holds: line.applies === undefined ? true : line.applies(resource),
      isInForce: isInForce(line, resource),
    })),
  }
}
