/** The demo as a test, and what must hold after it: changes arrive, and nothing happens where nothing changed. */
import { createClient, type FolderPlace } from "@coffer/client"
import { NAMESPACES, SECRETS, systemClock } from "@coffer/kube-runtime"
import { describeWithControlPlane } from "@coffer/testkit"
import { afterAll, beforeAll, expect, it } from "vitest"
import { readStoredLogin } from "../apps/coffer/src/credentials-file.ts"
import { observe, PROJECT_SLUG, provision } from "../apps/coffer/src/demo/journey.ts"
import { applyManifest, readSeed, withHostApi } from "../apps/coffer/src/demo/manifests.ts"
import { ChildProcesses, runCoffer } from "../apps/coffer/src/demo/processes.ts"
import { openSandbox, type Sandbox } from "../apps/coffer/src/demo/sandbox.ts"
import { EXTERNAL_SECRETS } from "../apps/coffer/src/kubernetes/resources.ts"
import { waitUntil } from "../apps/coffer/src/kubernetes/wait-until.ts"
import { createExternalSecret, readValue, waitForValue } from "./cluster-objects.ts"
import { type RecordedCall, type RecordingProxy, startRecordingProxy } from "./recording-proxy.ts"

const never = new AbortController().signal
const traveller = { report: { step: () => {}, command: () => {} }, signal: never, password: "e2e-password" }
const REFRESH_SECONDS = 2

describeWithControlPlane("the journey of one secret", (plane) => {
  let sandbox: Sandbox
  let proxy: RecordingProxy
  let place: FolderPlace
  let client: ReturnType<typeof createClient>

  beforeAll(async () => {
    sandbox = await openSandbox({ plane: plane(), report: traveller.report.step })
    proxy = await startRecordingProxy(sandbox.server.url)
    await Promise.all([provision(sandbox, traveller), sandbox.operator.start()])
    const login = await readStoredLogin(`${sandbox.server.env["XDG_CONFIG_HOME"]}/coffer/credentials.json`)
    client = createClient({ baseUrl: sandbox.server.url, token: login!.token.reveal() })
    const project = await client.projects.getBySlug(PROJECT_SLUG)
    place = { projectId: project.id, environment: "prod", secretPath: "/" }
  })
  afterAll(async () => {
    await sandbox?.close()
    await proxy?.close()
  })

  const coffer = (...args: string[]) =>
    runCoffer(args, { ...sandbox.server.env, KUBECONFIG: plane().kubeconfigPath })
  const versionOf = async (name: string) =>
    (await sandbox.kube.getMetadata(SECRETS, { namespace: "default", name })).metadata.resourceVersion

  it("ends with the two outputs of the documentation", async () => {
    const { printedValue, differences } = await observe(sandbox, traveller)
    expect(differences).toEqual([])
    expect(printedValue).toBe("hello-from-infisical")
  })

  it("applying the same manifests again causes no write", async () => {
    const before = await versionOf("my-app-secrets")
    const key = { namespace: "default", name: "my-app-secrets" }
    const objectBefore = await sandbox.kube.get(EXTERNAL_SECRETS, key)
    await applyManifest(
      sandbox.kube,
      withHostApi(readSeed("cluster-secret-store"), `${sandbox.server.url}/api`),
    )
    await applyManifest(sandbox.kube, readSeed("external-secret"))
    await quietFor(2000)
    expect(await versionOf("my-app-secrets")).toBe(before)
    const objectAfter = await sandbox.kube.get(EXTERNAL_SECRETS, key)
    expect(objectAfter.metadata.resourceVersion).toBe(objectBefore.metadata.resourceVersion)
  })

  it("a changed value reaches the Secret within the refresh interval", async () => {
    await client.secrets.create(place, "CHANGING", { secretValue: "before" })
    const name = { namespace: "default", name: "changing" }
    const refreshInterval = `${REFRESH_SECONDS}s`
    await createExternalSecret(sandbox.kube, {
      ...name,
      refreshInterval,
      store: "infisical",
      keys: { value: "CHANGING" },
    })
    await waitForValue(sandbox.kube, name, "value", { value: "before", timeoutMs: 15_000 })
    await client.secrets.update(place, "CHANGING", { secretValue: "after" })
    const slackMs = 6000 // for a busy machine, which takes part of a second for each step
    await waitForValue(sandbox.kube, name, "value", {
      value: "after",
      timeoutMs: REFRESH_SECONDS * 1000 + slackMs,
    })
  })

  it("an unchanged value causes no write and at most one conditional request per scope and interval", async () => {
    await client.secrets.create(place, "STEADY", { secretValue: "the same" })
    await applyManifest(sandbox.kube, storeBehindProxy(proxy.url))
    const refreshInterval = `${REFRESH_SECONDS}s`
    const names = ["steady-1", "steady-2", "steady-3"]
    for (const name of names) {
      const keys = { value: "STEADY", again: "CLUSTER_TEST_KEY" }
      await createExternalSecret(sandbox.kube, {
        namespace: "default",
        name,
        refreshInterval,
        store: "observed",
        keys,
      })
      await quietFor(REFRESH_SECONDS * 300) // made at different moments, as in life
    }
    for (const name of names) {
      await waitForValue(sandbox.kube, { namespace: "default", name }, "value", {
        value: "the same",
        timeoutMs: 15_000,
      })
    }
    await quietFor(2 * REFRESH_SECONDS * 1000)
    const before = await Promise.all(names.map(versionOf))
    const startMs = performance.now()
    await quietFor(4 * REFRESH_SECONDS * 1000)
    const calls = proxy.calls.filter((call) => call.atMs >= startMs && !isLogin(call))
    const intervals = Math.ceil((performance.now() - startMs) / (REFRESH_SECONDS * 1000)) + 1
    expect(await Promise.all(names.map(versionOf))).toEqual(before)
    expect(calls.length).toBeGreaterThan(0)
    expect(calls.length).toBeLessThanOrEqual(intervals)
    expect(calls.map((call) => [call.isConditional, call.status])).toEqual(calls.map(() => [true, 304]))
  })

  it("coffer smoke-test passes and takes back what it made", async () => {
    const args = ["--project", PROJECT_SLUG, "--key", "SMOKE_KEY", "--namespace", "smoke", "--output", "json"]
    const { exitCode, stdout, stderr } = await coffer("smoke-test", ...args)
    expect(stderr).not.toContain("error")
    expect(exitCode).toBe(0)
    expect(JSON.parse(stdout)).toMatchObject({ isPassed: true, value: "hello-from-infisical", leftovers: [] })
    await expect(client.secrets.get(place, "SMOKE_KEY")).rejects.toMatchObject({ kind: "not-found" })
    expect(
      await sandbox.kube.find(EXTERNAL_SECRETS, { namespace: "smoke", name: "cluster-test" }),
    ).toBeUndefined()
    expect(
      await readValue(sandbox.kube, { namespace: "smoke", name: "cluster-test-secret" }, "testValue"),
    ).toBeUndefined()
    const namespace = await sandbox.kube.find(NAMESPACES, { name: "smoke" })
    expect(namespace === undefined || namespace.metadata.deletionTimestamp !== undefined).toBe(true)
  })

  it("coffer smoke-test leaves a key and a namespace alone that were there before", async () => {
    const { exitCode, stderr } = await coffer(
      "smoke-test",
      "--project",
      PROJECT_SLUG,
      "--namespace",
      "default",
    )
    expect(exitCode).toBe(6)
    expect(stderr).toContain("CLUSTER_TEST_KEY exists already in prod and is left alone")
    expect((await client.secrets.get(place, "CLUSTER_TEST_KEY")).secretValue).toBe("hello-from-infisical")
    const namespace = await sandbox.kube.get(NAMESPACES, { name: "default" })
    expect(namespace.metadata.deletionTimestamp).toBeUndefined()
  })

  it("coffer smoke-test takes back what it made when the check fails", async () => {
    const place = ["--project", PROJECT_SLUG, "--env", "prod", "--key", "SMOKE_KEY", "--namespace", "default"]
    const { exitCode, stderr } = await coffer(
      "smoke-test",
      ...place,
      "--store",
      "no-such-store",
      "--timeout",
      "2",
    )
    expect(exitCode).toBe(8)
    expect(stderr).toMatch(/waited 2 s for ExternalSecret default\/cluster-test/)
    await expectNoTrace()
  })

  it("coffer smoke-test takes back what it made on Ctrl-C", async () => {
    const args = ["smoke-test", "--project", PROJECT_SLUG, "--key", "SMOKE_KEY", "--namespace", "default"]
    const env = { ...sandbox.server.env, KUBECONFIG: plane().kubeconfigPath }
    const processes = new ChildProcesses()
    const command = processes.start([...args, "--store", "no-such-store"], env)
    await command.waitForLine(/waiting for the operator/, 60_000)
    process.kill(command.pid, "SIGINT")
    expect(await command.ended).toBe(130)
    await processes.stopAll()
    await expectNoTrace()
  })

  const expectNoTrace = async () => {
    await expect(client.secrets.get(place, "SMOKE_KEY")).rejects.toMatchObject({ kind: "not-found" })
    const left = await sandbox.kube.find(EXTERNAL_SECRETS, { namespace: "default", name: "cluster-test" })
    expect(left).toBeUndefined()
  }
})

function isLogin(call: RecordedCall): boolean {
  return call.path.includes("/auth/")
}

/** A second store that reads the same place through the recorder. */
function storeBehindProxy(url: string): string {
  return withHostApi(readSeed("cluster-secret-store"), `${url}/api`).replace(
    "name: infisical\n",
    "name: observed\n",
  )
}

/** Time in which nothing may happen; there is no condition to wait for. */
async function quietFor(ms: number): Promise<void> {
  const endMs = performance.now() + ms
  const waited = async () => (performance.now() >= endMs ? true : undefined)
  await waitUntil(waited, { clock: systemClock, signal: never, timeoutMs: ms + 1000, what: "the quiet time" })
}
