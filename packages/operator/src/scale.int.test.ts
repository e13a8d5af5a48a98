import { NAMESPACES, SECRETS } from "@coffer/kube-runtime"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { EXTERNAL_SECRETS, type ExternalSecret, SECRET_STORES } from "./api/resources.ts"
import { nextBeatMs } from "./controllers/external-secret/refresh.ts"
import { describeWithCluster, eventually, type TestCluster } from "./testing/cluster.ts"
import { listed, type SecretServer, startSecretServer } from "./testing/secret-server.ts"

const SCOPES = 50
const PER_SCOPE = 20
const KEYS = ["A", "B", "C", "D", "E"]
const namespace = "many"

describeWithCluster("many ExternalSecrets", (clusterOf) => {
  let cluster: TestCluster
  let server: SecretServer
  let intervals: readonly string[]

  const inBatches = async (items: readonly (() => Promise<unknown>)[]) => {
    for (let index = 0; index < items.length; index += 20)
      await Promise.all(items.slice(index, index + 20).map((work) => work()))
  }

  beforeAll(async () => {
    cluster = clusterOf()
    server = await startSecretServer({
      list: () => listed(Object.fromEntries(KEYS.map((key) => [key, `value-${key}`]))),
    })
    await cluster.client.create(NAMESPACES, { metadata: { name: namespace } })
    const scopes = Array.from({ length: SCOPES }, (_, index) => index)
    await inBatches(scopes.map((index) => () => createScope(index)))
    intervals = scopes.map((scope) => intervalWithBeatAt(scope, Date.now() + 25_000))
    await inBatches(
      scopes.flatMap((scope) =>
        Array.from({ length: PER_SCOPE }, (_, index) => () => createExternalSecret(scope, index)),
      ),
    )
  })
  afterAll(async () => {
    await server?.close()
  })

  async function createScope(index: number): Promise<void> {
    const name = `scope-${index}`
    await cluster.client.create(SECRETS, {
      metadata: { namespace, name },
      stringData: { id: `id-${index}`, secret: `secret-${index}` },
    })
    const credential = (key: string) => ({ name, key })
    const universalAuthCredentials = { clientId: credential("id"), clientSecret: credential("secret") }
    const secretsScope = { projectSlug: `project-${index}`, environmentSlug: "prod" }
    await cluster.client.create(SECRET_STORES, {
      metadata: { namespace, name },
      spec: {
        provider: { infisical: { hostAPI: server.url, auth: { universalAuthCredentials }, secretsScope } },
      },
    })
  }

  function createExternalSecret(scope: number, index: number): Promise<ExternalSecret> {
    return cluster.client.create<ExternalSecret>(EXTERNAL_SECRETS, {
      metadata: { namespace, name: `es-${scope}-${index}` },
      spec: {
        refreshInterval: intervals[scope] ?? "",
        secretStoreRef: { name: `scope-${scope}` },
        data: KEYS.map((key) => ({ secretKey: key.toLowerCase(), remoteRef: { key } })),
      },
    })
  }

  // The interval of about an hour whose beat falls in the middle of the first sync, where one list more is likeliest.
  function intervalWithBeatAt(scope: number, atMs: number): string {
    const object = { metadata: { namespace }, spec: { secretStoreRef: { name: `scope-${scope}` } } }
    const isAwaited = () => true
    const distanceOf = (seconds: number) =>
      Math.abs(nextBeatMs(object, seconds * 1_000, { refreshedMs: atMs - 10_000, isAwaited }) - atMs)
    const candidates = Array.from({ length: 3_600 }, (_, index) => 3_600 + index)
    return `${candidates.reduce((best, one) => (distanceOf(one) < distanceOf(best) ? one : best))}s`
  }

  describe("many ExternalSecrets", () => {
    it("1,000 in 50 scopes are first synced with at most 100 calls to the store, validation included", async () => {
      const operator = cluster.startOperator()
      await eventually(async () => {
        const { items } = await cluster.client.listAll(EXTERNAL_SECRETS, { namespace })
        const synced = items.filter(({ status }) => status?.conditions?.[0]?.reason === "SecretSynced")
        expect(synced).toHaveLength(SCOPES * PER_SCOPE)
      }, 300_000)
      await operator.stop()
      expect(server.requests.length).toBeLessThanOrEqual(2 * SCOPES)
      const secrets = await cluster.client.listAll(SECRETS, { namespace })
      expect(secrets.items).toHaveLength(SCOPES * PER_SCOPE + SCOPES)
    }, 330_000)

    it("starting again on all of them writes nothing and calls nothing", async () => {
      const versions = async () => {
        const lists = await Promise.all([
          cluster.client.listAll(EXTERNAL_SECRETS),
          cluster.client.listAll(SECRETS, { namespace }),
        ])
        return lists.flatMap(({ items }) => items.map(({ metadata }) => metadata.resourceVersion))
      }
      const before = await versions()
      server.requests.length = 0
      const operator = cluster.startOperator()
      await cluster.client.create(EXTERNAL_SECRETS, {
        metadata: { namespace: "default", name: "marker" },
        spec: { secretStoreRef: { name: "none" } },
      })
      await eventually(async () => {
        const { status } = await cluster.client.get(EXTERNAL_SECRETS, {
          namespace: "default",
          name: "marker",
        })
        expect(status?.conditions).toHaveLength(1)
      })
      await operator.stop()
      await cluster.client.patch(
        EXTERNAL_SECRETS,
        { namespace: "default", name: "marker" },
        { kind: "merge", body: { metadata: { finalizers: [] } } },
      )
      await cluster.client.delete(EXTERNAL_SECRETS, { namespace: "default", name: "marker" })
      expect(await versions()).toEqual(before)
      expect(server.requests).toEqual([])
    })
  })
})
