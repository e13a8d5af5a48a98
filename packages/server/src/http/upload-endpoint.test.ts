import { request } from "node:http"
import { aLog, seededRandom } from "@coffer/testkit"
import type { FastifyInstance } from "fastify"
import { afterEach, describe, expect, it } from "vitest"
import type { Session } from "../actor.ts"
import { AppError } from "../errors.ts"
import { createHttpApp } from "./app.ts"
import { timeouts } from "./limits.ts"
import { acceptUploads, uploadEndpoint } from "./upload-endpoint.ts"

const open: FastifyInstance[] = []
afterEach(async () => {
  for (const app of open.splice(0)) await app.close()
})

/** One upload route that counts bytes; whoever has no token is refused. */
async function aCounter(requestMs = timeouts.requestMs): Promise<string> {
  const ports = {
    authenticate: (authorization: string | undefined) => {
      if (authorization === undefined) throw new AppError("unauthenticated", "TokenMissing", "no token")
      return {} as Session
    },
    recordRefusal: async () => undefined,
  }
  const patience = { ...timeouts, requestMs, checkMs: 20 }
  const options = { random: seededRandom("upload"), log: aLog(), trustedProxies: [], timeouts: patience }
  const app = createHttpApp(options, [
    (api) => {
      api.register(async (uploads) => {
        acceptUploads(uploads, "application/octet-stream")
        uploads.post(
          "/count",
          uploadEndpoint(ports, { bodyType: "application/octet-stream" }, async ({ upload }) => {
            let bytes = 0
            for await (const chunk of upload) bytes += chunk.length
            return { bytes }
          }),
        )
      })
    },
  ])
  open.push(app)
  return `${await app.listen({ host: "127.0.0.1", port: 0 })}/api/count`
}

const upload = { "content-type": "application/octet-stream" }
const large = new Uint8Array(8_000_000)

describe("an upload", () => {
  it("may be larger than any other body, and is read while it arrives", async () => {
    const headers = { ...upload, authorization: "Bearer x" }
    const answer = await fetch(await aCounter(), { method: "POST", headers, body: large })
    expect(await answer.json()).toEqual({ bytes: large.length })
  })

  it("may take longer than any other body", async () => {
    const headers = { ...upload, authorization: "Bearer x" }
    const url = await aCounter(100)
    const answer = await new Promise<string>((resolve, reject) => {
      const client = request(url, { method: "POST", headers }, (response) => {
        response.setEncoding("utf8").on("data", resolve)
      }).on("error", reject)
      client.write("one")
      setTimeout(() => client.end("two"), 400)
    })
    expect(JSON.parse(answer)).toEqual({ bytes: 6 })
  })

  it("that is refused is answered, though the client is still sending", async () => {
    const answer = await fetch(await aCounter(), { method: "POST", headers: upload, body: large })
    expect(answer.status).toBe(401)
    expect(await answer.json()).toMatchObject({ error: "TokenMissing" })
  })

  it("of another type is told which one is taken", async () => {
    const headers = { "content-type": "application/json", authorization: "Bearer x" }
    const answer = await fetch(await aCounter(), { method: "POST", headers, body: large })
    expect(answer.status).toBe(415)
    expect(await answer.json()).toMatchObject({
      message: "Send the file, with 'content-type: application/octet-stream'",
    })
  })

  it("without a body is refused", async () => {
    const headers = { authorization: "Bearer x" }
    const answer = await fetch(await aCounter(), { method: "POST", headers })
    expect(answer.status).toBe(400)
  })
})
