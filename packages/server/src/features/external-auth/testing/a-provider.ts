/** Issuers of tokens on loopback, whose answers a test decides. */
import { createServer as createPlainServer, type RequestListener, type Server } from "node:http"
import { createServer as createTlsServer } from "node:https"
import type { AddressInfo } from "node:net"
import { exportJWK, exportSPKI, generateKeyPair, SignJWT } from "jose"
import { afterEach } from "vitest"
import type { KeyedCertificate } from "../../../testing/a-certificate.ts"
import { LoginRefusal } from "../login-refusal.ts"

export type Answer = { readonly status?: number; readonly body: unknown }

/** Registers the cleaning up with the file at hand. */
export function providers() {
  const servers: Server[] = []
  afterEach(() => {
    for (const server of servers.splice(0)) {
      server.closeAllConnections()
      server.close()
    }
  })

  /** One whose answers can be changed, by path; `asked` are the paths that it was asked for. */
  return async (answers: Record<string, Answer | undefined>, certificate?: KeyedCertificate) => {
    const asked: string[] = []
    const listener: RequestListener = (request, response) => {
      const path = request.url ?? ""
      asked.push(path)
      const { status = 200, body } = answers[path] ?? { status: 404, body: "" }
      response.statusCode = status
      response.end(typeof body === "string" ? body : JSON.stringify(body))
    }
    const server =
      certificate === undefined ? createPlainServer(listener) : createTlsServer(certificate, listener)
    servers.push(server)
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
    const scheme = certificate === undefined ? "http" : "https"
    const url = `${scheme}://127.0.0.1:${(server.address() as AddressInfo).port}`
    return { url, asked, answers }
  }
}

/** A key that signs tokens: of the subject `kid`, good for a day from `now`. */
export async function aKey(kid: string, now = Date.now()) {
  const { publicKey, privateKey } = await generateKeyPair("ES256", { extractable: true })
  const jwk = { ...(await exportJWK(publicKey)), alg: "ES256", kid }
  const sign = (of: { readonly kid?: string; readonly claims?: Readonly<Record<string, unknown>> } = {}) =>
    new SignJWT({ sub: kid, exp: Math.floor(now / 1_000) + 86_400, ...of.claims })
      .setProtectedHeader({ alg: "ES256", kid: of.kid ?? kid })
      .sign(privateKey)
  return { jwk, pem: await exportSPKI(publicKey), sign }
}

/** What came of it, or the reason code of the refusal. */
export async function orReason<T>(work: Promise<T>): Promise<T | string> {
  return await work.catch((error: unknown) => {
    if (error instanceof LoginRefusal) return error.reasonCode
    throw error
  })
}
