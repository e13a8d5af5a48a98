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
import { openStore } from "../../stores/access.ts"
import { applyData, deleteOrphans, ensureFinalizer, finalize } from "./apply.ts"
import { decideVisit, intervalOf, isForeign } from "./decide.ts"
import type { ExternalSecretDeps } from "./deps.ts"
import { FetchError, type Fetched, fetchData } from "./fetch.ts"
import { gather, storesOf } from "./gather.ts"
import {
  type EsEvent,
  type Failure,
  failedEvent,
  failure,
  missingSecretEvent,
  type Success,
} from "./outcome.ts"
import { type Moment, nextBeatMs, nextLookMs } from "./refresh.ts"
import { statusAfter, writeStatus } from "./status.ts"

export function createReconcile(deps: ExternalSecretDeps): Reconcile {
  const shippedProviders = new Set(deps.stores.providers.keys())
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
      if (isForeign(storesOf(deps, newest), deps.stores.controllerClass, shippedProviders)) return done
      if (!deps.stores.clusterStores && newest.spec?.secretStoreRef?.kind === "ClusterSecretStore")
        return done
      const externalSecret = await ensureFinalizer(deps, newest, signal)
      return await visit(deps, externalSecret, cached, signal)
    } catch (error) {
      if (isConflict(error)) return { requeueWithBackoff: true } // somebody else wrote: look again
      if (isNotFound(error)) return done // deleted meanwhile
      throw error
    }
  }
}

async function visit(
  deps: ExternalSecretDeps,
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
  const outcome = plan.kind === "fail" ? plan.failure : await sync(deps, externalSecret, context, record)
  if (outcome.kind === "failure") {
    record(failedEvent(outcome))
    deps.memory.failed(keyOf(externalSecret))
  }
  const status = statusAfter(externalSecret, outcome, { startMs: world.nowMs, nowMs: deps.clock.nowMs() })
  const written = await writeStatus(deps, externalSecret, status, cached, signal)
  const intervalMs = intervalOf(written)
  if (outcome.kind === "success" && typeof intervalMs === "number" && intervalMs > 0)
    deps.memory.refreshed(written, nextBeatMs(written, intervalMs, world.nowMs))
  return comeBack(written, outcome, { nowMs: deps.clock.nowMs(), dueMs: deps.memory.dueMs(written) })
}

type Record = (event: EsEvent) => void

async function sync(
  deps: ExternalSecretDeps,
  externalSecret: ExternalSecret,
  context: { readonly signal: AbortSignal; readonly notOlderThanMs: number },
  record: Record,
): Promise<Success | Failure> {
  let fetched: Fetched
  try {
    const namespace = externalSecret.metadata.namespace ?? ""
    fetched = await fetchData(
      externalSecret,
      (ref, at) => openStore(deps.stores, ref, namespace, at),
      context,
    )
  } catch (error) {
    if (!(error instanceof FetchError)) throw error
    return failure("fetch", error.message, error.retryAfterMs)
  }
  for (const place of fetched.missing) record(missingSecretEvent(place))
  return write(deps, externalSecret, fetched, context.signal, record)
}

async function write(
  deps: ExternalSecretDeps,
  externalSecret: ExternalSecret,
  fetched: Fetched,
  signal: AbortSignal,
  record: Record,
): Promise<Success | Failure> {
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
