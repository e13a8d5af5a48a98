/** The conditions and events that a reconcile ends with: one table, so that texts stay what existing tools expect. */
import type { Condition } from "../../api/meta.ts"
import { FETCH_FAILED, UPDATE_FAILED } from "./spec.ts"

export type EsEvent = {
  readonly type: "Normal" | "Warning"
  readonly reason: string
  readonly message: string
}

/** The object is as it should be. */
export type Success = {
  readonly kind: "success"
  readonly reason: "SecretSynced" | "SecretDeleted" | "SecretMissing"
  readonly message: string
  /** The target, when this reconcile attempted to write it. */
  readonly binding?: string
}

/** The object could not be brought into its state. `detail` is for the event; it names keys, never values. */
export type Failure = {
  readonly kind: "failure"
  readonly message: string
  readonly detail: string
  /** Back-off for what may mend itself; the refresh interval for what somebody must change. */
  readonly retry: "backoff" | "interval"
  readonly retryAfterMs?: number
}

const success = (reason: Success["reason"], message: string) =>
  ({ kind: "success", reason, message }) as const

export const SYNCED: Success = success("SecretSynced", "secret synced")
export const RETAINED: Success = success("SecretSynced", "secret retained due to DeletionPolicy=Retain")
export const DELETED: Success = success("SecretDeleted", "secret deleted due to DeletionPolicy=Delete")
export const MISSING: Success = success(
  "SecretMissing",
  "secret will not be created due to CreationPolicy=Merge",
)

const FAILURES = {
  fetch: { message: FETCH_FAILED, retry: "backoff" },
  update: { message: UPDATE_FAILED, retry: "backoff" },
  delete: { message: "could not delete secret", retry: "interval" },
  deletion: { message: "could not delete secret", retry: "backoff" },
  orphans: { message: "could not delete orphaned secrets", retry: "backoff" },
  ownership: { message: "failed to take ownership of target secret", retry: "interval" },
  owned: { message: "target is owned by another ExternalSecret", retry: "interval" },
  immutable: { message: "could not update secret, target is immutable", retry: "interval" },
  interval: { message: "invalid refreshInterval", retry: "interval" },
} as const satisfies Record<string, Pick<Failure, "message" | "retry">>

export function failure(kind: keyof typeof FAILURES, detail: string, retryAfterMs?: number): Failure {
  return {
    kind: "failure",
    ...FAILURES[kind],
    detail,
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
  }
}

/** A failure that only another release or another spec mends. */
export function unsupported(message: string, detail: string): Failure {
  return { kind: "failure", message, detail, retry: "interval" }
}

export function conditionOf(outcome: Success | Failure): Omit<Condition, "lastTransitionTime"> {
  return outcome.kind === "success"
    ? { type: "Ready", status: "True", reason: outcome.reason, message: outcome.message }
    : { type: "Ready", status: "False", reason: "SecretSyncedError", message: outcome.message }
}

export const CREATED_EVENT: EsEvent = { type: "Normal", reason: "Created", message: "secret created" }
export const UPDATED_EVENT: EsEvent = { type: "Normal", reason: "Updated", message: "secret updated" }
export const DELETED_EVENT: EsEvent = { type: "Normal", reason: "Deleted", message: DELETED.message }
export const ORPHAN_DELETED_EVENT: EsEvent = {
  type: "Normal",
  reason: "Deleted",
  message: "secret deleted because it was orphaned",
}

export function missingSecretEvent(where: string): EsEvent {
  return {
    type: "Normal",
    reason: "MissingProviderSecret",
    message: `secret does not exist at provider using ${where}`,
  }
}

export function failedEvent(failed: Failure): EsEvent {
  return { type: "Warning", reason: "UpdateFailed", message: failed.detail }
}
