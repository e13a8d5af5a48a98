import type { OpenTestStorage } from "@coffer/testkit"
import { expect, it } from "vitest"
import { TestApp } from "../test-app.ts"

/** How monitors ask: `wget --spider`, load balancers, uptime checks. */
export function head(open: OpenTestStorage): void {
  it("a HEAD of the status is its GET without the body, also while the database is away", async () => {
    const storage = await open()
    const test = new TestApp(storage)
    for (const path of ["/status", "/status/", "/healthcheck"]) {
      const got = await test.call("GET", path)
      const asked = await test.call("HEAD", path)
      expect([asked.status, asked.text]).toEqual([200, ""])
      const { "x-request-id": _, date: __, ...headers } = got.headers
      expect(asked.headers).toMatchObject(headers)
    }
    await storage.database.close()
    test.clock.advance(2_000)
    expect(await test.call("HEAD", "/status")).toMatchObject({ status: 503, text: "" })
  })
}
