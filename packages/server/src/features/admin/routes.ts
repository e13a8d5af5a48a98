import { adminConfigAnswer, bootstrapAnswer, bootstrapBody, setupTokenHeader } from "@coffer/contract"
import type { FastifyRequest } from "fastify"
import { openEndpoint, type Routes } from "../../http/index.ts"
import { isLoopback } from "../../network-address.ts"
import { type AdminDeps, bootstrap, isInitialized } from "./service.ts"

/** The first run of an instance (contract 8.2, 8.3). */
export function adminRoutes(deps: AdminDeps): Routes {
  return (app) => {
    app.post(
      "/v1/admin/bootstrap",
      openEndpoint(
        {
          summary: "Set the instance up: the first user, the organization and the admin identity",
          body: bootstrapBody,
          answer: bootstrapAnswer,
        },
        ({ body, source, request }) => {
          const setupToken = body.setupToken ?? headerOf(request, setupTokenHeader)
          return bootstrap(deps, { source, isLocal: isFromThisMachine(request), setupToken }, body)
        },
      ),
    )
    app.get(
      "/v1/admin/config",
      openEndpoint({ summary: "Whether the instance is set up", answer: adminConfigAnswer }, async () => ({
        config: { initialized: await isInitialized(deps), allowSignUp: false },
      })),
    )
  }
}

const forwardingHeaders = ["forwarded", "x-forwarded-for", "x-forwarded-host", "x-real-ip", "via"]

/**
 * Loopback means this machine only when nothing stands between: a reverse proxy on the same host connects from loopback
 * too, and a web page may make a browser on this host connect to a name that it points at loopback.
 */
function isFromThisMachine(request: FastifyRequest): boolean {
  if (!isLoopback(request.socket.remoteAddress ?? "")) return false
  if (forwardingHeaders.some((name) => request.headers[name] !== undefined)) return false
  if (request.headers.origin !== undefined) return false
  const host = request.headers.host ?? ""
  const name = host.replace(/:\d+$/, "")
  return name === "localhost" || isLoopback(name)
}

function headerOf(request: FastifyRequest, name: string): string | undefined {
  const value = request.headers[name]
  return typeof value === "string" && value !== "" ? value : undefined
}
