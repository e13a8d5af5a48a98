/** Finds the store that an ExternalSecret refers to and opens it, or says why not. */
import type { Informer, KubeClient, PartialObject } from "@coffer/kube-runtime"
import type { StoreRef } from "../api/external-secret.ts"
import { CLUSTER_SECRET_STORES, SECRET_STORES, type SecretStore } from "../api/resources.ts"
import type { Provider, ReadContext, StoreClient } from "../providers/provider.ts"
import { isNamespaceAllowed, isOurClass, providerOf, readinessOf } from "./rules.ts"

class StoreAccessError extends Error {}

export type StoreAccessDeps = {
  readonly stores: Pick<Informer<SecretStore>, "get"> | undefined
  readonly clusterStores: Pick<Informer<SecretStore>, "get"> | undefined
  readonly namespaces: Pick<Informer<PartialObject>, "get"> | undefined
  readonly providers: ReadonlyMap<string, Provider>
  readonly controllerClass: string
  readonly floodGate: boolean
}

/** The store as this process knows it, or `undefined` when there is none. */
export function findStore(deps: StoreAccessDeps, ref: StoreRef, namespace: string): SecretStore | undefined {
  const name = ref.name ?? ""
  return ref.kind === "ClusterSecretStore"
    ? deps.clusterStores?.get({ name })
    : deps.stores?.get({ namespace, name })
}

/** Does this operator handle the kind of store that is referred to? */
export function isServedKind(deps: StoreAccessDeps, ref: StoreRef): boolean {
  return (ref.kind === "ClusterSecretStore" ? deps.clusterStores : deps.stores) !== undefined
}

/** Asks the API server, past all caches, whether the store exists. */
export async function existsStore(
  client: Pick<KubeClient, "findMetadata">,
  ref: StoreRef,
  { namespace, signal }: { readonly namespace: string; readonly signal: AbortSignal },
): Promise<boolean> {
  const name = ref.name ?? ""
  const found =
    ref.kind === "ClusterSecretStore"
      ? await client.findMetadata(CLUSTER_SECRET_STORES, { name }, { signal })
      : await client.findMetadata(SECRET_STORES, { namespace, name }, { signal })
  return found !== undefined
}

/** Opens the store for a namespace. Throws {@link StoreAccessError} by the rules, or what the provider throws. */
export async function openStore(
  deps: StoreAccessDeps,
  ref: StoreRef,
  namespace: string,
  context: ReadContext,
): Promise<StoreClient> {
  const kind = ref.kind ?? "SecretStore"
  const name = ref.name ?? ""
  const store = findStore(deps, ref, namespace)
  if (!store)
    throw new StoreAccessError(
      `could not get ${kind} "${name}", ${kind}.external-secrets.io "${name}" not found`,
    )
  if (!isOurClass(store, deps.controllerClass))
    throw new StoreAccessError("can not reference unmanaged store")
  if (kind === "ClusterSecretStore" && !isAllowed(deps, store, namespace)) {
    throw new StoreAccessError(
      `using cluster store "${name}" is not allowed from namespace "${namespace}": denied by spec.condition`,
    )
  }
  if (deps.floodGate && readinessOf(store) !== "ready")
    throw new StoreAccessError(`${kind} "${name}" is not ready`)
  const { name: providerName, settings } = providerOf(store)
  const provider = deps.providers.get(providerName)
  if (!provider) throw new StoreAccessError(`Coffer has no provider ${JSON.stringify(providerName)}`)
  return provider.open({ kind, name, namespace, settings }, context)
}

function isAllowed(deps: StoreAccessDeps, store: SecretStore, namespace: string): boolean {
  const known = deps.namespaces?.get({ name: namespace })
  const labels = known && { "kubernetes.io/metadata.name": namespace, ...known.metadata.labels }
  return isNamespaceAllowed(store.spec?.conditions, { name: namespace, labels })
}
