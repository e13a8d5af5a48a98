/**
 * The conditions of rules (contract 4.1): `$eq`, `$ne`, `$in`, `$glob`. What a secret, folder or environment is called
 * is only ever compared with a pattern; it never becomes part of one (GHSA-59w7-v8rr-pr4p). Pure.
 */
import type { PermissionConditions, PermissionField } from "@coffer/contract"
import picomatch from "picomatch"
import { BoundedMap } from "../../cache/bounded-map.ts"
import { AppError } from "../../errors.ts"

/** What is known of the thing that is asked about; a field that is left out is unknown. */
export type Resource = {
  readonly environment?: string | undefined
  readonly secretPath?: string | undefined
  readonly secretName?: string | undefined
  /** Slugs of its tags. */
  readonly secretTags?: readonly string[] | undefined
  readonly identityId?: string | undefined
}

/** `undefined` when it cannot be told, because a field is unknown. */
export type Verdict = boolean | undefined

type Test = (value: string) => Verdict
type FieldTest = { readonly field: PermissionField; readonly test: (resource: Resource) => Verdict }

/** The conditions of one rule, ready to be asked. */
export type CompiledConditions = (resource: Resource) => Verdict

/** @throws AppError "invalid" for a pattern that could cost too much or means nothing */
export function compileConditions(conditions: PermissionConditions): CompiledConditions {
  const tests = fieldTests(conditions)
  return (resource) => {
    let verdict: Verdict = true
    for (const { test } of tests) {
      const holds = test(resource)
      if (holds === false) return false
      if (holds === undefined) verdict = undefined
    }
    return verdict
  }
}

/** The operators on one field; a bare string means `$eq`. */
export type Operators = {
  readonly $eq?: string | undefined
  readonly $ne?: string | undefined
  readonly $in?: readonly string[] | undefined
  readonly $glob?: string | undefined
}

/** The operators of one field, `undefined` when the conditions do not name it. */
export function operatorsOf(conditions: PermissionConditions, field: PermissionField): Operators | undefined {
  const condition = conditions[field]
  return typeof condition === "string" ? { $eq: condition } : condition
}

export const permissionFields: readonly PermissionField[] = [
  "environment",
  "secretPath",
  "secretName",
  "secretTags",
  "identityId",
]

function fieldTests(conditions: PermissionConditions): readonly FieldTest[] {
  return permissionFields.flatMap((field): FieldTest[] => {
    const operators = operatorsOf(conditions, field)
    if (operators === undefined) return []
    if (field === "secretTags") {
      const wanted = new Set(operators.$in ?? [])
      return [{ field, test: ({ secretTags }) => secretTags?.some((tag) => wanted.has(tag)) }]
    }
    const test = textTest(operators)
    return [
      {
        field,
        test: (resource) => {
          const value = resource[field]
          return value === undefined ? undefined : test(value)
        },
      },
    ]
  })
}

/** All operators must hold; none at all never does. */
export function textTest(operators: Operators): Test {
  const tests: Test[] = []
  const { $eq, $ne, $in, $glob } = operators
  if ($eq !== undefined) tests.push((value) => value === $eq)
  if ($ne !== undefined) tests.push((value) => value !== $ne)
  if ($in !== undefined) tests.push((value) => $in.includes(value))
  if ($glob !== undefined) tests.push(globTest($glob))
  if (tests.length === 0) return () => false
  return (value) => {
    let verdict: Verdict = true
    for (const test of tests) {
      const holds = test(value)
      if (holds === false) return false
      if (holds === undefined) verdict = undefined
    }
    return verdict
  }
}

const maxRemembered = 1_000
const maxNameLength = 256
const maxPathLength = 1_024

/** A value too long to be matched in reasonable time counts as unknown. */
function globTest(pattern: string): Test {
  if (pattern === "") return () => false
  const regex = compileGlob(pattern)
  const remembered = new BoundedMap<string, boolean>(maxRemembered)
  return (value) => {
    if (value.length > (value.startsWith("/") ? maxPathLength : maxNameLength)) return undefined
    const known = remembered.get(value)
    if (known !== undefined) return known
    const matches = regex.test(value)
    remembered.set(value, matches)
    return matches
  }
}

/**
 * What picomatch would make of the pattern, names with leading dots and line breaks included. What it could take for
 * ever to match, or would read as something else than a pattern of names, is refused.
 *
 * @throws AppError "invalid" that says what to change
 */
function compileGlob(pattern: string): RegExp {
  const problem = problemOf(pattern)
  if (problem !== undefined) {
    throw new AppError("invalid", "BadRequest", `The $glob pattern '${pattern}' ${problem}`)
  }
  const regex = picomatch.makeRe(pattern, {
    dot: true,
    noextglob: true,
    strictSlashes: false,
    flags: "s",
    windows: false,
  })
  if (regex.source === "$^") {
    throw new AppError("invalid", "BadRequest", `The $glob pattern '${pattern}' cannot be understood`)
  }
  return regex
}

function problemOf(pattern: string): string | undefined {
  if (/[()|]/.test(pattern)) return "must not contain '(', ')' or '|'; use {a,b} for alternatives"
  if (/\{\{|\}\}/.test(pattern)) return "must not contain templates or nested braces"
  if (pattern.includes("..")) return "must not contain '..'"
  if (/[\]}]\+/.test(pattern)) return "must not repeat with '+'"
  if ((pattern.match(/\{/g) ?? []).length > 3) return "must not contain more than three {a,b}"
  if ((pattern.match(/\*\*/g) ?? []).length > 2) return "must not contain more than two '**'"
  const stars = pattern.split("/").map((segment) => (segment.match(/\*+/g) ?? []).length)
  if (stars.some((count) => count > 3)) return "must not contain more than three '*' between two slashes"
  return undefined
}
