/** One look at an ExternalSecret: gather, decide, fetch, decide, apply, status. */
import {
  done,
  isConflict,
  isNotFound,
  KubeApiError,
  keyOf,
  keyText,
  type Reconcile,
  type ReconcileResult,
  referenceTo,
} from "@coffer/kube-runtime"
import { EXTERNAL_SECRETS, type ExternalSecret } from "../../api/resources.ts"
import type { ReadContext } from "../../providers/provider.ts"
import { openStore } from "../../stores/access.ts"
import { applyData, deleteOrphans, ensureFinalizer, finalize } from "./apply.ts"
import { decideVisit, intervalOf, isForeign, patienceLeftMs, type Service, type StoreRefs } from "./decide.ts"
import type { ExternalSecretDeps } from "./deps.ts"
import { FetchError, type Fetched, fetchData } from "./fetch.ts"
import { existsAny, gather, storeRefs } from "./gather.ts"
import {
  type EsEvent,
  type Failure,
  failedEvent,
  failure,
  missingSecretEvent,
  type Success,
} from "./outcome.ts"
import { type Moment, nextLookMs } from "./refresh.ts"
import { usesGenerator } from "./spec.ts"
import { statusAfter, writeStatus } from "./status.ts"

export function createReconcile(deps: ExternalSecretDeps): Reconcile {
  const service: Service = {
    controllerClass: deps.stores.controllerClass,
    shippedProviders: new Set(deps.stores.providers.keys()),
  }
  return async (request, signal) => {
    const cached = deps.externalSecrets.get(request)
    if (!cached) {
      deps.memory.forget(keyText(request))
      return done
    }
    const newest = deps.memory.newest(cached)
    try {
      if (newest.metadata.deletionTimestamp) {
        await finalize(deps, newest, signal)
        return done
      }
      const refs = storeRefs(deps, newest)
      if (isForeign(refs, service)) {
        if (usesGenerator(newest)) deps.logger.info(keyOf(newest), "left alone: it uses a generator")
        return done
      }
      const patienceMs = await waitForStores(deps, newest, refs, signal)
      if (patienceMs > 0) return { requeueAfterMs: patienceMs }
      const externalSecret = refs.missing.length > 0 ? newest : await ensureFinalizer(deps, newest, signal)
      return await visit({ ...deps, service }, externalSecret, cached, signal)
    } catch (error) {
      if (isConflict(error)) return { requeueWithBackoff: true } // somebody else wrote: look again
      if (isNotFound(error)) return done // deleted meanwhile
      throw error
    }
  }
}

/**
 * How long to wait for stores that are missing; zero when there are none, or when they do not exist. Nothing is written
 * on an object before that: it may be another operator's, and only its store tells.
 */
async function waitForStores(
  deps: ExternalSecretDeps,
  externalSecret: ExternalSecret,
  { missing }: StoreRefs,
  signal: AbortSignal,
): Promise<number> {
  const key = keyOf(externalSecret)
  if (missing.length === 0) {
    deps.memory.hasStores(key)
    return 0
  }
  const nowMs = deps.clock.nowMs()
  const leftMs = patienceLeftMs(deps.memory.missesStore(key), nowMs)
  if (leftMs > 0) return leftMs
  const isOnItsWay = await existsAny(deps, missing, { externalSecret, signal })
  return isOnItsWay ? patienceLeftMs(nowMs, nowMs) : 0 // its arrival wakes us earlier
}

async function visit(
  deps: ExternalSecretDeps & { readonly service: Service },
  externalSecret: ExternalSecret,
  cached: ExternalSecret,
  signal: AbortSignal,
): Promise<ReconcileResult> {
  const world = await gather(deps, externalSecret, signal)
  const plan = decideVisit(world)
  if (plan.kind === "wait-for-store") return { requeueAfterMs: plan.nextLookMs }
  if (plan.kind === "skip") return plan.nextLookMs === undefined ? done : { requeueAfterMs: plan.nextLookMs }
  const record = (event: EsEvent) => deps.events.record(referenceTo(EXTERNAL_SECRETS, externalSecret), event)
  const context = { signal, notOlderThanMs: plan.kind === "fetch" ? plan.notOlderThanMs : world.nowMs }
  const fetched = plan.kind === "fail" ? plan.failure : await fetch(deps, externalSecret, context)
  if (isForeign(storeRefs(deps, externalSecret), deps.service)) return done // a store came meanwhile
  const isFailure = "kind" in fetched
  const held = isFailure ? externalSecret : await ensureFinalizer(deps, externalSecret, signal)
  const outcome = isFailure ? fetched : await write(deps, held, fetched, { signal, record })
  if (outcome.kind === "failure") {
    record(failedEvent(outcome))
    deps.memory.failed(keyOf(externalSecret))
  }
  const status = statusAfter(held, outcome, { startMs: world.nowMs, nowMs: deps.clock.nowMs() })
  const written = await writeStatus(deps, held, status, cached, signal)
  const intervalMs = intervalOf(written)
  if (outcome.kind === "success" && typeof intervalMs === "number" && intervalMs > 0)
    deps.memory.refreshed(written, intervalMs, world.nowMs)
  return comeBack(written, outcome, { nowMs: deps.clock.nowMs(), dueMs: deps.memory.dueMs(written) })
}

type Record = (event: EsEvent) => void

async function fetch(
  deps: ExternalSecretDeps,
  externalSecret: ExternalSecret,
  context: ReadContext,
): Promise<Fetched | Failure> {
  try {
    const namespace = externalSecret.metadata.namespace ?? ""
    return await fetchData(externalSecret, (ref, at) => openStore(deps.stores, ref, namespace, at), context)
  } catch (error) {
    if (!(error instanceof FetchError)) throw error
    return failure("fetch", error.message, error.retryAfterMs)
  }
}

async function write(
  deps: ExternalSecretDeps,
  externalSecret: ExternalSecret,
  fetched: Fetched,
  { signal, record }: { readonly signal: AbortSignal; readonly record: Record },
): Promise<Success | Failure> {
  for (const place of fetched.missing) record(missingSecretEvent(place))
  try {
    const { plan, event } = await applyData(deps, externalSecret, fetched.data, signal)
    if (event) record(event)
    if (plan.kind === "fail") return plan.failure
    const orphans = await cleanUp(deps, externalSecret, signal, record)
    return orphans ?? plan.outcome
  } catch (error) {
    if (!(error instanceof KubeApiError) || error.isConflict) throw error
    return failure("update", `could not write secret: ${error.message}`)
  }
}

async function cleanUp(
  deps: ExternalSecretDeps,
  externalSecret: ExternalSecret,
  signal: AbortSignal,
  record: Record,
): Promise<Failure | undefined> {
  try {
    for (const event of await deleteOrphans(deps, externalSecret, signal)) record(event)
    return undefined
  } catch (error) {
    if (!(error instanceof KubeApiError)) throw error
    return failure("orphans", `could not delete orphaned secrets: ${error.message}`)
  }
}

function comeBack(
  externalSecret: ExternalSecret,
  outcome: Success | Failure,
  moment: Moment,
): ReconcileResult {
  if (outcome.kind === "failure" && outcome.retry === "backoff") {
    return outcome.retryAfterMs === undefined
      ? { requeueWithBackoff: true }
      : { requeueAfterMs: outcome.retryAfterMs }
  }
  const intervalMs = intervalOf(externalSecret)
  if (typeof intervalMs !== "number" || intervalMs <= 0) return done
  if (outcome.kind === "failure") return { requeueAfterMs: intervalMs }
  const afterMs = nextLookMs(externalSecret, intervalMs, moment)
  return afterMs === undefined ? done : { requeueAfterMs: afterMs }
}
