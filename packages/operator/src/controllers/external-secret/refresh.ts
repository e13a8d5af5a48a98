/** When an ExternalSecret is fetched again, when it is looked at again, and how old shared data may be. Pure. */
import { createHash } from "node:crypto"
import { findCondition } from "../../api/conditions.ts"
import { syncedResourceVersionOf } from "../../api/names.ts"
import type { ExternalSecret } from "../../api/resources.ts"
import { parseDuration } from "../../go/duration.ts"
import { storeIndexKeysOf } from "./spec.ts"

const DEFAULT_INTERVAL = "1h0m0s"

/** The interval in milliseconds; zero or less means once. Throws DurationError. */
export function refreshIntervalMs(externalSecret: ExternalSecret): number {
  return parseDuration(externalSecret.spec?.refreshInterval ?? DEFAULT_INTERVAL)
}

export type RefreshReason = "never-synced" | "changed" | "due"

/** Names the beat of an ExternalSecret: that of its store and interval. */
export function beatKeyOf(externalSecret: ExternalSecret, intervalMs: number): string {
  const [store = ""] = storeIndexKeysOf(externalSecret)
  return `${intervalMs} ${store}`
}

/** Whether somebody will ask on a beat anyway, so that whoever joins costs nothing. */
export type IsAwaited = (beatMs: number) => boolean

/**
 * When the refresh after this one falls due: on a beat that all ExternalSecrets of one store and interval share, so that
 * one request of one moment serves them all, whenever they were made. Never later than one interval.
 *
 * A beat that comes soon after the refresh is left out, unless somebody asks then anyway: it would only ask for what was
 * just read, in the middle of the first sync of a whole scope for example. The refresh is then half an interval after
 * that beat, still within the interval, and the next one is back on it.
 */
export function nextBeatMs(
  externalSecret: ExternalSecret,
  intervalMs: number,
  { refreshedMs, isAwaited }: { readonly refreshedMs: number; readonly isAwaited: IsAwaited },
): number {
  const [store = ""] = storeIndexKeysOf(externalSecret)
  const phaseMs = createHash("sha256").update(store).digest().readUInt32BE() % intervalMs
  const beatMs = Math.floor((refreshedMs + intervalMs - phaseMs) / intervalMs) * intervalMs + phaseMs
  const isSoon = beatMs - refreshedMs < intervalMs / 4
  return isSoon && !isAwaited(beatMs) ? beatMs + Math.floor(intervalMs / 2) : beatMs
}

/** The moment to judge at, and when the refresh falls due if this process set that itself. */
export type Moment = { readonly nowMs: number; readonly dueMs: number | undefined }

/** Why the provider must be asked now, or `undefined` when it need not. */
export function refreshReason(
  externalSecret: ExternalSecret,
  intervalMs: number,
  { nowMs, dueMs }: Moment,
): RefreshReason | undefined {
  const { syncedResourceVersion } = externalSecret.status ?? {}
  const refreshMs = refreshTimeMs(externalSecret)
  const policy = externalSecret.spec?.refreshPolicy ?? "Periodic"
  if (policy === "Periodic" && intervalMs <= 0 && syncedResourceVersion) return undefined
  if (!syncedResourceVersion) return "never-synced"
  if (
    policy !== "CreatedOnce" &&
    syncedResourceVersion !== syncedResourceVersionOf(externalSecret.metadata)
  ) {
    return "changed"
  }
  if (refreshMs === undefined) return "never-synced"
  if (policy !== "Periodic") return undefined
  return refreshMs > nowMs || (dueMs ?? refreshMs + intervalMs) < nowMs ? "due" : undefined
}

/** When the object wants to be looked at again without anything happening; `undefined` for never. */
export function nextLookMs(
  externalSecret: ExternalSecret,
  intervalMs: number,
  { nowMs, dueMs }: Moment,
): number | undefined {
  const policy = externalSecret.spec?.refreshPolicy ?? "Periodic"
  if (intervalMs <= 0 || policy !== "Periodic") return undefined
  const refreshMs = Math.min(refreshTimeMs(externalSecret) ?? nowMs, nowMs)
  return Math.max((dueMs ?? refreshMs + intervalMs) - nowMs, 0) + 1
}

function refreshTimeMs(externalSecret: ExternalSecret): number | undefined {
  const ms = Date.parse(externalSecret.status?.refreshTime ?? "")
  return Number.isNaN(ms) ? undefined : ms
}

const COALESCING_MS = 1_000
const MAX_PERIODIC_WINDOW_MS = 10_000

/**
 * How old a read by somebody else may be to serve this refresh. A request (new object, changed spec, force-sync) is
 * never served from before it was seen, or from before it last failed. A periodic refresh takes what was read since
 * shortly before it became due, so that ExternalSecrets of one scope and interval share one read. A repair or a retry
 * reads almost anew.
 */
export function dataNotOlderThanMs(
  externalSecret: ExternalSecret,
  reason: RefreshReason | undefined,
  at: Moment & { readonly intervalMs: number; readonly seenMs: number | undefined },
): number {
  if (reason === "never-synced" || reason === "changed") return at.seenMs ?? at.nowMs
  const ready = findCondition(externalSecret.status?.conditions, "Ready")
  const refreshMs = refreshTimeMs(externalSecret)
  if (reason === "due" && ready?.status === "True" && refreshMs !== undefined && refreshMs <= at.nowMs) {
    return (at.dueMs ?? refreshMs + at.intervalMs) - Math.min(at.intervalMs / 10, MAX_PERIODIC_WINDOW_MS)
  }
  return at.nowMs - COALESCING_MS
}
