import { readFileSync } from "node:fs"
import { join } from "node:path"
import { EVENTS, type KubeObject, NAMESPACES, type Resource, SECRETS } from "@coffer/kube-runtime"
import { afterAll, beforeAll, expect, it } from "vitest"
import { CLUSTER_SECRET_STORES, EXTERNAL_SECRETS, SECRET_STORES } from "./api/resources.ts"
import { describeWithCluster, eventually, type TestCluster } from "./testing/cluster.ts"
import {
  found,
  listed,
  type SecretServer,
  secretMissing,
  startSecretServer,
} from "./testing/secret-server.ts"

const recorded = (file: string) => readFileSync(join(import.meta.dirname, "fixtures/recorded", file), "utf8")

const CASES = [
  "seed",
  "no-target-name",
  "extract",
  "find-rewrite",
  "orphan",
  "merge",
  "merge-missing",
  "none",
  "missing-key",
  "missing-key-infisical",
  "missing-store",
  "store-not-ready",
  "immutable",
  "decode",
  "wrong-namespace",
]
const SECRETS_OF_CASES = ["my-app-secrets", "merge-target", ...CASES]
const STORES = ["infisical", "fake", "blue-only", "no-credentials"]

type AnyObject = { kind: string; metadata: Record<string, unknown> & { name: string; namespace?: string } }

const isOfCase = (object: AnyObject) =>
  (object.kind === "ExternalSecret" && CASES.includes(object.metadata.name)) ||
  (object.kind === "Secret" && SECRETS_OF_CASES.includes(object.metadata.name)) ||
  (object.kind.endsWith("SecretStore") && STORES.includes(object.metadata.name))

/** Replaces what differs in every run by the placeholders of the recording. */
function normalise(value: unknown, url: string): unknown {
  const placeholders: Record<string, string> = {
    uid: "<uid>",
    resourceVersion: "<version>",
    creationTimestamp: "<time>",
    lastTransitionTime: "<time>",
    time: "<time>",
    refreshTime: "<time>",
  }
  const walk = (node: unknown): unknown => {
    if (typeof node === "string") return node.replace(url, "http://127.0.0.1:18080")
    if (Array.isArray(node)) return node.map(walk)
    if (typeof node !== "object" || node === null) return node
    return Object.fromEntries(
      Object.entries(node)
        .sort(([a], [b]) => (a < b ? -1 : 1))
        .map(([key, member]) => {
          if (/^k:\{"uid"/.test(key)) return ['k:{"uid"}', walk(member)]
          const placeholder = placeholders[key]
          return [key, placeholder && typeof member === "string" ? placeholder : walk(member)]
        }),
    )
  }
  return walk(value)
}

/** The one deviation: an ExternalSecret whose store does not exist gets no finalizer, since nobody knows whose it is. */
function asCofferLeaves(object: AnyObject): AnyObject {
  if (object.metadata.name !== "missing-store") return object
  const { finalizers: _finalizers, managedFields, ...metadata } = object.metadata
  const owners = managedFields as readonly { readonly fieldsV1: object }[]
  const kept = owners.filter(({ fieldsV1 }) => !("f:metadata" in fieldsV1))
  return { ...object, metadata: { ...metadata, managedFields: kept } }
}

let cluster: TestCluster
let server: SecretServer

const resources: readonly Resource<KubeObject>[] = [
  EXTERNAL_SECRETS,
  SECRETS,
  SECRET_STORES,
  CLUSTER_SECRET_STORES,
]

async function currentObjects(): Promise<AnyObject[]> {
  const lists = await Promise.all(
    resources.map(async (resource) => {
      const { items } = await cluster.client.listAll(resource)
      return items.map((item) => ({
        ...item,
        kind: resource.kind,
        apiVersion: resource.group ? "external-secrets.io/v1" : "v1",
      }))
    }),
  )
  return lists.flat() as unknown as AnyObject[]
}

const idOf = ({ kind, metadata }: AnyObject) => `${kind} ${metadata.namespace ?? ""}/${metadata.name}`

async function versions(): Promise<Record<string, unknown>> {
  return Object.fromEntries(
    (await currentObjects()).map((object) => [idOf(object), object.metadata["resourceVersion"]]),
  )
}

async function untilSettled(): Promise<void> {
  await eventually(async () => {
    const { items } = await cluster.client.listAll(EXTERNAL_SECRETS)
    const unfinished = items.filter((item) => CASES.includes(item.metadata.name!) && !item.status?.conditions)
    expect(unfinished.map((item) => item.metadata.name)).toEqual([])
  })
}

describeWithCluster("the recorded cases", (clusterOf) => {
  beforeAll(async () => {
    cluster = clusterOf()
    server = await startSecretServer({
      single: (name) => (name === "NOPE" ? secretMissing(name) : found(name, `v0-${name}`)),
      list: () => listed({ DATABASE_URL: "v0-DATABASE_URL" }),
    })
    for (const [file, manager] of [
      ["base.yaml", "kubectl-client-side-apply"],
      ["cases.yaml", "user"],
    ] as const) {
      const manifests = recorded(file).replaceAll("http://127.0.0.1:18080", server.url)
      await cluster.kubectl(["apply", "--server-side", `--field-manager=${manager}`, "-f", "-"], manifests)
    }
    const operator = cluster.startOperator()
    await untilSettled()
    await operator.stop()
  })
  afterAll(async () => {
    await server?.close()
  })

  const expected = (JSON.parse(recorded("objects.json")) as AnyObject[]).filter(isOfCase).map(asCofferLeaves)

  it.for(expected.map((object) => [idOf(object), object] as const))("%s is left as recorded", async ([
    id,
    object,
  ]) => {
    const current = (await currentObjects()).find((one) => idOf(one) === id)
    expect(normalise(current, server.url)).toEqual(normalise(object, server.url))
  })

  it("no other Secret was made", async () => {
    const { items } = await cluster.client.listAll(SECRETS, { namespace: "apps" })
    const names = expected.filter(({ kind, metadata }) => kind === "Secret" && metadata.namespace === "apps")
    expect(items.map((item) => item.metadata.name).sort()).toEqual(
      [...names.map(({ metadata }) => metadata.name), "to-push"].sort(),
    )
  })

  it("the recorded events were written, and no others", async () => {
    type Recorded = {
      kind: string
      namespace: string | null
      name: string
      component: string
      type: string
      reason: string
      message: string
    }
    const wanted = (JSON.parse(recorded("events.json")) as Recorded[])
      .filter(({ kind, name }) => (kind === "ExternalSecret" ? CASES.includes(name) : STORES.includes(name)))
      .filter(({ name, message }) => !(name === "seed" && message.includes("not ready")))
    const line = (event: Recorded) =>
      JSON.stringify([event.kind, event.name, event.component, event.type, event.reason, event.message])
    await eventually(async () => {
      const { items } = await cluster.client.listAll(EVENTS)
      const written = items
        .map((event) => ({
          kind: event.involvedObject.kind ?? "",
          namespace: event.involvedObject.namespace ?? null,
          name: event.involvedObject.name ?? "",
          component: event.source?.component ?? "",
          type: event.type ?? "",
          reason: event.reason ?? "",
          message: event.message ?? "",
        }))
        .filter(({ kind, name }) =>
          kind === "ExternalSecret" ? CASES.includes(name) : STORES.includes(name),
        )
      expect([...new Set(written.map(line))].sort()).toEqual(wanted.map(line).sort())
    })
  })

  it("kinds that this release doesn't handle are left untouched", async () => {
    const text = await cluster.kubectl(["get", "ces,ps", "-A", "-o", "json"])
    const { items } = JSON.parse(text) as { items: (AnyObject & { status?: unknown })[] }
    expect(items.map(({ status, metadata }) => [metadata.name, status, metadata["finalizers"]])).toEqual([
      ["everywhere", undefined, undefined],
      ["push", undefined, undefined],
    ])
  })

  it("what uses a generator is left untouched, as whatever refers to a provider that is not ours", async () => {
    const item = await cluster.client.get(EXTERNAL_SECRETS, { namespace: "apps", name: "generated" })
    expect([item.status, item.metadata.finalizers]).toEqual([undefined, undefined])
    const { items } = await cluster.client.listAll(EVENTS, { namespace: "apps" })
    expect(items.filter((event) => event.involvedObject.name === "generated")).toEqual([])
  })

  it.for(["template", "docker", "bad-template"])("%s fails clearly and writes nothing", async (name) => {
    const item = await cluster.client.get(EXTERNAL_SECRETS, { namespace: "apps", name })
    expect(item.status?.conditions?.[0]).toMatchObject({
      type: "Ready",
      status: "False",
      reason: "SecretSyncedError",
    })
    const { items } = await cluster.client.listAll(EVENTS, { namespace: "apps" })
    const messages = items.filter((event) => event.involvedObject.name === name).map((event) => event.message)
    expect(messages).toEqual([expect.stringContaining("this Coffer release does not yet")])
  })

  it("kubectl shows the recorded columns and values", async () => {
    const cells = (text: string) =>
      text
        .trim()
        .split("\n")
        .map((row) => row.split(/\s{2,}/).map((cell) => cell.trim()))
    const rows = (text: string, names: readonly string[]) =>
      cells(text).filter(
        (row) => row[0] === "NAMESPACE" || names.some((name) => row[1]?.endsWith(`/${name}`)),
      )
    const withoutTimes = (table: string[][]) =>
      table.map((row) => row.filter((cell) => !/^\d+(s|m|m\d+s)$/.test(cell)))
    const [es, css] = recorded("tables.txt").split("\n\n")
    const currentEs = await cluster.kubectl(["get", "es,css", "-A"])
    const [shownEs, shownCss] = currentEs.split("\n\n")
    expect(withoutTimes(rows(shownEs!, CASES))).toEqual(withoutTimes(rows(es!, CASES)))
    const storesOf = (text: string) =>
      withoutTimes(cells(text).map((row) => row.filter((cell) => cell !== "")))
    // In one listing with a namespaced kind kubectl pads the namespace column of cluster-wide kinds.
    expect(storesOf(shownCss!)).toEqual(storesOf(css!))
  })

  it("starting on objects that are synced writes nothing and calls nothing", async () => {
    const failing = CASES.filter((name) =>
      /missing-key|missing-store|store-not-ready|wrong-namespace/.test(name),
    )
    const templated = ["template", "docker", "bad-template", "generated"]
    for (const name of [...failing, ...templated]) {
      const namespace = name === "wrong-namespace" ? "other" : "apps"
      await cluster.client.patch(
        EXTERNAL_SECRETS,
        { namespace, name },
        { kind: "merge", body: { metadata: { finalizers: [] } } },
      )
      await cluster.client.delete(EXTERNAL_SECRETS, { namespace, name })
    }
    await cluster.client.delete(SECRET_STORES, { namespace: "apps", name: "no-credentials" })
    await eventually(async () => {
      const { items } = await cluster.client.listAll(EXTERNAL_SECRETS)
      expect(items.filter(({ metadata }) => failing.includes(metadata.name!))).toEqual([])
    })
    const before = await versions()
    server.requests.length = 0
    const operator = cluster.startOperator()
    await cluster.client.create(EXTERNAL_SECRETS, {
      apiVersion: "external-secrets.io/v1",
      kind: "ExternalSecret",
      metadata: { namespace: "apps-2", name: "marker" },
      spec: {
        secretStoreRef: { name: "fake", kind: "ClusterSecretStore" },
        data: [{ secretKey: "a", remoteRef: { key: "plain" } }],
      },
    })
    await eventually(() => cluster.client.get(SECRETS, { namespace: "apps-2", name: "marker" }))
    await eventually(async () => {
      const ready = (await cluster.client.get(EXTERNAL_SECRETS, { namespace: "apps-2", name: "marker" }))
        .status?.conditions
      expect(ready).toHaveLength(1)
    })
    await operator.stop()
    const after = await versions()
    delete after["ExternalSecret apps-2/marker"]
    delete after["Secret apps-2/marker"]
    expect(after).toEqual(before)
    expect(server.requests).toEqual([])
  })

  it("applying the same manifests again writes nothing", async () => {
    const operator = cluster.startOperator()
    const before = await versions()
    const manifests = recorded("cases.yaml")
      .split("---\n")
      .filter((manifest) =>
        /name: (seed|no-target-name|extract|find-rewrite|orphan|immutable|decode|merge|none),/.test(manifest),
      )
    expect(manifests).toHaveLength(9)
    await cluster.kubectl(
      ["apply", "--server-side", "--field-manager=user", "-f", "-"],
      manifests.join("---\n"),
    )
    await cluster.client.patch(
      EXTERNAL_SECRETS,
      { namespace: "apps-2", name: "marker" },
      { kind: "merge", body: { metadata: { annotations: { "force-sync": "1" } } } },
    )
    await eventually(async () => {
      const secret = await cluster.client.get(SECRETS, { namespace: "apps-2", name: "marker" })
      expect(secret.metadata.annotations?.["force-sync"]).toBe("1")
    })
    await operator.stop()
    const after = await versions()
    for (const id of Object.keys(before).filter((one) => !one.endsWith("/marker")))
      expect([id, after[id]]).toEqual([id, before[id]])
  })

  it("namespaces were not touched", async () => {
    const { items } = await cluster.client.listAll(NAMESPACES)
    for (const namespace of items) expect(namespace.metadata.finalizers ?? []).toEqual([])
  })
})
