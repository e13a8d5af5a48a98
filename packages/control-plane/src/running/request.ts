import { request as requestHttp } from "node:http"
import { request as requestHttps } from "node:https"

const requestTimeoutMs = 5_000
const maxAnswerBytes = 1024 * 1024

export type Answer = { readonly status: number; readonly body: string }

export type ProbeOptions = {
  readonly method?: "GET" | "POST" | "DELETE"
  /** JSON. */
  readonly body?: string
  readonly token?: string
  readonly caBytes?: Uint8Array
}

/**
 * One small request to a program that may not serve yet: undefined means that nobody answered, or not
 * with the certificate expected. (`fetch` can't be given a certificate authority without a dependency.)
 */
export function probe(url: string, options: ProbeOptions = {}): Promise<Answer | undefined> {
  const send = url.startsWith("https:") ? requestHttps : requestHttp
  return new Promise((resolve) => {
    const request = send(
      url,
      {
        method: options.method ?? "GET",
        agent: false,
        signal: AbortSignal.timeout(requestTimeoutMs),
        headers: {
          ...(options.token && { authorization: `Bearer ${options.token}` }),
          ...(options.body !== undefined && { "content-type": "application/json" }),
        },
        ...(options.caBytes && { ca: Buffer.from(options.caBytes) }),
      },
      (response) => {
        let body = ""
        response.setEncoding("utf8")
        response.on("data", (chunk: string) => {
          body += chunk
          if (body.length > maxAnswerBytes) response.destroy()
        })
        response.on("error", () => resolve(undefined))
        response.on("close", () => resolve({ status: response.statusCode ?? 0, body }))
      },
    )
    request.on("error", () => resolve(undefined))
    request.end(options.body)
  })
}
