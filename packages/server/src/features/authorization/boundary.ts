/**
 * Who may hand out what: nobody more than it holds. The judgement is careful rather than clever: where it cannot prove
 * that what is handed out lies within what is held, it says no. Pure.
 */
import type { PermissionField } from "@coffer/contract"
import { type Operators, operatorsOf, permissionFields, textTest } from "./conditions.ts"
import { type Policy, type Rule, type SimpleRule, simplify } from "./domain.ts"

/** The lines of `wanted` that the holder of `held` may not hand out. */
export function missingRules(held: readonly Policy[], wanted: readonly Rule[]): readonly SimpleRule[] {
  const own = held.flatMap((policy) => policy.rules.flatMap(simplify))
  const lines = wanted.flatMap(simplify)
  const ownDenies = own.filter(isDeny)
  const ownAllows = own.filter((line) => !isDeny(line))
  const wantedDenies = lines.filter(isDeny)
  return lines.filter((line) => {
    if (isDeny(line)) return false
    const isHeld = ownAllows.some((allow) => isAbout(allow, line) && isWithin(line, allow))
    const isClear = ownDenies
      .filter((deny) => isAbout(deny, line) && !isApart(deny, line))
      .every((deny) => wantedDenies.some((kept) => isAbout(kept, deny) && isWithin(deny, kept)))
    return !isHeld || !isClear
  })
}

/** Denies of `before` that `after` no longer holds, as the allows that their end amounts to. */
export function liftedDenies(before: readonly Rule[], after: readonly Rule[]): readonly Rule[] {
  const kept = after.flatMap(simplify).filter(isDeny)
  return before
    .flatMap(simplify)
    .filter(isDeny)
    .filter((deny) => !kept.some((line) => isAbout(line, deny) && isWithin(deny, line)))
    .map(({ subject, action, conditions }) => ({
      subject,
      action,
      ...(conditions === undefined ? {} : { conditions }),
    }))
}

function isDeny(line: SimpleRule): boolean {
  return line.inverted === true
}

function isAbout(left: SimpleRule, right: SimpleRule): boolean {
  return left.subject === right.subject && left.action === right.action
}

/** True when `inner` surely applies only where `outer` does. */
function isWithin(inner: SimpleRule, outer: SimpleRule): boolean {
  const conditions = outer.conditions ?? {}
  return permissionFields.every((field) => {
    const bound = operatorsOf(conditions, field)
    if (bound === undefined) return true
    const narrower = operatorsOf(inner.conditions ?? {}, field)
    return narrower !== undefined && implies(field, narrower, bound)
  })
}

/** True when nothing is in reach of both. */
function isApart(left: SimpleRule, right: SimpleRule): boolean {
  return permissionFields.some((field) => {
    if (field === "secretTags") return false
    const one = operatorsOf(left.conditions ?? {}, field)
    const other = operatorsOf(right.conditions ?? {}, field)
    if (one === undefined || other === undefined) return false
    return sharesNone(valuesOf(one), other) || sharesNone(valuesOf(other), one)
  })
}

function sharesNone(values: readonly string[] | undefined, operators: Operators): boolean {
  if (values === undefined) return false
  const test = textTest(operators)
  return values.every((value) => test(value) === false)
}

function implies(field: PermissionField, narrow: Operators, wide: Operators): boolean {
  if (field === "secretTags") return narrow.$in?.every((tag) => wide.$in?.includes(tag)) === true
  const values = valuesOf(narrow)
  if (values !== undefined) {
    const test = textTest(wide)
    return values.every((value) => test(value) === true)
  }
  return (
    wide.$eq === undefined &&
    wide.$in === undefined &&
    (wide.$ne === undefined || wide.$ne === narrow.$ne) &&
    (wide.$glob === undefined || (narrow.$glob !== undefined && isGlobWithin(narrow.$glob, wide.$glob)))
  )
}

/** Every value that the operators can hold for; `undefined` when there is no end of them. */
function valuesOf(operators: Operators): readonly string[] | undefined {
  const listed = operators.$eq === undefined ? operators.$in : [operators.$eq]
  if (listed === undefined) return undefined
  const test = textTest(operators)
  return listed.filter((value) => test(value) === true)
}

/** The same pattern, or one that begins with the plain folder that `wide` ends in `/**` for. */
function isGlobWithin(narrow: string, wide: string): boolean {
  if (narrow === wide) return true
  const folder = /^((?:\/[A-Za-z0-9_-]+)*)\/\*\*$/.exec(wide)?.[1]
  return folder !== undefined && (narrow.startsWith(`${folder}/`) || narrow === folder)
}
