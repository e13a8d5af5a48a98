/** Values for a JSON Schema: plausible ones, and ones that are nearly so. */
import fc from "fast-check"
import { z } from "zod"
import { hostileJson, hostileTexts } from "./hostile-values.ts"
import type { Names } from "./world.ts"

export type Schema = {
  readonly type?: string | readonly string[]
  readonly enum?: readonly unknown[]
  readonly const?: unknown
  readonly anyOf?: readonly Schema[]
  readonly oneOf?: readonly Schema[]
  readonly allOf?: readonly Schema[]
  readonly items?: Schema
  readonly minItems?: number
  readonly maxItems?: number
  readonly minimum?: number
  readonly maximum?: number
  readonly properties?: Readonly<Record<string, Schema>>
  readonly required?: readonly string[]
  readonly additionalProperties?: Schema | boolean
  readonly $ref?: string
  readonly $defs?: Readonly<Record<string, Schema>>
}

export function jsonSchemaOf(schema: z.ZodType): Schema {
  return z.toJSONSchema(schema, { io: "input", unrepresentable: "any", reused: "inline" }) as Schema
}

/** A value that the schema most probably allows: named things of the world where the field's name says which. */
export function plausible(schema: Schema, field: string, names: Names, isComplete = false): unknown {
  if (schema.const !== undefined) return schema.const
  if (schema.enum !== undefined) return schema.enum[0]
  const [alternative] = (schema.anyOf ?? schema.oneOf ?? schema.allOf ?? []).filter(
    (one) => one.type !== "null",
  )
  if (alternative !== undefined) return plausible(alternative, field, names, isComplete)
  const type = typeof schema.type === "string" ? schema.type : schema.type?.[0]
  if (type === "boolean") return false
  if (type === "integer" || type === "number") return Math.max(1, schema.minimum ?? 1)
  if (type === "array") return [plausible(schema.items ?? {}, field, names, isComplete)]
  if (type === "object") {
    const fields = Object.entries(schema.properties ?? {})
    const kept = isComplete ? fields : fields.filter(([name]) => schema.required?.includes(name))
    return Object.fromEntries(kept.map(([name, one]) => [name, plausible(one, name, names, isComplete)]))
  }
  return names.of(field)
}

/** Paths of all fields of a schema, nested ones too: `["secrets", 0, "secretKey"]`. */
export function fieldsOf(schema: Schema, at: readonly (string | number)[] = []): (string | number)[][] {
  const inner = schema.anyOf ?? schema.oneOf ?? schema.allOf
  if (inner !== undefined) return inner.flatMap((one) => fieldsOf(one, at))
  const own = at.length === 0 ? [] : [[...at]]
  if (schema.items !== undefined) return [...own, ...fieldsOf(schema.items, [...at, 0])]
  const properties = Object.entries(schema.properties ?? {})
  return [...own, ...properties.flatMap(([name, one]) => fieldsOf(one, [...at, name]))]
}

/** A copy of `value` with something else at a path; what lies on the way is made where it is missing. */
export function replaced(
  value: unknown,
  [step, ...rest]: readonly (string | number)[],
  by: unknown,
): unknown {
  if (step === undefined) return by
  if (typeof step === "number") return [replaced(Array.isArray(value) ? value[0] : undefined, rest, by)]
  const object =
    typeof value === "object" && value !== null ? (value as Readonly<Record<string, unknown>>) : {}
  return { ...object, [step]: replaced(object[step], rest, by) }
}

/** Paths of all lists of a schema, with what they hold. */
export function listsOf(
  schema: Schema,
  at: readonly (string | number)[] = [],
): { readonly path: readonly (string | number)[]; readonly items: Schema; readonly most: number }[] {
  const inner = schema.anyOf ?? schema.oneOf ?? schema.allOf
  if (inner !== undefined) return inner.flatMap((one) => listsOf(one, at))
  const { items } = schema
  if (items !== undefined) {
    return [{ path: at, items, most: schema.maxItems ?? Infinity }, ...listsOf(items, [...at, 0])]
  }
  const properties = Object.entries(schema.properties ?? {})
  return properties.flatMap(([name, one]) => listsOf(one, [...at, name]))
}

export type Draw = fc.GeneratorValue

/** One time in `of`. */
export function seldom(draw: Draw, of: number): boolean {
  return draw(fc.integer, { min: 1, max: of }) === 1
}

export function drawText(draw: Draw): string {
  return draw(fc.constantFrom, ...hostileTexts)
}

/** Any value from plausible to absurd. */
export function drawValue(draw: Draw, schema: Schema, field: string, names: Names): unknown {
  if (seldom(draw, 8)) return draw(fc.constantFrom, ...hostileJson)
  if (schema.const !== undefined) return schema.const
  if (schema.enum !== undefined) return draw(fc.constantFrom, ...schema.enum)
  const alternatives = schema.anyOf ?? schema.oneOf ?? schema.allOf
  if (alternatives !== undefined) return drawValue(draw, draw(fc.constantFrom, ...alternatives), field, names)
  const types = [schema.type ?? "string"].flat()
  const type = draw(fc.constantFrom, ...types)
  if (type === "null") return null
  if (type === "boolean") return draw(fc.boolean)
  if (type === "integer" || type === "number") return drawNumber(draw, schema)
  if (type === "array") {
    const length = draw(fc.integer, { min: 0, max: 3 })
    return Array.from({ length }, () => drawValue(draw, schema.items ?? {}, field, names))
  }
  if (type === "object") return drawObject(draw, schema, names)
  return draw(fc.constantFrom, names.of(field), names.of(field), ...names.all, drawText(draw))
}

function drawNumber(draw: Draw, { minimum = 0, maximum = 1_000 }: Schema): number {
  return draw(fc.constantFrom, minimum, minimum - 1, minimum + 1, maximum, maximum + 1, 0, 1, 2)
}

function drawObject(draw: Draw, schema: Schema, names: Names): object {
  const entries: [string, unknown][] = []
  for (const [name, one] of Object.entries(schema.properties ?? {})) {
    const isKept = schema.required?.includes(name) === true ? !seldom(draw, 12) : draw(fc.boolean)
    if (isKept) entries.push([name, drawValue(draw, one, name, names)])
  }
  if (typeof schema.additionalProperties === "object" || seldom(draw, 6)) {
    entries.push([drawText(draw), draw(fc.constantFrom, ...hostileJson)])
  }
  return Object.fromEntries(entries)
}
