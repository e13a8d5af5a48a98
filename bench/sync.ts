/**
 * First sync of 1,000 ExternalSecrets of 5 keys in 50 scopes, as shipped, against a bare client that
 * creates 1,000 Secrets and patches 1,000 statuses on the same API server (design, section 8).
 * Options: `--objects 1000 --scopes 50 --concurrency 10`.
 */
import { spawnSync } from "node:child_process"
import { join } from "node:path"
import { parseArgs } from "node:util"
import { type ControlPlane, startControlPlane } from "@coffer/control-plane"
import { type CofferServer, createIdentity, createProject, startCofferServer } from "./coffer-server.ts"
import { startCountingProxy } from "./counting-proxy.ts"
import { createKubeApi, forEachConcurrently, type KubeApi } from "./kube-api.ts"
import { repositoryRoot, residentMiB, startCoffer, stopAll, waitUntil } from "./processes.ts"

type Size = {
  readonly objects: number
  readonly scopes: number
  readonly keys: number
  readonly concurrency: number
}
type Credentials = { readonly clientId: string; readonly clientSecret: string }

const group = "/apis/external-secrets.io/v1"
const namespaceOf = (index: number, size: Size) => `scope-${index % size.scopes}`
const nameOf = (index: number) => `app-${index}`
const keyOf = (index: number, key: number) => `APP_${index}_KEY_${key}`

/** Runs the benchmark and prints ratios. */
export async function run(args: readonly string[]): Promise<void> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      objects: { type: "string", default: "1000" },
      scopes: { type: "string", default: "50" },
      concurrency: { type: "string", default: "10" },
    },
  })
  const size: Size = {
    objects: Number(values.objects),
    scopes: Number(values.scopes),
    keys: 5,
    concurrency: Number(values.concurrency),
  }
  const plane = await startControlPlane()
  const server = await startCofferServer()
  const proxy = await startCountingProxy(server.url)
  const api = createKubeApi({ url: plane.url, token: plane.token, ca: plane.caBytes })
  try {
    const credentials = await fillStore(server, size)
    installCrds(plane)
    await createScopes(api, size, proxy.url, credentials)
    await createExternalSecrets(api, size)
    const bareMs = await bareClient(api, size)
    await wipe(api, size)
    await createExternalSecrets(api, size)
    proxy.reset()
    const before = await api.requestCounts()
    const ours = await operatorRun(plane, api, size)
    report(size, bareMs, ours, proxy.counts)
    reportApiCalls(before, await api.requestCounts())
  } finally {
    await api.close()
    await stopAll()
    proxy.close()
    await server.close()
    await plane.stop()
  }
}

async function fillStore(server: CofferServer, size: Size): Promise<Credentials> {
  const projectId = await createProject(server, "bench")
  for (let scope = 0; scope < size.scopes; scope++) {
    const place = { projectId, environment: "prod" }
    await server.call(
      "POST",
      "/api/v2/folders",
      { ...place, name: `scope-${scope}`, path: "/" },
      server.adminToken,
    )
    const secrets = indices(size)
      .filter((index) => index % size.scopes === scope)
      .flatMap((index) =>
        keys(size).map((key) => ({ secretKey: keyOf(index, key), secretValue: `value-${index}-${key}` })),
      )
    await server.call(
      "POST",
      "/api/v4/secrets/batch",
      { ...place, secretPath: `/scope-${scope}`, secrets },
      server.adminToken,
    )
  }
  return createIdentity(server, projectId, "viewer")
}

function installCrds(plane: ControlPlane): void {
  const result = spawnSync(
    "kubectl",
    [
      "--kubeconfig",
      plane.kubeconfigPath,
      "apply",
      "--server-side",
      "-f",
      join(repositoryRoot, "deploy/crds"),
    ],
    { encoding: "utf8" },
  )
  if (result.status !== 0) throw new Error(`the CRDs could not be applied: ${result.stderr}`)
}

async function createScopes(
  api: KubeApi,
  size: Size,
  hostAPI: string,
  credentials: Credentials,
): Promise<void> {
  await waitUntil(
    "the CRDs being served",
    async () => (await api.request("GET", `${group}/secretstores`)) !== undefined,
  )
  for (let scope = 0; scope < size.scopes; scope++) {
    const namespace = `scope-${scope}`
    await api.request("POST", "/api/v1/namespaces", { metadata: { name: namespace } })
    await api.request("POST", `/api/v1/namespaces/${namespace}/secrets`, {
      metadata: { name: "credentials" },
      stringData: { clientId: credentials.clientId, clientSecret: credentials.clientSecret },
    })
    await api.request("POST", `${group}/namespaces/${namespace}/secretstores`, {
      apiVersion: "external-secrets.io/v1",
      kind: "SecretStore",
      metadata: { name: "coffer" },
      spec: {
        provider: {
          infisical: {
            hostAPI,
            auth: {
              universalAuthCredentials: {
                clientId: { name: "credentials", key: "clientId" },
                clientSecret: { name: "credentials", key: "clientSecret" },
              },
            },
            secretsScope: { projectSlug: "bench", environmentSlug: "prod", secretsPath: `/${namespace}` },
          },
        },
      },
    })
  }
}

async function createExternalSecrets(api: KubeApi, size: Size): Promise<void> {
  await forEachConcurrently(indices(size), 16, (index) =>
    api.request("POST", `${group}/namespaces/${namespaceOf(index, size)}/externalsecrets`, {
      apiVersion: "external-secrets.io/v1",
      kind: "ExternalSecret",
      metadata: { name: nameOf(index) },
      spec: {
        refreshInterval: "1h",
        secretStoreRef: { name: "coffer", kind: "SecretStore" },
        data: keys(size).map((key) => ({ secretKey: `KEY_${key}`, remoteRef: { key: keyOf(index, key) } })),
      },
    }),
  )
}

/** The least that any operator must do: one Secret and one status per object. */
async function bareClient(api: KubeApi, size: Size): Promise<number> {
  const start = performance.now()
  const ready = watchReady(api)
  await forEachConcurrently(indices(size), size.concurrency, async (index) => {
    const namespace = namespaceOf(index, size)
    await api.request("POST", `/api/v1/namespaces/${namespace}/secrets`, {
      metadata: { name: nameOf(index), labels: { bench: "bare" } },
      data: Object.fromEntries(keys(size).map((key) => [`KEY_${key}`, btoa(`value-${index}-${key}`)])),
    })
    await api.request(
      "PATCH",
      `${group}/namespaces/${namespace}/externalsecrets/${nameOf(index)}/status`,
      {
        status: {
          conditions: [{ type: "Ready", status: "True", reason: "SecretSynced", message: "secret synced" }],
        },
      },
      "application/merge-patch+json",
    )
  })
  await waitUntil("the last status", async () => ready.names.size === size.objects, 60_000, 20)
  ready.stop()
  return performance.now() - start
}

async function wipe(api: KubeApi, size: Size): Promise<void> {
  for (let scope = 0; scope < size.scopes; scope++) {
    await api.request("DELETE", `${group}/namespaces/scope-${scope}/externalsecrets`)
    await api.request("DELETE", `/api/v1/namespaces/scope-${scope}/secrets?labelSelector=bench%3Dbare`)
  }
}

type OperatorRun = {
  readonly ms: number
  readonly memory: { now: number; peak: number }
  readonly startMs: number
}

async function operatorRun(plane: ControlPlane, api: KubeApi, size: Size): Promise<OperatorRun> {
  const start = performance.now()
  const ready = watchReady(api)
  const operator = startCoffer(["operator"], { KUBECONFIG: plane.kubeconfigPath })
  try {
    await waitUntil("the first sync", async () => ready.names.size === size.objects, 300_000, 20)
    const ms = performance.now() - start
    return { ms, startMs: ready.firstAt() - start, memory: residentMiB(operator.pid) }
  } catch (error) {
    throw new Error(`${ready.names.size} of ${size.objects} synced\n${operator.output()}`, { cause: error })
  } finally {
    ready.stop()
    await operator.stop()
  }
}

/** Follows the statuses; runs beside the bare client too, so that the API server has the same to tell. */
function watchReady(api: KubeApi) {
  const names = new Set<string>()
  let firstAt = Number.POSITIVE_INFINITY
  const watch = api.watch(`${group}/externalsecrets?watch=true`, (_type, object: Watched) => {
    const isReady = object.status?.conditions?.some(
      ({ type, status }) => type === "Ready" && status === "True",
    )
    if (isReady !== true) return
    firstAt = Math.min(firstAt, performance.now())
    names.add(`${object.metadata.namespace}/${object.metadata.name}`)
  })
  return { names, firstAt: () => firstAt, stop: () => watch.stop() }
}

type Watched = {
  readonly metadata: { readonly namespace: string; readonly name: string }
  readonly status?: { readonly conditions?: readonly { readonly type: string; readonly status: string }[] }
}

function report(size: Size, bareMs: number, ours: OperatorRun, counts: ReadonlyMap<string, number>): void {
  const calls = [...counts.values()].reduce((sum, count) => sum + count, 0)
  const seconds = (ms: number) => `${(ms / 1000).toFixed(1)} s`
  console.log(`${size.objects} ExternalSecrets of ${size.keys} keys in ${size.scopes} scopes`)
  console.log(`bare client, concurrency ${size.concurrency}: ${seconds(bareMs)}`)
  console.log(
    `coffer operator, process start included: ${seconds(ours.ms)} (first object after ${seconds(ours.startMs)})`,
  )
  console.log(`ratio ${(ours.ms / bareMs).toFixed(2)} (target <= 2)`)
  for (const [name, count] of counts) console.log(`  ${count} x ${name}`)
  console.log(`calls to the store: ${calls} (target <= ${2 * size.scopes})`)
  console.log(
    `resident ${ours.memory.now.toFixed(0)} MiB, peak ${ours.memory.peak.toFixed(0)} MiB (target < 160)`,
  )
}

function reportApiCalls(before: ReadonlyMap<string, number>, after: ReadonlyMap<string, number>): void {
  console.log("calls to the API server meanwhile:")
  for (const [name, count] of after) {
    const more = count - (before.get(name) ?? 0)
    if (more >= 20) console.log(`  ${more} x ${name}`)
  }
}

const indices = (size: Size) => Array.from({ length: size.objects }, (_, index) => index)
const keys = (size: Size) => Array.from({ length: size.keys }, (_, key) => key)
