import { request } from "undici"
import { afterEach, describe, expect, it } from "vitest"
import { type HealthEndpoint, serveHealth } from "./health.ts"

let endpoint: HealthEndpoint | undefined
afterEach(() => endpoint?.close())

describe("health", () => {
  it("healthz is ok at once, readyz when the caches are filled, anything else is not there", async () => {
    let isReady = false
    endpoint = await serveHealth("127.0.0.1:0", () => isReady)
    const status = async (path: string) => {
      const response = await request(`http://127.0.0.1:${endpoint?.port}${path}`)
      await response.body.dump()
      return response.statusCode
    }
    expect([await status("/healthz"), await status("/readyz"), await status("/metrics")]).toEqual([
      200, 503, 404,
    ])
    isReady = true
    expect(await status("/readyz?verbose")).toBe(200)
  })

  it("an address that can't be read is refused", async () => {
    await expect(serveHealth("nowhere", () => true)).rejects.toThrow("--live-addr: expected host:port")
  })
})
