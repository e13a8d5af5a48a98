/** Which stores are ours, which namespaces may use them and when they may be used. Pure. */
import { findCondition } from "../api/conditions.ts"
import type { SecretStore, StoreCondition, StoreKind } from "../api/resources.ts"
import { parseDuration } from "../go/duration.ts"
import { compileRegexp } from "../go/regexp.ts"
import { matchesLabels } from "../kube/label-selector.ts"

/** Does this operator's class handle the store? An empty class is everybody's. */
export function isOurClass(store: SecretStore, controllerClass: string): boolean {
  return !store.spec?.controller || store.spec.controller === controllerClass
}

/** The name of the provider that a store uses, and its settings. */
export function providerOf(store: SecretStore): { readonly name: string; readonly settings: unknown } {
  const [name = "", settings] = Object.entries(store.spec?.provider ?? {})[0] ?? []
  return { name, settings }
}

export type Readiness = "ready" | "failed" | "not-validated"

/** What the Ready condition says; a store that was never looked at has none. */
export function readinessOf(store: SecretStore): Readiness {
  const ready = findCondition(store.status?.conditions, "Ready")
  if (!ready) return "not-validated"
  return ready.status === "True" ? "ready" : "failed"
}

/** `labels` is absent while this process has not seen the namespace: no selector matches it then, not even a negative one. */
export type NamespaceView = {
  readonly name: string
  readonly labels: Readonly<Record<string, string>> | undefined
}

/** May ExternalSecrets of this namespace use a cluster-wide store? No conditions: yes; otherwise one match is enough. */
export function isNamespaceAllowed(
  conditions: readonly StoreCondition[] | undefined,
  namespace: NamespaceView,
): boolean {
  if (!conditions || conditions.length === 0) return true
  return conditions.some((condition) => allows(condition, namespace))
}

function allows(condition: StoreCondition, namespace: NamespaceView): boolean {
  const { labels } = namespace
  if (condition.namespaceSelector && labels && matchesLabels(condition.namespaceSelector, labels)) return true
  if (condition.namespaces?.includes(namespace.name)) return true
  return (condition.namespaceRegexes ?? []).some((pattern) => compileRegexp(pattern).test(namespace.name))
}

export class RefreshIntervalError extends Error {}

/** How often a store is validated. Throws {@link RefreshIntervalError} for what is neither seconds nor a duration. */
export function validationIntervalMs(
  refreshInterval: number | string | undefined,
  defaultMs: number,
): number {
  const ms =
    typeof refreshInterval === "string" ? durationMs(refreshInterval) : (refreshInterval ?? 0) * 1_000
  if (ms < 0) throw new RefreshIntervalError("invalid refreshInterval: it is negative")
  return ms === 0 ? defaultMs : ms
}

function durationMs(text: string): number {
  try {
    return parseDuration(text)
  } catch (cause) {
    throw new RefreshIntervalError(
      `invalid refreshInterval: ${cause instanceof Error ? cause.message : text}`,
      { cause },
    )
  }
}

/** The text under which ExternalSecrets are indexed by the stores that they refer to. */
export function storeIndexKey(kind: StoreKind, namespace: string, name: string): string {
  return kind === "ClusterSecretStore" ? `${kind}/${name}` : `${kind}/${namespace}/${name}`
}
