import type { FastifyReply, FastifyRequest } from "fastify"
import type { Log } from "../log.ts"
import { isLostRace, type MappedError } from "./error-mapper.ts"

/** What the log tells of a request. The route's pattern stands for its URL, which holds names and may hold anything. */
function fieldsOf(request: FastifyRequest, reply: FastifyReply, status: number): object {
  return {
    requestId: request.id,
    method: request.method,
    route: request.routeOptions.url ?? "none",
    status,
    durationMs: Math.round(reply.elapsedTime * 10) / 10,
    address: request.ip,
  }
}

/** One line for each request that was answered, whatever the answer. */
export function logRequest(log: Log, request: FastifyRequest, reply: FastifyReply): void {
  log.info(fieldsOf(request, reply, reply.statusCode), "request")
}

/** One line for a request that ends in an error: a refusal, or a failure that someone must look into. */
export function logError(log: Log, { request, reply, mapped, error }: Failed): void {
  const { statusCode, error: code } = mapped.body
  const fields = { ...fieldsOf(request, reply, statusCode), code }
  if (mapped.isOurFault) log.error({ ...fields, ...describe(error) }, "request failed")
  else if (isLostRace(error)) log.warn({ ...fields, ...describe(error) }, "request lost a race")
  else log.info(fields, "request refused")
}

type Failed = {
  readonly request: FastifyRequest
  readonly reply: FastifyReply
  readonly mapped: MappedError
  readonly error: unknown
}

/** Name, message and origin of an error; never its other fields, which may hold anything. */
function describe(error: unknown): object {
  if (!(error instanceof Error)) return { problem: "not an error object" }
  const cause = error.cause instanceof Error ? error.cause.message : undefined
  return { problem: error.name, detail: error.message, cause, stack: error.stack }
}
