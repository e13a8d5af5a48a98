/**
 * The check from store to cluster: a key is created on the server, an ExternalSecret declares it, the
 * operator that runs in the cluster makes the Secret, and its value is compared. Everything made is taken
 * back, also after a failure and on Ctrl-C; what was there before is neither changed nor deleted.
 */
import type { CofferClient, FolderPlace } from "@coffer/client"
import { isApiError } from "@coffer/client"
import {
  type Clock,
  isAlreadyExists,
  isNotFound,
  type KubeClient,
  NAMESPACES,
  SECRETS,
} from "@coffer/kube-runtime"
import { CommandError } from "../command-error.ts"
import { type ConditionedObject, EXTERNAL_SECRETS, readyCondition } from "../kubernetes/resources.ts"
import { readTable, type Table } from "../kubernetes/table.ts"
import { waitUntil } from "../kubernetes/wait-until.ts"
import { judgeTable } from "./judge-table.ts"
import { UndoStack } from "./undo-stack.ts"

export type SmokeTestOptions = {
  /** Where the key is created; the store must read the same place. */
  readonly place: FolderPlace
  readonly key: string
  readonly value: string
  readonly namespace: string
  readonly store: { readonly name: string; readonly kind: "ClusterSecretStore" | "SecretStore" }
  readonly timeoutMs: number
}

export type SmokeTestDeps = {
  /** Not bound to `signal`: it cleans up too. */
  readonly client: CofferClient
  readonly kube: KubeClient
  readonly clock: Clock
  /** Ends the check; cleaning up goes on. */
  readonly signal: AbortSignal
  /** One line per step. */
  readonly report: (line: string) => void
}

export type SmokeTestResult = {
  readonly table: Table
  readonly value: string
  /** Empty when all is as expected. */
  readonly differences: readonly string[]
  /** What could not be taken back. */
  readonly leftovers: readonly string[]
}

/** Names of the objects, as the documentation of the check has them. */
export const EXTERNAL_SECRET_NAME = "cluster-test"
export const TARGET_NAME = "cluster-test-secret"
export const TARGET_KEY = "testValue"
const REFRESH_INTERVAL = "30s"

/**
 * @throws CommandError "conflict" when the key or the ExternalSecret exists already, "check-failed" when
 * the Secret does not come in time; everything made is taken back before
 */
export async function runSmokeTest(deps: SmokeTestDeps, options: SmokeTestOptions): Promise<SmokeTestResult> {
  const made = new UndoStack()
  let observed: Omit<SmokeTestResult, "leftovers">
  try {
    observed = await check(deps, options, made)
  } catch (error) {
    reportLeftovers(deps, await made.unwind())
    throw error
  }
  deps.report("cleaning up")
  const leftovers = await made.unwind()
  reportLeftovers(deps, leftovers)
  return { ...observed, leftovers }
}

async function check(
  deps: SmokeTestDeps,
  options: SmokeTestOptions,
  made: UndoStack,
): Promise<Omit<SmokeTestResult, "leftovers">> {
  // Creating is never cut short by Ctrl-C, so that we always know what was made.
  for (const step of [createKey, ensureNamespace, createExternalSecret, waitForSync]) {
    deps.signal.throwIfAborted()
    await step(deps, options, made)
  }
  const { kube, signal } = deps
  const { namespace, store, value: expected } = options
  const table = await readTable(kube, EXTERNAL_SECRETS, { namespace, name: EXTERNAL_SECRET_NAME }, signal)
  const secret = await kube.get(SECRETS, { namespace, name: TARGET_NAME }, { signal })
  const value = Buffer.from(secret.data?.[TARGET_KEY] ?? "", "base64").toString("utf8")
  const wanted = [EXTERNAL_SECRET_NAME, store.kind, store.name, REFRESH_INTERVAL, "SecretSynced", "True"]
  const differences = [...judgeTable(table, wanted)]
  if (value !== expected) differences.push(`the Secret holds another value than ${options.key} on the server`)
  return { table, value, differences }
}

async function createKey(deps: SmokeTestDeps, options: SmokeTestOptions, made: UndoStack): Promise<void> {
  const { client } = deps
  const { place, key, value } = options
  deps.report(`creating ${key} in ${place.environment}`)
  try {
    await client.secrets.create(place, key, { secretValue: value })
  } catch (error) {
    if (!isApiError(error, "conflict")) throw error
    const message = `${key} exists already in ${place.environment} and is left alone; choose another name with --key`
    throw new CommandError("conflict", message, { cause: error })
  }
  made.push(`secret ${key} in ${place.environment}`, async () => {
    await client.secrets.delete(place, key).catch(ignoreMissing)
  })
}

async function ensureNamespace(
  deps: SmokeTestDeps,
  options: SmokeTestOptions,
  made: UndoStack,
): Promise<void> {
  const { kube } = deps
  const name = options.namespace
  const namespace = { apiVersion: "v1", kind: "Namespace", metadata: { name } }
  try {
    const created = await kube.create(NAMESPACES, namespace)
    deps.report(`created namespace ${name}`)
    made.push(`namespace ${name}`, () => deleteObject(kube, NAMESPACES, { name }, created.metadata.uid))
  } catch (error) {
    if (!isAlreadyExists(error)) throw error
    deps.report(`using namespace ${name}, which exists`)
  }
}

async function createExternalSecret(
  deps: SmokeTestDeps,
  options: SmokeTestOptions,
  made: UndoStack,
): Promise<void> {
  const { kube, signal } = deps
  const { namespace } = options
  deps.report(`applying ExternalSecret ${namespace}/${EXTERNAL_SECRET_NAME}`)
  if ((await kube.findMetadata(SECRETS, { namespace, name: TARGET_NAME }, { signal })) !== undefined) {
    const message = `Secret ${namespace}/${TARGET_NAME} exists already and is left alone; choose another --namespace`
    throw new CommandError("conflict", message)
  }
  const created = await kube
    .create(EXTERNAL_SECRETS, externalSecret(options), { signal })
    .catch(explainCreate)
  const uid = created.metadata.uid
  made.push(`Secret ${namespace}/${TARGET_NAME}`, () => deleteOwned(kube, namespace, uid))
  made.push(`ExternalSecret ${namespace}/${EXTERNAL_SECRET_NAME}`, () =>
    deleteObject(kube, EXTERNAL_SECRETS, { namespace, name: EXTERNAL_SECRET_NAME }, uid),
  )
}

function explainCreate(error: unknown): never {
  if (isNotFound(error)) {
    throw new CommandError("not-found", "the cluster knows no ExternalSecret; install the CRDs first", {
      cause: error,
    })
  }
  throw error
}

function externalSecret(options: SmokeTestOptions): ConditionedObject {
  return {
    apiVersion: "external-secrets.io/v1",
    kind: "ExternalSecret",
    metadata: { name: EXTERNAL_SECRET_NAME, namespace: options.namespace },
    spec: {
      refreshInterval: REFRESH_INTERVAL,
      secretStoreRef: options.store,
      target: { name: TARGET_NAME },
      data: [{ secretKey: TARGET_KEY, remoteRef: { key: options.key } }],
    },
  }
}

async function waitForSync(deps: SmokeTestDeps, options: SmokeTestOptions): Promise<void> {
  const { kube, clock, signal } = deps
  const key = { namespace: options.namespace, name: EXTERNAL_SECRET_NAME }
  let lastSeen = "no condition: is an operator running in this cluster?"
  deps.report("waiting for the operator")
  await waitUntil(
    async () => {
      const condition = readyCondition(await kube.get(EXTERNAL_SECRETS, key, { signal }))
      if (condition?.status === "True") return condition
      if (condition !== undefined) lastSeen = `${condition.reason ?? ""}: ${condition.message ?? ""}`
      return undefined
    },
    {
      clock,
      signal,
      timeoutMs: options.timeoutMs,
      what: `ExternalSecret ${key.namespace}/${key.name} to be ready`,
      lastSeen: () => lastSeen,
    },
  )
}

/** Deletes the object that we made; another one of that name, made meanwhile, is left alone. */
async function deleteObject(
  kube: KubeClient,
  resource: Parameters<KubeClient["delete"]>[0],
  key: { readonly namespace?: string; readonly name: string },
  uid: string | undefined,
): Promise<void> {
  const options = { preconditions: { uid }, propagationPolicy: "Background" } as const
  await kube.delete(resource, key, options).catch(ignoreMissing)
}

/** The Secret that the operator made for our ExternalSecret; clusters without garbage collection keep it. */
async function deleteOwned(kube: KubeClient, namespace: string, ownerUid: string | undefined): Promise<void> {
  const key = { namespace, name: TARGET_NAME }
  const secret = await kube.findMetadata(SECRETS, key)
  const isOurs = secret?.metadata.ownerReferences?.some((owner) => owner.uid === ownerUid) === true
  if (isOurs) await deleteObject(kube, SECRETS, key, secret.metadata.uid)
}

function ignoreMissing(error: unknown): void {
  if (!isNotFound(error) && !isApiError(error, "not-found")) throw error
}

function reportLeftovers(deps: SmokeTestDeps, leftovers: readonly string[]): void {
  for (const leftover of leftovers) deps.report(`could not clean up: ${leftover}`)
}
