/**
 * Two server processes on one PostgreSQL. What one has acknowledged binds the other at once: a revoked right and a
 * replaced value are never served again, however warm the other's memory is.
 */
import { type CofferClient, createClient, isApiError } from "@coffer/client"
import { beforeAll, expect, it } from "vitest"
import type { RestartableServer } from "../apps/coffer/src/demo/restartable.ts"
import type { AwayServer } from "./away-server.ts"
import { aReader, describeWithTwoServers, type Reader } from "./two-servers.ts"

const KEY = "SHARED"
const ROUNDS = 25
const READERS = 4

describeWithTwoServers("two servers on one database", (servers) => {
  let away: AwayServer
  let second: RestartableServer
  let other: CofferClient
  beforeAll(async () => {
    ;({ first: away, second } = servers())
    other = createClient({ baseUrl: second.url, token: away.token, timeoutMs: 10_000 })
    await away.client.secrets.create(away.place, KEY, { secretValue: "value-0" })
  })

  it("the other never again serves a value after its replacement was acknowledged", async () => {
    const stop = new AbortController()
    let acknowledged = 0
    const stale: string[] = []
    const seen = new Set<string>()
    const readers = Array.from({ length: READERS }, async () => {
      while (!stop.signal.aborted) {
        const atLeast = acknowledged
        const { secretValue } = await other.secrets.get(away.place, KEY)
        seen.add(secretValue)
        if (Number(secretValue.slice("value-".length)) < atLeast)
          stale.push(`${secretValue} after ${atLeast}`)
      }
    })
    // Goes on until the readers met several values, however slow they are beside the writer.
    while (acknowledged < ROUNDS || (seen.size < 5 && acknowledged < 500)) {
      await away.client.secrets.update(away.place, KEY, { secretValue: `value-${acknowledged + 1}` })
      acknowledged += 1
    }
    const { secretValue } = await other.secrets.get(away.place, KEY)
    stop.abort()
    await Promise.all(readers)
    expect(secretValue).toBe(`value-${acknowledged}`)
    expect(stale).toEqual([])
    expect(seen.size).toBeGreaterThanOrEqual(5)
  })

  it.for([
    { right: "a membership", revoke: "membership" as Revocation, status: 403 },
    { right: "a token", revoke: "token" as Revocation, status: 401 },
    { right: "a client secret", revoke: "client-secret" as Revocation, status: 401 },
    { right: "an identity", revoke: "identity" as Revocation, status: 401 },
  ])("the other never again honours $right after its end was acknowledged", async ({ revoke, status }) => {
    const reader = await aReader(away)
    const withReader = createClient({ baseUrl: second.url, token: reader.token, timeoutMs: 10_000 })
    await withReader.secrets.get(away.place, KEY)
    let isRevoked = false
    const servedAfterwards: string[] = []
    const refusals: unknown[] = []
    const readers = Array.from({ length: READERS }, async () => {
      for (let after = 0; after < 5; ) {
        const wasRevoked = isRevoked
        if (wasRevoked) after += 1
        try {
          const { secretValue } = await withReader.secrets.get(away.place, KEY)
          if (wasRevoked) servedAfterwards.push(secretValue)
        } catch (error) {
          refusals.push(isApiError(error) ? error.status : error)
        }
      }
    })
    await revokeAtFirst(revoke, reader)
    isRevoked = true
    await Promise.all(readers)
    expect(servedAfterwards).toEqual([])
    expect(new Set(refusals)).toEqual(new Set([status]))
    expect(refusals.length).toBeGreaterThanOrEqual(READERS * 5)
  })

  it("each wrote an audit log of its own, and both are intact", async () => {
    const verified = await away.verifyAudit("--output", "json")
    expect(verified).toMatchObject({ exitCode: 0 })
    expect(JSON.parse(verified.stdout).logs.length).toBeGreaterThanOrEqual(2)
  })

  async function revokeAtFirst(what: Revocation, reader: Reader): Promise<void> {
    const { id, clientSecretId } = reader
    const calls: Record<Revocation, readonly [string, string, object?]> = {
      membership: ["DELETE", `/v1/projects/${away.place.projectId}/memberships/identities/${id}`],
      token: ["POST", "/v1/auth/token/revoke", { accessToken: reader.token }],
      "client-secret": [
        "POST",
        `/v1/auth/universal-auth/identities/${id}/client-secrets/${clientSecretId}/revoke`,
      ],
      identity: ["DELETE", `/v1/identities/${id}`],
    }
    const [method, path, body] = calls[what]
    await away.must(method, path, body ?? {})
  }
})

type Revocation = "membership" | "token" | "client-secret" | "identity"
