/** Reads what the decisions need: the object, its stores, and whether the target still is what was written. */
import { type KubeClient, type PartialObject, SECRETS, type SecretObject } from "@coffer/kube-runtime"
import { DATA_HASH_ANNOTATION, MANAGED_LABEL } from "../../api/names.ts"
import type { ExternalSecret, SecretStore } from "../../api/resources.ts"
import { existsStore, findStore, isServedKind } from "../../stores/access.ts"
import { intervalOf, type StoreRefs, type World } from "./decide.ts"
import type { ExternalSecretDeps } from "./deps.ts"
import { refreshReason } from "./refresh.ts"
import { creationPolicyOf, storeRefsOf, targetNameOf, usesGenerator } from "./spec.ts"

type Secrets = {
  readonly client: KubeClient
  readonly managedSecrets: ExternalSecretDeps["managedSecrets"]
  readonly memory: ExternalSecretDeps["memory"]
}

/** The stores that an ExternalSecret refers to, as this process knows them. */
export function storeRefs(deps: ExternalSecretDeps, externalSecret: ExternalSecret): StoreRefs {
  const namespace = externalSecret.metadata.namespace ?? ""
  const refs = storeRefsOf(externalSecret)
  const served = refs.filter((ref) => isServedKind(deps.stores, ref))
  const stores = served.map((ref) => findStore(deps.stores, ref, namespace))
  return {
    stores: stores.filter((store): store is SecretStore => store !== undefined),
    missing: served.filter((_, index) => stores[index] === undefined),
    hasUnservedKind: served.length < refs.length || usesGenerator(externalSecret),
  }
}

/** Asks the API server itself: does any of these stores exist, although this process has not heard of it? */
export async function existsAny(
  deps: ExternalSecretDeps,
  missing: StoreRefs["missing"],
  { externalSecret, signal }: { readonly externalSecret: ExternalSecret; readonly signal: AbortSignal },
): Promise<boolean> {
  const namespace = externalSecret.metadata.namespace ?? ""
  const answers = await Promise.all(
    missing.map((ref) => existsStore(deps.client, ref, { namespace, signal })),
  )
  return answers.includes(true)
}

export async function gather(
  deps: ExternalSecretDeps,
  externalSecret: ExternalSecret,
  signal: AbortSignal,
): Promise<World> {
  const nowMs = deps.clock.nowMs()
  const { namespace, name = "" } = externalSecret.metadata
  const intervalMs = intervalOf(externalSecret)
  const dueMs = deps.memory.dueMs(externalSecret)
  const isDue =
    typeof intervalMs !== "number" ||
    refreshReason(externalSecret, intervalMs, { nowMs, dueMs }) !== undefined
  return {
    externalSecret,
    stores: storeRefs(deps, externalSecret).stores,
    isTargetIntact: isDue ? undefined : await isTargetIntact(deps, externalSecret, signal),
    nowMs,
    seenMs: deps.memory.seenMs({ namespace, name }),
    dueMs,
    floodGate: deps.stores.floodGate,
  }
}

// Reads the Secret itself only when its version isn't one that was read or written before.
async function isTargetIntact(
  deps: Secrets,
  externalSecret: ExternalSecret,
  signal: AbortSignal,
): Promise<boolean> {
  const policy = creationPolicyOf(externalSecret)
  if (policy === "Orphan" || policy === "None") return true
  const key = targetKeyOf(externalSecret)
  const metadata = deps.managedSecrets.get(key)
  if (!metadata)
    return policy === "Merge" && (await deps.client.findMetadata(SECRETS, key, { signal })) === undefined
  if (metadata.metadata.labels?.[MANAGED_LABEL] !== "true") return false
  const known = deps.memory.verifiedHash(key, metadata.metadata.resourceVersion)
  if (known !== undefined) return known === hashAnnotation(metadata)
  const secret = await readTarget(deps, externalSecret, signal)
  if (secret?.metadata.labels?.[MANAGED_LABEL] !== "true") return false
  return deps.memory.verify(secret) === hashAnnotation(secret)
}

/** The whole target as it is now, past all caches. */
export async function readTarget(
  deps: Pick<Secrets, "client">,
  externalSecret: ExternalSecret,
  signal: AbortSignal,
): Promise<SecretObject | undefined> {
  return deps.client.find(SECRETS, targetKeyOf(externalSecret), { signal })
}

export function targetKeyOf(externalSecret: ExternalSecret): { namespace: string; name: string } {
  return { namespace: externalSecret.metadata.namespace ?? "", name: targetNameOf(externalSecret) }
}

function hashAnnotation(object: PartialObject | SecretObject): string | undefined {
  return object.metadata.annotations?.[DATA_HASH_ANNOTATION]
}
