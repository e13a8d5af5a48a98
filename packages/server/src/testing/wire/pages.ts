import type { OpenTestStorage } from "@coffer/testkit"
import { expect, it } from "vitest"
import { anInstance, aProject } from "../test-app.ts"

/** How many a list shows when nobody says it, which clients that never say it depend on (contract 2.6, 2.11, 2.12). */
export function pages(open: OpenTestStorage): void {
  it("a list that is asked for no size has the size of its path, and tells how many there are", async () => {
    const instance = await anInstance(await open())
    const { test, adminToken: token, adminId, orgId } = instance
    const { id: project } = await aProject(instance)
    for (let number = 1; number <= 100; number += 1) {
      const body = { name: `machine ${number}`, organizationId: orgId }
      const { identity } = await test.ok("POST", "/v1/identities", { token, body })
      await test.ok("POST", `/v1/projects/${project}/memberships/identities/${identity.id}`, { token })
    }
    const count = async (url: string, field: string, body?: Readonly<Record<string, unknown>>) => {
      const call = body === undefined ? { token } : { token, body }
      const answer = await test.ok(body === undefined ? "GET" : "POST", url, call)
      return [answer[field].length, answer.totalCount]
    }
    const members = "identityMemberships"
    expect(await count(`/v1/projects/${project}/memberships/identities`, members)).toEqual([20, 101])
    for (const old of [`/v1/projects/${project}`, `/v2/workspace/${project}`]) {
      expect(await count(`${old}/identity-memberships`, members)).toEqual([100, 101])
      expect(await count(`${old}/identity-memberships?offset=100`, members)).toEqual([1, 101])
    }
    expect(await count("/v1/identities/search", "identities", {})).toEqual([50, 101])
    expect(await count(`/v1/identities?orgId=${orgId}`, "identities")).toEqual([101, 101])

    const tokens = `/v1/auth/token-auth/identities/${adminId}/tokens`
    for (let number = 1; number <= 20; number += 1) await test.ok("POST", tokens, { token, body: {} })
    expect(await count(tokens, "tokens")).toEqual([20, undefined])
    expect(await count(`${tokens}?offset=20`, "tokens")).toEqual([1, undefined])
    expect((await test.call("GET", `${tokens}?limit=101`, { token })).status).toBe(422)
  })
}
