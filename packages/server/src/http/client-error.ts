import type { Socket } from "node:net"
import type { ErrorAnswer, ErrorCode } from "@coffer/contract"
import type { Log } from "../log.ts"
import { limits } from "./limits.ts"

type Refusal = {
  readonly statusCode: number
  readonly reason: string
  readonly code: ErrorCode
  readonly message: string
}

const malformed: Refusal = {
  statusCode: 400,
  reason: "Bad Request",
  code: "BadRequest",
  message: "The request is not valid HTTP",
}

const refusals: Readonly<Record<string, Refusal>> = {
  ERR_HTTP_REQUEST_TIMEOUT: {
    statusCode: 408,
    reason: "Request Timeout",
    code: "RequestTimeout",
    message: "The request did not arrive completely in time",
  },
  HPE_HEADER_OVERFLOW: {
    statusCode: 431,
    reason: "Request Header Fields Too Large",
    code: "HeadersTooLarge",
    message: `The request line and the headers are larger than ${limits.headBytes} bytes`,
  },
}

/** Answers what never became a request, in the standard body, and ends the connection. */
export function createClientErrorHandler(
  log: Log,
  newRequestId: () => string,
): (error: Error & { readonly code?: string }, socket: Socket) => void {
  return (error, socket) => {
    if (error.code === "ECONNRESET" || socket.destroyed) return
    const { statusCode, reason, code, message } = refusals[error.code ?? ""] ?? malformed
    const requestId = newRequestId()
    log.info({ requestId, status: statusCode, code, address: socket.remoteAddress }, "request refused")
    if (!socket.writable) {
      socket.destroy()
      return
    }
    const body = JSON.stringify({ reqId: requestId, statusCode, message, error: code } satisfies ErrorAnswer)
    const head = [
      `HTTP/1.1 ${statusCode} ${reason}`,
      "content-type: application/json; charset=utf-8",
      `content-length: ${Buffer.byteLength(body)}`,
      `x-request-id: ${requestId}`,
      "connection: close",
    ]
    socket.end(`${head.join("\r\n")}\r\n\r\n${body}`, () => socket.destroy())
  }
}
