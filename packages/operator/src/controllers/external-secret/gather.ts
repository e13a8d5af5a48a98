/** Reads what the decisions need: the object, its stores, and whether the target still is what was written. */
import { type KubeClient, type PartialObject, SECRETS, type SecretObject } from "@coffer/kube-runtime"
import { DATA_HASH_ANNOTATION, MANAGED_LABEL } from "../../api/names.ts"
import type { ExternalSecret, SecretStore } from "../../api/resources.ts"
import { findStore } from "../../stores/access.ts"
import { intervalOf, type World } from "./decide.ts"
import type { ExternalSecretDeps } from "./deps.ts"
import { refreshReason } from "./refresh.ts"
import { creationPolicyOf, storeRefsOf, targetNameOf } from "./spec.ts"

type Secrets = {
  readonly client: KubeClient
  readonly managedSecrets: ExternalSecretDeps["managedSecrets"]
  readonly memory: ExternalSecretDeps["memory"]
}

export function storesOf(deps: ExternalSecretDeps, externalSecret: ExternalSecret): readonly SecretStore[] {
  const namespace = externalSecret.metadata.namespace ?? ""
  return storeRefsOf(externalSecret)
    .map((ref) => findStore(deps.stores, ref, namespace))
    .filter((store): store is SecretStore => store !== undefined)
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
    stores: storesOf(deps, externalSecret),
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
