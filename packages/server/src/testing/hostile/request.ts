import fc from "fast-check"
import type { CataloguedRoute } from "../../http/index.ts"
import {
  type Draw,
  drawText,
  drawValue,
  jsonSchemaOf,
  plausible,
  type Schema,
  seldom,
} from "./schema-values.ts"
import type { Names } from "./world.ts"

/** A route with its schemas as JSON Schema: what requests to it are made from. */
export type Target = {
  readonly route: CataloguedRoute
  readonly params: readonly string[]
  readonly query: Schema | undefined
  readonly body: Schema | undefined
}

export type HostileRequest = {
  readonly target: Target
  readonly params: Readonly<Record<string, string>>
  readonly query: readonly (readonly [string, string])[]
  /** The text that is sent; `undefined` for none. */
  readonly payload: string | undefined
}

export function targetOf(route: CataloguedRoute): Target {
  const { query, body } = route.description ?? {}
  return {
    route,
    params: [...route.url.matchAll(/:([A-Za-z]+)/g)].map(([, name = ""]) => name),
    query: query === undefined ? undefined : jsonSchemaOf(query),
    body: body === undefined ? undefined : jsonSchemaOf(body),
  }
}

/** A request that the route most probably understands. */
export function plausibleRequest(target: Target, names: Names, isComplete = false): HostileRequest {
  const query = target.query === undefined ? {} : plausible(target.query, "", names, isComplete)
  return {
    target,
    params: Object.fromEntries(target.params.map((name) => [name, names.of(name)])),
    query: Object.entries(query as object).map(([name, value]) => [name, String(value)] as const),
    payload:
      target.body === undefined ? undefined : JSON.stringify(plausible(target.body, "", names, isComplete)),
  }
}

/** Anything between a plausible request and an absurd one. */
export function requestsTo(target: Target, names: Names): fc.Arbitrary<HostileRequest> {
  return fc.gen().map((draw) => ({
    target,
    params: Object.fromEntries(target.params.map((name) => [name, drawParam(draw, name, names)])),
    query: drawQuery(draw, target.query, names),
    payload: drawPayload(draw, target.body, names),
  }))
}

function drawParam(draw: Draw, name: string, names: Names): string {
  if (seldom(draw, 4)) return drawText(draw) || "x"
  return seldom(draw, 4) ? draw(fc.constantFrom, ...names.all) : names.of(name)
}

function drawQuery(draw: Draw, schema: Schema | undefined, names: Names): HostileRequest["query"] {
  const drawn = schema === undefined ? {} : drawValue(draw, schema, "", names)
  const fields = typeof drawn === "object" && drawn !== null ? drawn : {}
  const pairs = Object.entries(fields).map(
    ([name, value]) => [name, typeof value === "string" ? value : JSON.stringify(value)] as const,
  )
  const twice = pairs[0]
  return twice !== undefined && seldom(draw, 8) ? [...pairs, twice] : pairs
}

function drawPayload(draw: Draw, schema: Schema | undefined, names: Names): string | undefined {
  if (schema === undefined) return seldom(draw, 6) ? JSON.stringify(drawText(draw)) : undefined
  if (seldom(draw, 20)) return drawText(draw)
  const text = JSON.stringify(drawValue(draw, schema, "", names))
  if (text.startsWith("{") && seldom(draw, 12)) return `{"__proto__":{"isAdmin":true},${text.slice(1)}`
  return text
}

/** The URL as it is sent; a lone surrogate has no encoding and goes as the byte that stands for what is wrong. */
export function urlOf({ target, params, query }: HostileRequest): string {
  const path = target.route.url.replace(/:([A-Za-z]+)/g, (_, name: string) => encoded(params[name] ?? ""))
  const text = query.map(([name, value]) => `${encoded(name)}=${encoded(value)}`).join("&")
  return text === "" ? path : `${path}?${text}`
}

function encoded(text: string): string {
  return text.isWellFormed() ? encodeURIComponent(text) : `%ff${encodeURIComponent(text.toWellFormed())}`
}

/** Everything that the caller itself put into the request. */
export function textOf(request: HostileRequest): string {
  return `${JSON.stringify(request.params)}${JSON.stringify(request.query)}${request.payload ?? ""}`
}
