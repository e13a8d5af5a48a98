import type { z } from "zod"

/** What a route takes and gives: the schemas that parse its requests and, with `answer`, describe it to clients. */
export type RouteSchemas<Query = unknown, Body = unknown> = {
  /** One sentence without a full stop: what the route does for its caller. */
  readonly summary?: string
  readonly query?: z.ZodType<Query>
  readonly body?: z.ZodType<Body>
  /** The body of a 200; every answer of the tests is compared with it. */
  readonly answer?: z.ZodType
  /** Media type of a 200 that is not JSON, such as an event stream; `answer` then describes one item of it. */
  readonly answerType?: string
  /** Media type of a request body that is not JSON and is read as a stream. */
  readonly bodyType?: string
  /** The body may also be a web form: only where the credential is in the body and no cookie is set. */
  readonly acceptsForms?: true
}

export type RouteDescription = RouteSchemas & {
  /** The credential a caller must send. */
  readonly access: "open" | "token"
}

const descriptions = new WeakMap<object, RouteDescription>()

/** Notes what a handler takes and gives; for handlers that neither `endpoint` nor `openEndpoint` makes. */
export function describeHandler<H extends object>(handler: H, description: RouteDescription): H {
  descriptions.set(handler, description)
  return handler
}

/** The description of a handler, or `undefined` when nobody gave one. */
export function descriptionOf(handler: object): RouteDescription | undefined {
  return descriptions.get(handler)
}

/** A route as it was registered. `url` is Fastify's pattern with its prefix, such as `/api/v1/folders/:folderId`. */
export type CataloguedRoute = {
  readonly method: string
  readonly url: string
  readonly description: RouteDescription | undefined
}
