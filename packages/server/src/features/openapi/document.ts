/**
 * The OpenAPI 3.1 document, made from the routes as they were registered: a route cannot be missing, and its schemas are
 * those that parse its requests. What a schema library cannot say in JSON Schema is written in its description.
 */
import { errorAnswer } from "@coffer/contract"
import type { CataloguedRoute, RouteDescription } from "../../http/index.ts"
import { exampleOf } from "./examples.ts"
import { groupOf, groups } from "./operation-groups.ts"
import { operationIdOf, parametersOf, templateOf } from "./operation-names.ts"
import { type JsonSchema, SchemaTranslator } from "./schemas.ts"

type OpenApiDocument = {
  readonly openapi: "3.1.1"
  readonly paths: Readonly<Record<string, Readonly<Record<string, object>>>>
  readonly [field: string]: unknown
}

const introduction = `The HTTP API of Coffer, a self-hosted secret manager. Every path below is what Infisical clients
call, except those under /api/coffer, which Coffer adds.

Unknown fields are ignored. Text is trimmed. An empty query value counts as absent. Booleans in queries are the words
true and false. Times are ISO-8601 in UTC with milliseconds. Success is always 200, and every error has the same body.

To try a request on the page of this document: \`coffer login --plain\` prints an access token, *Authorize* takes it. What
is tried is done: there is no playground behind it.`

/** Statuses that any route may answer with; the text is what the document says about them. */
const errorTexts = {
  400: "The request cannot be carried out; the message says why",
  401: "The credential is missing, wrong, expired or revoked",
  403: "The caller is known and may not do this",
  404: "An object is missing; the message says which",
  409: "The object has changed or exists already",
  413: "The body is larger than the server accepts",
  414: "The URL is longer than the server accepts",
  415: "The body is not JSON, or it is compressed",
  422: "Fields are missing or have the wrong form; `details` names each",
  431: "More or larger headers than the server accepts",
  429: "Too many requests; `retry-after` says when to try again",
  500: "The server failed in an unforeseen way; nothing was changed",
  503: "The server cannot answer now; nothing was changed",
} as const

type ErrorStatus = keyof typeof errorTexts

/**
 * @param version of the server, for the head of the document
 * @throws Error for a route without a description, or a named schema with two meanings: faults of the code
 */
export function createDocument(routes: readonly CataloguedRoute[], version: string): OpenApiDocument {
  const schemas = new SchemaTranslator()
  const error = schemas.translate(errorAnswer, "output")
  const paths: Record<string, Record<string, object>> = {}
  for (const route of sorted(routes)) {
    const template = templateOf(route.url)
    const operations = paths[template] ?? {}
    operations[route.method.toLowerCase()] = operationOf(route, schemas)
    paths[template] = operations
  }
  return {
    openapi: "3.1.1",
    info: {
      title: "Coffer",
      version,
      description: introduction,
      license: { name: "Apache-2.0", identifier: "Apache-2.0" },
    },
    servers: [{ url: "/" }],
    security: [{ accessToken: [] }],
    tags: Object.entries(groups).map(([name, description]) => ({ name, description })),
    paths,
    components: {
      securitySchemes: {
        accessToken: {
          type: "http",
          scheme: "bearer",
          description: "An access token of an identity or a person, without the word Bearer",
        },
      },
      headers,
      responses: errorResponses(error),
      schemas: Object.fromEntries([...schemas.components].sort(([a], [b]) => (a < b ? -1 : 1))),
    },
  }
}

const headers = {
  RequestId: { description: "Names the request in the log and in error bodies", schema: { type: "string" } },
  ETag: {
    description: "Send it as `if-none-match` to get a 304 for what is unchanged",
    schema: { type: "string" },
  },
  RetryAfter: { description: "Whole seconds to wait", schema: { type: "integer", minimum: 1 } },
}
const requestIdHeader = { "x-request-id": { $ref: "#/components/headers/RequestId" } }
const retryAfterHeader = { "retry-after": { $ref: "#/components/headers/RetryAfter" } }

function errorResponses(schema: JsonSchema): Record<string, object> {
  const responses = Object.entries(errorTexts).map(([status, description]) => [
    `Error${status}`,
    {
      description,
      headers:
        status === "429" || status === "503" ? { ...requestIdHeader, ...retryAfterHeader } : requestIdHeader,
      content: { "application/json": { schema, example: errorExample(Number(status), description) } },
    },
  ])
  return Object.fromEntries(responses)
}

function errorExample(statusCode: number, message: string) {
  return { reqId: "req-Ab3dEf6hIj9kLm", statusCode, message, error: "NameOfTheError" }
}

function operationOf(route: CataloguedRoute, schemas: SchemaTranslator): object {
  const { method, url, description } = route
  if (description === undefined) throw new Error(`${method} ${url} has no description: see describeHandler`)
  const parameters = [...pathParameters(url), ...queryParameters(description, schemas)]
  return {
    operationId: operationIdOf(method, url),
    ...(description.summary === undefined ? {} : { summary: description.summary }),
    tags: [groupOf(url)],
    ...(description.access === "open" ? { security: [] } : {}),
    ...(parameters.length === 0 ? {} : { parameters }),
    ...requestBody(description, schemas),
    responses: responsesOf(route, description, schemas),
  }
}

function pathParameters(url: string): readonly object[] {
  return parametersOf(url).map((name) => ({
    name,
    in: "path",
    required: true,
    schema: { type: "string", minLength: 1 },
    ...exampleNamed(name),
  }))
}

function queryParameters({ query }: RouteDescription, schemas: SchemaTranslator): readonly object[] {
  if (query === undefined) return []
  const { fields, required } = schemas.fieldsOf(query)
  return Object.entries(fields).map(([name, schema]) => ({
    name,
    in: "query",
    ...(required.has(name) ? { required: true, ...exampleNamed(name) } : {}),
    schema,
  }))
}

/** Not for what may be left out: the page would fill it in and so change what is asked. */
function exampleNamed(name: string): { readonly example?: string | number } {
  const example = exampleOf(name)
  return example === undefined ? {} : { example }
}

function requestBody({ body, bodyType, acceptsForms }: RouteDescription, schemas: SchemaTranslator): object {
  if (bodyType !== undefined) return { requestBody: { required: true, content: { [bodyType]: {} } } }
  if (body === undefined) return {}
  const required = !body.safeParse(undefined).success
  const schema = schemas.translate(body, "input")
  const form = acceptsForms === true ? { "application/x-www-form-urlencoded": { schema } } : {}
  return { requestBody: { required, content: { "application/json": { schema }, ...form } } }
}

function responsesOf(
  route: CataloguedRoute,
  description: RouteDescription,
  schemas: SchemaTranslator,
): Record<string, object> {
  const { answer, answerType = "application/json" } = description
  const isCached = route.method === "GET" && answerType === "application/json"
  const schema = answer === undefined ? {} : { schema: schemas.translate(answer, "output") }
  const success = {
    description: "Done",
    headers: isCached ? { ...requestIdHeader, etag: { $ref: "#/components/headers/ETag" } } : requestIdHeader,
    content: { [answerType]: schema },
  }
  const unchanged = {
    description: "Unchanged since the `if-none-match` that was sent",
    headers: requestIdHeader,
  }
  const errors = errorStatusesOf(route).map((status) => [
    String(status),
    { $ref: `#/components/responses/Error${status}` },
  ])
  return { "200": success, ...(isCached ? { "304": unchanged } : {}), ...Object.fromEntries(errors) }
}

/** What a route can answer with besides success. */
function errorStatusesOf({ method, url, description }: CataloguedRoute): readonly ErrorStatus[] {
  const { access, body, query } = description ?? {}
  // What is open and writes, or has no JSON to give, may take a proof of its own, such as a cookie, and refuse it.
  const isPlain = description?.answer !== undefined && body === undefined && query === undefined
  const isBare = access === "open" && method === "GET" && (isPlain || url.startsWith("/api/docs"))
  if (!isBare) return [400, 401, 403, 404, 409, 413, 414, 415, 422, 429, 431, 500, 503]
  const missing = parametersOf(url).length === 0 ? [] : ([404] as const)
  return [400, ...missing, 413, 414, 415, 429, 431, 500, 503]
}

/** By path, then method: the document must not depend on the order of registration. */
function sorted(routes: readonly CataloguedRoute[]): readonly CataloguedRoute[] {
  const key = ({ url, method }: CataloguedRoute) => `${url} ${method}`
  return [...routes].sort((a, b) => (key(a) < key(b) ? -1 : 1))
}
