import type { FastifyRequest } from "fastify"
import type { AuditSource } from "../audit/audit-event.ts"

const maxUserAgentLength = 256

/** Where a request came from, as the audit log tells it. The address already honours the trusted proxies. */
export function requestSource(request: FastifyRequest): AuditSource {
  const userAgent = (request.headers["user-agent"] ?? "").slice(0, maxUserAgentLength)
  const { ip } = request
  return {
    ipAddress: ip.startsWith("::ffff:") ? ip.slice(7) : ip,
    userAgent,
    userAgentType: userAgentType(userAgent),
    requestId: request.id,
  }
}

/** The classes of contract section 5. */
export function userAgentType(userAgent: string): string {
  if (userAgent === "cli") return "cli"
  if (userAgent === "k8-operator" || userAgent.startsWith("k8-operator/")) return "k8-operator"
  if (userAgent.startsWith("terraform")) return "terraform"
  if (userAgent.toLowerCase().includes("mozilla")) return "web"
  return "other"
}
