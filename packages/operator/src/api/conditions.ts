/** Conditions as Kubernetes keeps them: one per type, with the time at which the status last changed. */
import type { Condition } from "./meta.ts"

export function findCondition(
  conditions: readonly Condition[] | undefined,
  type: string,
): Condition | undefined {
  return conditions?.find((condition) => condition.type === type)
}

/** A time as it is written into objects: RFC 3339, whole seconds. */
export function timeText(ms: number): string {
  return new Date(Math.floor(ms / 1_000) * 1_000).toISOString().replace(".000Z", "Z")
}

/** The list with `next` in it; the transition time stays as long as the status does. The same list if nothing changes. */
export function withCondition(
  conditions: readonly Condition[] | undefined,
  next: Omit<Condition, "lastTransitionTime">,
  nowMs: number,
): readonly Condition[] {
  const current = findCondition(conditions, next.type)
  const isEqual =
    current &&
    current.status === next.status &&
    current.reason === next.reason &&
    current.message === next.message
  if (isEqual && conditions) return conditions
  const keepsTime = current?.status === next.status && current.lastTransitionTime !== undefined
  const lastTransitionTime = keepsTime ? current.lastTransitionTime : timeText(nowMs)
  const others = (conditions ?? []).filter((condition) => condition.type !== next.type)
  return [...others, { ...next, lastTransitionTime }]
}
