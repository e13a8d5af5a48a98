/**
 * ExternalSecret: fetches what it asks for and keeps the target Secret that way.
 *
 * informers -> `gather.ts` -> `decide.ts` (is anything to do?) -> `fetch.ts` (providers) -> `decide.ts` (what to
 * write?) with `target.ts` -> `apply.ts` (Secrets, finalizer) -> `status.ts`. `memory.ts` keeps what saves reads.
 */
import {
  type Change,
  type Controller,
  createController,
  fromInformer,
  type Informer,
  keyOf,
  type PartialObject,
  type ReconcileRequest,
  type Source,
} from "@coffer/kube-runtime"
import { findCondition } from "../../api/conditions.ts"
import { EXTERNAL_SECRET_FINALIZER, syncedResourceVersionOf } from "../../api/names.ts"
import type { ExternalSecret, SecretStore, StoreKind } from "../../api/resources.ts"
import { providerOf, storeIndexKey } from "../../stores/rules.ts"
import type { ExternalSecretDeps } from "./deps.ts"
import { createReconcile } from "./reconcile.ts"
import { storeIndexKeysOf, targetNameOf } from "./spec.ts"

/** Indexes that the informers of ExternalSecrets and managed Secrets must have. */
export const externalSecretIndexers = {
  store: storeIndexKeysOf,
  target: (externalSecret: ExternalSecret) => [
    `${externalSecret.metadata.namespace}/${targetNameOf(externalSecret)}`,
  ],
}
export const managedSecretIndexers = {
  "created-by": (secret: PartialObject) => {
    const hash = secret.metadata.labels?.["reconcile.external-secrets.io/created-by"]
    return hash ? [`${secret.metadata.namespace}/${hash}`] : []
  },
}

/** A user who just created something waits for it; a refresh can wait. */
const NEVER_SYNCED_PRIORITY = 10

export function createExternalSecretController(deps: ExternalSecretDeps): Controller {
  return createController({
    name: "externalsecret",
    reconcile: createReconcile(deps),
    sources: [
      fromInformer(deps.externalSecrets, {
        when: isWorthALook,
        priority: ({ object }) => priorityOf(object),
      }),
      fromInformer(deps.managedSecrets, {
        when: (change) => !isInitial(change),
        toRequests: targetOwners(deps),
      }),
      ...deps.storeInformers.flatMap((store) => wokenByStore(deps, store)),
    ],
    concurrency: deps.concurrency,
    clock: deps.clock,
    logger: deps.logger,
    metrics: deps.metrics,
  })
}

function priorityOf(externalSecret: ExternalSecret): number {
  const isSynced =
    Boolean(externalSecret.status?.syncedResourceVersion) && !externalSecret.metadata.deletionTimestamp
  return isSynced ? 0 : NEVER_SYNCED_PRIORITY
}

// Status writes (mostly our own) need no second look, nor does the finalizer that we added. One that was taken away does.
function isWorthALook(change: Change<ExternalSecret>): boolean {
  if (change.kind !== "update") return true
  const { metadata } = change.object
  const before = change.previous.metadata
  return (
    syncedResourceVersionOf(metadata) !== syncedResourceVersionOf(before) ||
    metadata.deletionTimestamp !== before.deletionTimestamp ||
    (hasFinalizer(before) && !hasFinalizer(metadata))
  )
}

function hasFinalizer({ finalizers }: ExternalSecret["metadata"]): boolean {
  return finalizers?.includes(EXTERNAL_SECRET_FINALIZER) ?? false
}

// Secrets that were there at the start are looked at through their ExternalSecrets anyway.
function isInitial(change: Change<PartialObject>): boolean {
  return change.kind === "add" && change.initial
}

function targetOwners(deps: ExternalSecretDeps): (secret: PartialObject) => Iterable<ReconcileRequest> {
  return (secret) =>
    deps.externalSecrets.byIndex("target", `${secret.metadata.namespace}/${secret.metadata.name}`).map(keyOf)
}

/**
 * Wakes the ExternalSecrets that are not synced when something about their store changes, and all of them when it may
 * have become ours: those of another operator's store were left alone for good.
 */
function wokenByStore(
  deps: ExternalSecretDeps,
  { kind, informer }: { readonly kind: StoreKind; readonly informer: Informer<SecretStore> },
): readonly Source[] {
  const all = (store: SecretStore) =>
    deps.externalSecrets.byIndex(
      "store",
      storeIndexKey(kind, store.metadata.namespace ?? "", store.metadata.name ?? ""),
    )
  const isWaiting = (one: ExternalSecret) => findCondition(one.status?.conditions, "Ready")?.status !== "True"
  return [
    fromInformer(informer, {
      when: (change) =>
        change.kind === "add" || (change.kind === "update" && isNews(change.object, change.previous)),
      toRequests: (store) => all(store).filter(isWaiting).map(keyOf),
      priority: NEVER_SYNCED_PRIORITY,
    }),
    fromInformer(informer, {
      when: (change) =>
        change.kind === "add"
          ? !change.initial
          : change.kind === "update" && ownershipOf(change.object) !== ownershipOf(change.previous),
      toRequests: (store) => all(store).map(keyOf),
    }),
  ]
}

// What says whose store it is.
function ownershipOf(store: SecretStore): string {
  return JSON.stringify([store.spec?.controller ?? "", providerOf(store).name])
}

function isNews(store: SecretStore, previous: SecretStore): boolean {
  const status = (one: SecretStore) => findCondition(one.status?.conditions, "Ready")?.status
  return status(store) !== status(previous) || store.metadata.generation !== previous.metadata.generation
}
