/** The status of an ExternalSecret after a reconcile, written only if it changed. */
import { isDeepStrictEqual } from "node:util"
import { timeText, withCondition } from "../../api/conditions.ts"
import type { ExternalSecretStatus } from "../../api/external-secret.ts"
import { OPERATOR_FIELD_MANAGER, syncedResourceVersionOf } from "../../api/names.ts"
import { EXTERNAL_SECRETS, type ExternalSecret } from "../../api/resources.ts"
import type { ExternalSecretDeps } from "./deps.ts"
import { conditionOf, type Failure, type Success } from "./outcome.ts"

/** Pure. A failure keeps what was known of the last success. */
export function statusAfter(
  externalSecret: ExternalSecret,
  outcome: Success | Failure,
  at: { readonly startMs: number; readonly nowMs: number },
): ExternalSecretStatus {
  const { status = {} } = externalSecret
  const conditions = withCondition(status.conditions, conditionOf(outcome), at.nowMs)
  if (outcome.kind === "failure") {
    const { refreshTime = null, binding } = status
    return { ...status, refreshTime, conditions, binding: { name: binding?.name ?? "" } }
  }
  return {
    ...status,
    refreshTime: timeText(at.startMs),
    syncedResourceVersion: syncedResourceVersionOf(externalSecret.metadata),
    conditions,
    binding: { name: outcome.binding ?? status.binding?.name ?? "" },
  }
}

/** Returns the object with its new status. Throws a conflict when somebody else wrote the object meanwhile. */
export async function writeStatus(
  deps: ExternalSecretDeps,
  externalSecret: ExternalSecret,
  status: ExternalSecretStatus,
  cached: ExternalSecret,
  signal: AbortSignal,
): Promise<ExternalSecret> {
  if (isDeepStrictEqual(status, externalSecret.status)) return externalSecret
  const { managedFields: _unchanged, ...metadata } = externalSecret.metadata
  const written = await deps.client.updateStatus(
    EXTERNAL_SECRETS,
    { ...externalSecret, metadata, status },
    { fieldManager: OPERATOR_FIELD_MANAGER, signal },
  )
  deps.memory.wrote(written, [cached, externalSecret])
  return written
}
