/** Label selectors, as the API server evaluates them. */
import type { LabelSelector } from "../api/meta.ts"

/** An empty selector matches everything; an unknown operator matches nothing. */
export function matchesLabels(selector: LabelSelector, labels: Readonly<Record<string, string>>): boolean {
  const exact = Object.entries(selector.matchLabels ?? {}).every(([key, value]) => labels[key] === value)
  return exact && (selector.matchExpressions ?? []).every((requirement) => meets(requirement, labels))
}

type Requirement = NonNullable<LabelSelector["matchExpressions"]>[number]

function meets({ key, operator, values }: Requirement, labels: Readonly<Record<string, string>>): boolean {
  const value = Object.hasOwn(labels, key) ? labels[key] : undefined
  const isListed = value !== undefined && (values ?? []).includes(value)
  if (operator === "In") return isListed
  if (operator === "NotIn") return !isListed
  if (operator === "Exists") return value !== undefined
  return operator === "DoesNotExist" && value === undefined
}
