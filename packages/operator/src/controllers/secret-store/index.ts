/**
 * SecretStore and ClusterSecretStore: validates each store now and then and keeps its Ready condition. Stores of
 * another class, and of providers that Coffer doesn't ship, are left untouched.
 *
 * informer -> `reconcile.ts` (gather) -> `decide.ts` (pure) -> provider -> `status.ts`
 */
import { type Controller, createController, fromInformer } from "@coffer/kube-runtime"
import type { SecretStore } from "../../api/resources.ts"
import type { StoreControllerDeps } from "./deps.ts"
import { createStoreReconcile } from "./reconcile.ts"

export function createStoreController(deps: StoreControllerDeps): Controller {
  return createController({
    name: deps.kind.toLowerCase(),
    reconcile: createStoreReconcile(deps),
    sources: [fromInformer(deps.stores, { when: isWorthALook })],
    concurrency: deps.concurrency,
    clock: deps.clock,
    logger: deps.logger,
    metrics: deps.metrics,
  })
}

// Our own status writes need no second look; a status that somebody else took away does.
function isWorthALook(change: { kind: string; object: SecretStore; previous?: SecretStore }): boolean {
  if (change.kind !== "update") return true
  const { object, previous } = change
  const lostCondition = !object.status?.conditions?.length && previous?.status?.conditions?.length
  return Boolean(lostCondition) || inputsOf(object) !== inputsOf(previous)
}

function inputsOf(store: SecretStore | undefined): string {
  return JSON.stringify([store?.metadata.generation, store?.metadata.labels, store?.metadata.annotations])
}
