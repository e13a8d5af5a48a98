import { Socket } from "node:net"
import type { FastifyRequest } from "fastify"

declare module "fastify" {
  interface FastifyContextConfig {
    /** Its body is worked on while it arrives, and may take as long as that. */
    isUpload?: boolean
  }
}

/**
 * Ends requests whose body takes too long, as Node does; but Node has one limit for all, and uploads need another one.
 *
 * @param requestMs from the end of the head
 */
export function watchBody(request: FastifyRequest, requestMs: number): void {
  const { raw, server } = request
  // A request that never crossed a socket has nothing to end.
  if (!(raw.socket instanceof Socket)) return
  const hasBody = "content-length" in raw.headers || "transfer-encoding" in raw.headers
  if (!hasBody || request.routeOptions.config.isUpload === true) return
  const timer = setTimeout(() => {
    const late = Object.assign(new Error("the body is late"), { code: "ERR_HTTP_REQUEST_TIMEOUT" })
    if (!raw.complete) server.server.emit("clientError", late, raw.socket)
  }, requestMs)
  timer.unref()
  raw.once("end", () => clearTimeout(timer)).once("close", () => clearTimeout(timer))
}
