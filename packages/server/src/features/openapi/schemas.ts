import * as contract from "@coffer/contract"
import { z } from "zod"
import { exampleOf } from "./examples.ts"

/** A JSON Schema of draft 2020-12, which is what OpenAPI 3.1 speaks. */
export type JsonSchema = { [keyword: string]: unknown }

/** In which direction a schema is read: what a client may send, or what it will get. */
type Direction = "input" | "output"

/**
 * Translates Zod schemas, and keeps the objects that `@coffer/contract` names as shared components. A named object must
 * mean the same sent and received: a default makes a field optional in one direction only.
 */
export class SchemaTranslator {
  readonly components = new Map<string, JsonSchema>()
  readonly #names = namedSchemas()

  translate(schema: z.ZodType, direction: Direction): JsonSchema {
    const translated: JsonSchema = z.toJSONSchema(schema, {
      io: direction,
      unrepresentable: "any",
      metadata: this.#names,
      override: ({ jsonSchema }) => {
        // Servers of the contract may send more than is written here, and clients must not mind.
        if (jsonSchema.additionalProperties === false) delete jsonSchema.additionalProperties
      },
    })
    addExamples(translated)
    const { $schema: _dialect, $defs, ...own } = translated
    return this.#hoist(own, ($defs ?? {}) as Record<string, JsonSchema>)
  }

  /** The fields of an object schema, with references followed at the top. */
  fieldsOf(schema: z.ZodType): {
    readonly fields: Readonly<Record<string, JsonSchema>>
    readonly required: ReadonlySet<string>
  } {
    const translated = z.toJSONSchema(schema, { io: "input", unrepresentable: "any" })
    const { properties = {}, required = [] } = translated
    return { fields: properties as Record<string, JsonSchema>, required: new Set(required) }
  }

  /** Moves the definitions of one translation to the components and points its references there. */
  #hoist(own: JsonSchema, definitions: Readonly<Record<string, JsonSchema>>): JsonSchema {
    const renamed = new Map<string, string>()
    for (const name of Object.keys(definitions)) renamed.set(name, capitalized(name))
    const point = (schema: JsonSchema) => pointToComponents(schema, renamed)
    for (const [name, definition] of Object.entries(definitions)) {
      const component = renamed.get(name) ?? name
      const moved = point(withoutId(definition))
      const known = this.components.get(component)
      if (known === undefined) this.components.set(component, moved)
      else if (JSON.stringify(known) !== JSON.stringify(moved)) {
        throw new Error(`'${name}' of the contract means one thing sent and another received: split it`)
      }
    }
    return point(own)
  }
}

/** The objects and unions that the contract exports, under the names it gives them. */
function namedSchemas() {
  const names = z.registry<{ id?: string | undefined }>()
  for (const [name, exported] of Object.entries(contract)) {
    if (exported instanceof z.ZodObject || exported instanceof z.ZodUnion) names.add(exported, { id: name })
  }
  return names
}

/** Shows what a text or number looks like that may be any, and whose name says what it is; at any depth. */
function addExamples(schema: unknown): void {
  if (typeof schema !== "object" || schema === null) return
  for (const child of Object.values(schema)) addExamples(child)
  const { properties } = schema as JsonSchema
  if (typeof properties !== "object" || properties === null) return
  for (const [name, property] of Object.entries(properties as Record<string, JsonSchema>)) {
    const example = exampleOf(name)
    const isFree = property["enum"] === undefined && property["const"] === undefined
    const isOfType = property["type"] === (typeof example === "number" ? "integer" : "string")
    if (example !== undefined && isFree && isOfType) property["examples"] = [example]
  }
}

function withoutId(schema: JsonSchema): JsonSchema {
  const { id: _id, $id: _uri, ...rest } = schema
  return rest
}

function pointToComponents(schema: JsonSchema, renamed: ReadonlyMap<string, string>): JsonSchema {
  const text = JSON.stringify(schema, (key, value: unknown) => {
    if (key !== "$ref" || typeof value !== "string") return value
    const name = value.replace("#/$defs/", "")
    return `#/components/schemas/${renamed.get(name) ?? name}`
  })
  return JSON.parse(text) as JsonSchema
}

function capitalized(name: string): string {
  return name.charAt(0).toUpperCase() + name.slice(1)
}
