/**
 * The decisions of a reconcile, as pure functions: `decideVisit` before anything is fetched (is there anything to
 * do?), `decideWrite` afterwards (what must be written?).
 */
import { isDeepStrictEqual } from "node:util"
import type { PartialObject, SecretObject } from "@coffer/kube-runtime"
import type { StoreRef } from "../../api/external-secret.ts"
import { EXTERNAL_SECRET_FINALIZER } from "../../api/names.ts"
import type { ExternalSecret, SecretStore } from "../../api/resources.ts"
import type { SecretData } from "../../data/keys.ts"
import { DurationError } from "../../go/duration.ts"
import { isOurClass, providerOf, readinessOf } from "../../stores/rules.ts"
import {
  DELETED,
  type Failure,
  failure,
  MISSING,
  RETAINED,
  type Success,
  SYNCED,
  unsupported,
} from "./outcome.ts"
import { dataNotOlderThanMs, nextLookMs, refreshIntervalMs, refreshReason } from "./refresh.ts"
import { creationPolicyOf, deletionPolicyOf, targetNameOf, unsupportedPart } from "./spec.ts"
import { composeSecret, controllerOf, isControlledBy, isExternalSecretReference } from "./target.ts"

/** What is known before the provider is asked. */
export type World = {
  readonly externalSecret: ExternalSecret
  /** The stores referred to that exist. */
  readonly stores: readonly SecretStore[]
  /** Whether the target is as it was written; only looked up when no refresh is due. */
  readonly isTargetIntact: boolean | undefined
  readonly nowMs: number
  /** When this process first saw the object in its present state. */
  readonly seenMs: number | undefined
  /** When the next refresh falls due, if this process made the last one. */
  readonly dueMs: number | undefined
  readonly floodGate: boolean
}

export type Visit =
  | { readonly kind: "skip"; readonly nextLookMs: number | undefined }
  | { readonly kind: "wait-for-store"; readonly nextLookMs: number }
  | { readonly kind: "fail"; readonly failure: Failure }
  | { readonly kind: "fetch"; readonly notOlderThanMs: number }

/** What the references of an ExternalSecret lead to. */
export type StoreRefs = {
  readonly stores: readonly SecretStore[]
  /** References to stores that this process has not heard of: they may be anybody's. */
  readonly missing: readonly StoreRef[]
  /** A reference to a kind of store that this operator was told not to handle, or to a generator: it has none. */
  readonly hasUnservedKind: boolean
}

/** What makes a store ours. */
export type Service = { readonly controllerClass: string; readonly shippedProviders: ReadonlySet<string> }

/**
 * Belongs to somebody else: another operator's class, a provider that we don't ship, a kind of store that this operator
 * does not handle, or a generator. Left untouched.
 */
export function isForeign({ stores, hasUnservedKind }: StoreRefs, service: Service): boolean {
  const isOurs = (store: SecretStore) =>
    isOurClass(store, service.controllerClass) && service.shippedProviders.has(providerOf(store).name)
  return hasUnservedKind || !stores.every(isOurs)
}

/** How much longer a store that is missing since `sinceMs` is waited for; zero once it counts as absent. */
export function patienceLeftMs(sinceMs: number, nowMs: number): number {
  return Math.max(sinceMs + STORE_PATIENCE_MS - nowMs, 0)
}

export function needsFinalizer(externalSecret: ExternalSecret): boolean {
  return !externalSecret.metadata.finalizers?.includes(EXTERNAL_SECRET_FINALIZER)
}

/** The refresh interval, or why it can't be read. */
export function intervalOf(externalSecret: ExternalSecret): number | Failure {
  try {
    return refreshIntervalMs(externalSecret)
  } catch (error) {
    if (!(error instanceof DurationError)) throw error
    return failure("interval", `invalid spec.refreshInterval: ${error.message}`)
  }
}

export function decideVisit(world: World): Visit {
  const { externalSecret, nowMs } = world
  const intervalMs = intervalOf(externalSecret)
  if (typeof intervalMs !== "number") return { kind: "fail", failure: intervalMs }
  const reason = refreshReason(externalSecret, intervalMs, world)
  if (!reason && world.isTargetIntact) {
    return { kind: "skip", nextLookMs: nextLookMs(externalSecret, intervalMs, world) }
  }
  const part = unsupportedPart(externalSecret)
  if (part) return { kind: "fail", failure: unsupported(part.condition, part.detail) }
  const isWaiting = world.stores.some((store) => readinessOf(store) === "not-validated")
  const patienceMs = (world.seenMs ?? nowMs) + STORE_PATIENCE_MS - nowMs
  if (world.floodGate && isWaiting && patienceMs > 0)
    return { kind: "wait-for-store", nextLookMs: patienceMs }
  const notOlderThanMs = dataNotOlderThanMs(externalSecret, reason, {
    nowMs,
    intervalMs,
    seenMs: world.seenMs,
    dueMs: world.dueMs,
  })
  return { kind: "fetch", notOlderThanMs }
}

/**
 * A store that just came is validated soon, and wakes whoever waits; one that stays silent for longer is an error. So is
 * one that does not come: until then it may be on its way, in the same manifest, and turn out to be another operator's.
 */
const STORE_PATIENCE_MS = 10_000

export type Plan =
  | { readonly kind: "nothing"; readonly outcome: Success }
  | { readonly kind: "create" | "update"; readonly secret: SecretObject; readonly outcome: Success }
  | { readonly kind: "delete"; readonly secret: SecretObject; readonly outcome: Success }
  | { readonly kind: "fail"; readonly failure: Failure }

/** What to write, given the target as it is now and what the provider returned. */
export function decideWrite(
  externalSecret: ExternalSecret,
  existing: SecretObject | undefined,
  fetched: SecretData,
): Plan {
  const policy = creationPolicyOf(externalSecret)
  const deletion = deletionPolicyOf(externalSecret)
  if (fetched.size === 0 && deletion === "Delete") return decideDelete(externalSecret, existing)
  if (fetched.size === 0 && deletion === "Retain") return { kind: "nothing", outcome: RETAINED }
  if (policy === "None") return { kind: "nothing", outcome: SYNCED }
  if (policy === "Merge" && !existing) return { kind: "nothing", outcome: MISSING }
  const refused = existing && refuseOwner(externalSecret, existing)
  if (refused) return { kind: "fail", failure: refused }
  const secret = composeSecret(existing, externalSecret, fetched)
  const outcome: Success = { ...SYNCED, binding: targetNameOf(externalSecret) }
  if (!existing) return { kind: "create", secret, outcome }
  if (isSame(existing, secret)) return { kind: "nothing", outcome }
  if (existing.immutable && !isDeepStrictEqual(existing.data ?? {}, secret.data ?? {})) {
    const name = targetNameOf(externalSecret)
    return {
      kind: "fail",
      failure: failure("immutable", `unable to update secret ${name}: target is immutable`),
    }
  }
  return { kind: "update", secret, outcome }
}

// Only a Secret that this ExternalSecret controls is ever deleted.
function decideDelete(externalSecret: ExternalSecret, existing: SecretObject | undefined): Plan {
  const policy = creationPolicyOf(externalSecret)
  const name = targetNameOf(externalSecret)
  if (policy !== "Owner") {
    return {
      kind: "fail",
      failure: failure("delete", `unable to delete secret ${name}: creationPolicy=${policy} is not Owner`),
    }
  }
  if (!existing) return { kind: "nothing", outcome: DELETED }
  if (!isControlledBy(existing, externalSecret)) {
    return {
      kind: "fail",
      failure: failure("delete", `unable to delete secret ${name}: it is not owned by this ExternalSecret`),
    }
  }
  return { kind: "delete", secret: existing, outcome: DELETED }
}

function refuseOwner(externalSecret: ExternalSecret, existing: SecretObject): Failure | undefined {
  const controller = controllerOf(existing)
  if (!controller) return undefined
  if (isExternalSecretReference(controller)) {
    if (controller.name === externalSecret.metadata.name) return undefined
    return failure("owned", `secret is owned by another ExternalSecret: ${controller.name}`)
  }
  if (creationPolicyOf(externalSecret) !== "Owner") return undefined
  const owner = `${controller.kind} ${controller.name}`
  return failure("ownership", `cannot set controller reference: secret is already controlled by ${owner}`)
}

function isSame(existing: SecretObject, wanted: SecretObject): boolean {
  return isDeepStrictEqual(comparable(existing), comparable(wanted))
}

function comparable(secret: SecretObject): unknown {
  const { labels = {}, annotations = {}, ownerReferences = [], finalizers = [] } = secret.metadata
  const owners = ownerReferences.map((owner) => ({ ...owner }))
  return {
    labels,
    annotations,
    owners,
    finalizers,
    data: secret.data ?? {},
    immutable: secret.immutable ?? false,
  }
}

/** May the target of a deleted ExternalSecret be deleted with it? Only if it is controlled by that very object. */
export function deletesWith(externalSecret: ExternalSecret, target: PartialObject | undefined): boolean {
  if (!target || deletionPolicyOf(externalSecret) !== "Delete") return false
  return controllerOf(target)?.uid === externalSecret.metadata.uid
}
