import type { FastifyReply, FastifyRequest } from "fastify"
import { z } from "zod"
import { AppError } from "../../errors.ts"
import { type CataloguedRoute, describeHandler, etagOf, matchesEtag, type Routes } from "../../http/index.ts"
import type { PageFile } from "./page.ts"

export type OpenApiDeps = {
  /** Every route of the server, complete once it is ready. */
  readonly catalogue: readonly CataloguedRoute[]
  /** Of the server, for the head of the document. */
  readonly version: string
}

const documentSchema = z.looseObject({
  openapi: z.literal("3.1.1"),
  paths: z.record(z.string(), z.unknown()),
})

/** GET /docs/json, the OpenAPI document, and /docs, a page to read it. Both are made when first asked for. */
export function openApiRoutes(deps: OpenApiDeps): Routes {
  return (app) => {
    const document = documentHandler(deps)
    app.get("/docs/json", describeHandler(document, { ...open, ...documentDescription }))
    app.get("/docs", describeHandler(showPage, { ...open, ...pageDescription }))
    app.get("/docs/files/:name", describeHandler(showFile, { ...open, ...fileDescription }))
  }
}

const open = { access: "open" } as const
const documentDescription = { summary: "This document", answer: documentSchema }
const pageDescription = { summary: "A page to read this document", answerType: "text/html" }
const fileDescription = { summary: "A file of the page", answerType: "text/javascript" }

function documentHandler({ catalogue, version }: OpenApiDeps) {
  let made: { readonly text: string; readonly etag: string } | undefined
  return async (request: FastifyRequest, reply: FastifyReply) => {
    if (made === undefined) {
      const { createDocument } = await import("./document.ts")
      const text = JSON.stringify(createDocument(catalogue, version))
      made = { text, etag: etagOf(text) }
    }
    reply.header("etag", made.etag)
    if (matchesEtag(request.headers["if-none-match"], made.etag)) return reply.code(304).send()
    return reply.header("content-type", "application/json; charset=utf-8").send(made.text)
  }
}

async function showPage(request: FastifyRequest, reply: FastifyReply) {
  // The page names its files relative to itself, so that it works below a path prefix: one spelling of its address.
  if (/\/(?:\?|$)/.test(request.url)) return reply.redirect("../docs", 308)
  const { htmlPage, pagePolicy } = await import("./page.ts")
  return sendFile(reply.header("content-security-policy", pagePolicy), htmlPage())
}

async function showFile(request: FastifyRequest, reply: FastifyReply) {
  const { pageFile } = await import("./page.ts")
  const { name = "" } = request.params as Readonly<Record<string, string>>
  const file = pageFile(name)
  if (file === undefined)
    throw new AppError("not-found", "NotFound", "The documentation page has no such file")
  return sendFile(reply.header("cache-control", "public, max-age=3600"), file)
}

function sendFile(reply: FastifyReply, file: PageFile) {
  return reply.header("content-type", file.contentType).send(file.content)
}
