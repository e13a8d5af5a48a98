/** GET /status: whether the server answers, exactly as clients compare it (contract 7.1). No auth, no ETag. */
import { type StatusAnswer, statusAnswer } from "@coffer/contract"
import type { FastifyReply, FastifyRequest } from "fastify"
import type { Clock } from "../../clock.ts"
import { describeHandler, isoTime, type Routes } from "../../http/index.ts"

export type StatusDeps = {
  readonly clock: Clock
  readonly tokenCeilingSeconds: number
  readonly isMailConfigured: boolean
}

export function statusRoutes(deps: StatusDeps): Routes {
  return (app) => {
    for (const path of ["/status", "/healthcheck"]) {
      const handler = async (_request: FastifyRequest, reply: FastifyReply) => {
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
        summary: "Whether the server answers",
        answer: statusAnswer,
        access: "open",
      } as const
      app.get(path, describeHandler(handler, description))
    }
  }
}
