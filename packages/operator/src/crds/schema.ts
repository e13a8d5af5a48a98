/** Small builders for the OpenAPI schemas of custom resources, so that a definition reads like a table. */

export type Schema = {
  type?: "object" | "array" | "string" | "integer" | "boolean"
  description?: string
  properties?: Record<string, Schema>
  required?: string[]
  additionalProperties?: Schema
  items?: Schema
  enum?: (string | number)[]
  pattern?: string
  format?: string
  minLength?: number
  maxLength?: number
  minItems?: number
  minProperties?: number
  maxProperties?: number
  minimum?: number
  maximum?: number
  nullable?: boolean
  default?: unknown
  anyOf?: Schema[]
  "x-kubernetes-int-or-string"?: boolean
  "x-kubernetes-map-type"?: "atomic"
  "x-kubernetes-preserve-unknown-fields"?: boolean
  "x-kubernetes-validations"?: { rule: string; message: string }[]
}

type Extra = Omit<Schema, "type" | "description" | "properties" | "items" | "additionalProperties">

export const text = (description: string, extra: Extra = {}): Schema => ({
  type: "string",
  description,
  ...extra,
})
export const integer = (description: string, extra: Extra = {}): Schema => ({
  type: "integer",
  description,
  ...extra,
})
export const flag = (description: string, extra: Extra = {}): Schema => ({
  type: "boolean",
  description,
  ...extra,
})
export const oneOf = (description: string, values: readonly string[], extra: Extra = {}): Schema =>
  text(description, { enum: [...values], ...extra })
export const list = (description: string, items: Schema, extra: Extra = {}): Schema => ({
  type: "array",
  description,
  items,
  ...extra,
})
export const textMap = (description: string): Schema => ({
  type: "object",
  description,
  additionalProperties: { type: "string" },
})
export const mapOf = (description: string, values: Schema): Schema => ({
  type: "object",
  description,
  additionalProperties: values,
})
export const anyJson = (description: string): Schema => ({
  description,
  "x-kubernetes-preserve-unknown-fields": true,
})
/** An object that is kept as it is: fields that this release does not know must survive. */
export const openObject = (description: string): Schema => ({
  type: "object",
  description,
  "x-kubernetes-preserve-unknown-fields": true,
})

/** An object; a property whose name ends in `!` is required. */
export function object(description: string, properties: Record<string, Schema>, extra: Extra = {}): Schema {
  const required = Object.keys(properties).filter((name) => name.endsWith("!"))
  return {
    type: "object",
    description,
    properties: Object.fromEntries(
      Object.entries(properties).map(([name, schema]) => [name.replace(/!$/, ""), schema]),
    ),
    ...(required.length > 0 ? { required: required.map((name) => name.slice(0, -1)) } : {}),
    ...extra,
  }
}

/** Exactly one of the properties must be set. */
export const exactlyOne = { minProperties: 1, maxProperties: 1 } as const
