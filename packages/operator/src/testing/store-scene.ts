/**
 * A namespace with a store and its credentials, an operator, and a server that holds what the store reads: all anew for
 * each test, in a cluster that several tests share.
 */
import { NAMESPACES, SECRETS, type SecretObject } from "@coffer/kube-runtime"
import { afterAll, afterEach, beforeAll, beforeEach, expect } from "vitest"
import type { ExternalSecretSpec } from "../api/external-secret.ts"
import { EXTERNAL_SECRETS, type ExternalSecret, SECRET_STORES, type SecretStore } from "../api/resources.ts"
import { eventually, type RunningOperator, type TestCluster } from "./cluster.ts"
import {
  listed,
  type SecretServer,
  type StandInAnswer,
  secretMissing,
  startSecretServer,
} from "./secret-server.ts"

type Call = { readonly name: string; readonly atMs: number }

/** Registers the hooks; all it returns is for use inside tests. */
export function storeScene(clusterOf: () => TestCluster) {
  let cluster: TestCluster
  let server: SecretServer
  let operator: RunningOperator
  let namespace: string
  let values: Readonly<Record<string, string>>
  let answers: StandInAnswer | undefined
  const calls: string[] = []
  const times: Call[] = []
  let count = 0

  beforeAll(async () => {
    cluster = clusterOf()
    server = await startSecretServer({
      list: () => answers ?? listed(values),
      single: (name) => answers ?? secretMissing(name),
    })
  })
  afterAll(async () => {
    await server?.close()
  })
  beforeEach(async () => {
    namespace = `life-${++count}`
    values = { A: "1", B: "2" }
    answers = undefined
    await cluster.client.create(NAMESPACES, { metadata: { name: namespace } })
    await cluster.client.create(SECRETS, {
      metadata: { namespace, name: "credentials" },
      stringData: { id: "cid", secret: "csecret" },
    })
    await cluster.client.create(SECRET_STORES, aStore())
    calls.length = 0
    const onProviderCall = ({ name }: { readonly name: string }) => {
      calls.push(name)
      times.push({ name, atMs: performance.now() })
    }
    operator = cluster.startOperator({}, { onProviderCall })
  })
  afterEach(async () => {
    answers = undefined
    for (const { metadata } of (await cluster.client.listAll(EXTERNAL_SECRETS, { namespace })).items) {
      await cluster.client.delete(EXTERNAL_SECRETS, { namespace, name: metadata.name ?? "" })
    }
    await eventually(async () => expect((await cluster.client.listAll(EXTERNAL_SECRETS)).items).toEqual([]))
    for (const { metadata } of (await cluster.client.listAll(SECRET_STORES, { namespace })).items) {
      await cluster.client.delete(SECRET_STORES, { namespace, name: metadata.name ?? "" })
    }
    await operator.stop()
  })

  function aStore(scope: object = {}): SecretStore {
    return {
      metadata: { namespace, name: "store" },
      spec: {
        provider: {
          infisical: {
            hostAPI: server.url,
            auth: {
              universalAuthCredentials: {
                clientId: { name: "credentials", key: "id" },
                clientSecret: { name: "credentials", key: "secret" },
              },
            },
            secretsScope: { projectSlug: "shop", environmentSlug: "prod", ...scope },
          },
        },
      },
    }
  }

  const create = (name: string, spec: ExternalSecretSpec = {}, metadata: object = {}) =>
    cluster.client.create<ExternalSecret>(EXTERNAL_SECRETS, {
      metadata: { namespace, name, ...metadata },
      spec: {
        refreshInterval: "1h",
        secretStoreRef: { name: "store" },
        data: [{ secretKey: "a", remoteRef: { key: "A" } }],
        ...spec,
      },
    })
  const get = (name: string) => cluster.client.get(EXTERNAL_SECRETS, { namespace, name })
  const secret = (name: string) => cluster.client.get(SECRETS, { namespace, name })
  const findSecret = (name: string) => cluster.client.find(SECRETS, { namespace, name })
  const plain = (object: SecretObject) =>
    Object.fromEntries(
      Object.entries(object.data ?? {}).map(([key, value]) => [key, Buffer.from(value, "base64").toString()]),
    )
  const touch = (name: string, mark: string) =>
    cluster.client.patch(
      EXTERNAL_SECRETS,
      { namespace, name },
      { kind: "merge", body: { metadata: { annotations: { "force-sync": mark } } } },
    )
  const condition = async (name: string) => (await get(name)).status?.conditions?.[0]
  const untilReason = (name: string, reason: string) =>
    eventually(async () => expect((await condition(name))?.reason).toBe(reason))
  const untilSynced = (name: string) => untilReason(name, "SecretSynced")
  const untilMessage = (name: string, message: string) =>
    eventually(async () => expect((await condition(name))?.message).toBe(message))
  const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))

  return {
    get cluster() {
      return cluster
    },
    get server() {
      return server
    },
    get namespace() {
      return namespace
    },
    /** What the store holds. */
    get values() {
      return values
    },
    set values(all: Readonly<Record<string, string>>) {
      values = all
    },
    /** What the server says to everything instead. */
    get answers(): StandInAnswer | undefined {
      return answers
    },
    set answers(answer: StandInAnswer | undefined) {
      answers = answer
    },
    /** Names of the calls that reached the server. */
    calls,
    times,
    aStore,
    create,
    get,
    secret,
    findSecret,
    plain,
    touch,
    condition,
    untilReason,
    untilSynced,
    untilMessage,
    pause,
  }
}
