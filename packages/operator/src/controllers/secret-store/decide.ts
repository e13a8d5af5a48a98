/** What to do with a store, and what a validation means for its condition and its events. Pure. */

import type { Condition } from "../../api/meta.ts"
import { IGNORE_MAINTENANCE_ANNOTATION, syncedResourceVersionOf } from "../../api/names.ts"
import type { SecretStore } from "../../api/resources.ts"
import type { Validation } from "../../providers/provider.ts"
import { isOurClass, providerOf, readinessOf, validationIntervalMs } from "../../stores/rules.ts"

/** What this process remembers of a store: the state that it looked at, and when. */
export type LastLook = { readonly version: string; readonly atMs: number }

export type StoreWorld = {
  readonly store: SecretStore
  readonly lastLook: LastLook | undefined
  readonly nowMs: number
  readonly controllerClass: string
  readonly shippedProviders: ReadonlySet<string>
  readonly defaultIntervalMs: number
}

export type StorePlan =
  | { readonly kind: "ignore" }
  | { readonly kind: "wait"; readonly afterMs: number }
  | { readonly kind: "validate"; readonly intervalMs: number; readonly notOlderThanMs: number }

/** Throws RefreshIntervalError when the store's interval can't be read. */
export function decideStore(world: StoreWorld): StorePlan {
  const { store, lastLook, nowMs } = world
  if (store.metadata.deletionTimestamp || !isOurClass(store, world.controllerClass)) return { kind: "ignore" }
  if (!world.shippedProviders.has(providerOf(store).name)) return { kind: "ignore" }
  const intervalMs = validationIntervalMs(store.spec?.refreshInterval, world.defaultIntervalMs)
  const isReady = readinessOf(store) === "ready"
  const isUnchanged = lastLook?.version === versionOf(store)
  if (isReady && !lastLook) return { kind: "wait", afterMs: intervalMs }
  if (isReady && isUnchanged && nowMs < lastLook.atMs + intervalMs) {
    return { kind: "wait", afterMs: lastLook.atMs + intervalMs - nowMs }
  }
  // A look that is only repeated may share what ExternalSecrets read meanwhile.
  const windowMs = isReady && isUnchanged ? intervalMs / 2 : 0
  return { kind: "validate", intervalMs, notOlderThanMs: nowMs - windowMs }
}

/** The state of a store that a look refers to. */
export function versionOf(store: SecretStore): string {
  return syncedResourceVersionOf(store.metadata)
}

export type StoreEvent = {
  readonly type: "Normal" | "Warning"
  readonly reason: string
  readonly message: string
}

export type StoreOutcome = {
  readonly condition: Omit<Condition, "lastTransitionTime">
  readonly capabilities: string | undefined
  readonly event: StoreEvent
  readonly isFailure: boolean
}

export type StoreResult =
  | { readonly kind: "not-opened"; readonly error: Error }
  | { readonly kind: "opened"; readonly validation: Validation; readonly capabilities: string }

/** The condition and the event that a look leads to. */
export function outcomeOf(result: StoreResult): StoreOutcome {
  if (result.kind === "not-opened") return failure("unable to create client", result.error)
  const { validation } = result
  if (validation.kind === "failed") return failure("unable to validate store", validation.error)
  if (validation.kind === "unknown" && validation.error) {
    return {
      condition: readyCondition("True", "ValidationUnknown", "could not determine validation status"),
      capabilities: undefined,
      event: { type: "Warning", reason: "ValidationUnknown", message: validation.error.message },
      isFailure: false,
    }
  }
  return {
    condition: readyCondition("True", "Valid", "store validated"),
    capabilities: result.capabilities,
    event: { type: "Normal", reason: "Valid", message: "store validated" },
    isFailure: false,
  }
}

function failure(message: string, error: Error): StoreOutcome {
  return {
    condition: readyCondition("False", "InvalidProviderConfig", message),
    capabilities: undefined,
    event: { type: "Warning", reason: "InvalidProviderConfig", message: error.message },
    isFailure: true,
  }
}

function readyCondition(status: "True" | "False", reason: string, message: string) {
  return { type: "Ready", status, reason, message } as const
}

/** The warning that stores of an unmaintained provider get, unless they opted out. */
export function maintenanceWarning(store: SecretStore, isUnmaintained: boolean): StoreEvent | undefined {
  if (!isUnmaintained || store.metadata.annotations?.[IGNORE_MAINTENANCE_ANNOTATION] !== undefined)
    return undefined
  return {
    type: "Warning",
    reason: "StoreUnmaintained",
    message: "store isn't currently maintained. Please plan and prepare accordingly.",
  }
}
