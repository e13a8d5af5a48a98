/** One look at a store: decide, open and validate, record, write, and say when to come back. */
import { done, isConflict, isNotFound, keyText, type Reconcile, referenceTo } from "@coffer/kube-runtime"
import type { SecretStore } from "../../api/resources.ts"
import { ProviderBusyError, type ReadContext } from "../../providers/provider.ts"
import { providerOf, RefreshIntervalError } from "../../stores/rules.ts"
import {
  decideStore,
  type LastLook,
  maintenanceWarning,
  outcomeOf,
  type StorePlan,
  type StoreResult,
  versionOf,
} from "./decide.ts"
import type { StoreControllerDeps } from "./deps.ts"
import { writeStoreStatus } from "./status.ts"

export function createStoreReconcile(deps: StoreControllerDeps): Reconcile {
  const lastLooks = new Map<string, LastLook>()
  const component = deps.kind === "SecretStore" ? "secret-store" : "cluster-secret-store"
  const events = deps.events.withComponent(component)
  const shippedProviders = new Set(deps.providers.keys())

  return async (request, signal) => {
    const key = keyText(request)
    const store = deps.stores.get(request)
    if (!store) {
      lastLooks.delete(key)
      return done
    }
    const nowMs = deps.clock.nowMs()
    const plan = planOf(store, lastLooks.get(key), nowMs)
    if (plan.kind === "ignore") return done
    if (plan.kind === "wait") {
      if (!lastLooks.has(key)) lastLooks.set(key, { version: versionOf(store), atMs: nowMs })
      return { requeueAfterMs: plan.afterMs }
    }
    const result = await look(store, request.namespace, { signal, notOlderThanMs: plan.notOlderThanMs })
    const outcome = outcomeOf(result)
    lastLooks.set(key, { version: versionOf(store), atMs: nowMs })
    const reference = referenceTo(deps.resource, store)
    const warning = maintenanceWarning(
      store,
      deps.providers.get(providerOf(store).name)?.isUnmaintained ?? false,
    )
    if (warning) events.record(reference, warning)
    events.record(reference, outcome.event)
    try {
      await writeStoreStatus(deps.client, deps.resource, store, outcome, { nowMs, signal })
    } catch (error) {
      if (!isConflict(error) && !isNotFound(error)) throw error
      return { requeueWithBackoff: true } // replaced or deleted meanwhile: look again
    }
    if (!outcome.isFailure) return { requeueAfterMs: plan.intervalMs }
    const pauseMs = pauseOf(result)
    return pauseMs === undefined ? { requeueWithBackoff: true } : { requeueAfterMs: pauseMs }
  }

  function planOf(store: SecretStore, lastLook: LastLook | undefined, nowMs: number): StorePlan {
    const { controllerClass, defaultIntervalMs } = deps
    try {
      return decideStore({ store, lastLook, nowMs, controllerClass, shippedProviders, defaultIntervalMs })
    } catch (error) {
      if (!(error instanceof RefreshIntervalError)) throw error
      events.record(referenceTo(deps.resource, store), {
        type: "Warning",
        reason: "InvalidProviderConfig",
        message: error.message,
      })
      return { kind: "ignore" } // the next edit of the store starts over
    }
  }

  async function look(store: SecretStore, namespace: string, context: ReadContext): Promise<StoreResult> {
    const { name: providerName, settings } = providerOf(store)
    const provider = deps.providers.get(providerName)
    if (!provider) return { kind: "not-opened", error: new Error(`Coffer has no provider "${providerName}"`) }
    try {
      const client = await provider.open(
        { kind: deps.kind, name: store.metadata.name ?? "", namespace, settings },
        context,
      )
      return {
        kind: "opened",
        validation: await client.validate(context),
        capabilities: provider.capabilities,
      }
    } catch (error) {
      context.signal.throwIfAborted()
      return { kind: "not-opened", error: error instanceof Error ? error : new Error("the client failed") }
    }
  }
}

// A server that asks for a pause gets it.
function pauseOf(result: StoreResult): number | undefined {
  const error =
    result.kind === "not-opened"
      ? result.error
      : "error" in result.validation
        ? result.validation.error
        : undefined
  return error instanceof ProviderBusyError ? error.retryAfterMs : undefined
}
