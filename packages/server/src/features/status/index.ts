/**
 * GET /status: whether requests can be served, exactly as clients compare it (contract 7.1): 200 and "Ok", or 503 while the
 * database cannot be used. No auth, no ETag.
 */
import { type StatusAnswer, statusAnswer } from "@coffer/contract"
import type { FastifyReply, FastifyRequest } from "fastify"
import { describeHandler, isoTime, type Routes } from "../../http/index.ts"
import { Readiness, type ReadinessDeps } from "./readiness.ts"

export type StatusDeps = ReadinessDeps & {
  readonly tokenCeilingSeconds: number
  readonly isMailConfigured: boolean
}

export function statusRoutes(deps: StatusDeps): Routes {
  const readiness = new Readiness(deps)
  return (app) => {
    for (const path of ["/status", "/healthcheck"]) {
      const handler = async (_request: FastifyRequest, reply: FastifyReply) => {
        await readiness.check()
        const answer: StatusAnswer = {
          date: isoTime(deps.clock.now()),
          message: "Ok",
          emailConfigured: deps.isMailConfigured,
          inviteOnlySignup: true,
          redisConfigured: false,
          secretScanningConfigured: false,
          maxIdentityAccessTokenTTL: deps.tokenCeilingSeconds,
        }
        return reply.header("content-type", "application/json; charset=utf-8").send(JSON.stringify(answer))
      }
      const description = {
        summary: "Whether the server can serve requests",
        answer: statusAnswer,
        access: "open",
      } as const
      // Monitors and `wget --spider` ask with HEAD.
      app.get(path, { exposeHeadRoute: true }, describeHandler(handler, description))
    }
  }
}
