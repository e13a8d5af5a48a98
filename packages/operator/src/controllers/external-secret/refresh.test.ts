import { systemClock } from "@coffer/kube-runtime"
import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { anExternalSecret, aSyncedExternalSecret, NOW_MS, secondsAgo } from "../../testing/builders.ts"
import { Memory } from "./memory.ts"
import { dataNotOlderThanMs, nextBeatMs, nextLookMs, refreshIntervalMs, refreshReason } from "./refresh.ts"

const HOUR_MS = 3_600_000
const NOW = { nowMs: NOW_MS, dueMs: undefined }
const changed = (ageSeconds: number, spec = {}) => {
  const synced = aSyncedExternalSecret(ageSeconds, spec)
  return { ...synced, metadata: { ...synced.metadata, annotations: { "force-sync": "1" } } }
}

describe("when the provider is asked", () => {
  it.for([
    ["never synced", anExternalSecret(), "never-synced"],
    ["never synced, interval 0", anExternalSecret({ refreshInterval: "0" }), "never-synced"],
    ["fresh", aSyncedExternalSecret(60), undefined],
    ["exactly at the interval", aSyncedExternalSecret(3_600), undefined],
    ["due", aSyncedExternalSecret(3_601), "due"],
    ["synced in the future", aSyncedExternalSecret(-60), "due"],
    ["annotated", changed(60), "changed"],
    ["annotated, interval 0", changed(60, { refreshInterval: "0" }), undefined],
    ["old, interval 0", aSyncedExternalSecret(1e6, { refreshInterval: "0" }), undefined],
    ["CreatedOnce, new", anExternalSecret({ refreshPolicy: "CreatedOnce" }), "never-synced"],
    ["CreatedOnce, annotated", changed(60, { refreshPolicy: "CreatedOnce" }), undefined],
    ["CreatedOnce, old", aSyncedExternalSecret(1e6, { refreshPolicy: "CreatedOnce" }), undefined],
    ["OnChange, annotated", changed(60, { refreshPolicy: "OnChange" }), "changed"],
    [
      "OnChange, annotated, interval 0",
      changed(60, { refreshPolicy: "OnChange", refreshInterval: "0" }),
      "changed",
    ],
    ["OnChange, old", aSyncedExternalSecret(1e6, { refreshPolicy: "OnChange" }), undefined],
  ] as const)("%s", ([, externalSecret, reason]) => {
    expect(refreshReason(externalSecret, refreshIntervalMs(externalSecret), NOW)).toBe(reason)
  })

  it("without an interval it is one hour", () => {
    expect(refreshIntervalMs({ metadata: {}, spec: {} })).toBe(HOUR_MS)
  })
})

describe("the beat of a store", () => {
  const named = (name: string, spec = {}) => {
    const one = anExternalSecret(spec)
    return { ...one, metadata: { ...one.metadata, name } }
  }
  const store = (name: string) => ({ secretStoreRef: { name } })
  const joining = (refreshedMs: number) => ({ refreshedMs, isAwaited: () => true })
  const alone = (refreshedMs: number) => ({ refreshedMs, isAwaited: () => false })

  it("is the same for all ExternalSecrets of the store and interval, whenever they were refreshed", () => {
    const first = nextBeatMs(named("a"), HOUR_MS, joining(NOW_MS))
    const times = Array.from({ length: 100 }, (_, index) => first - 1 - (index * HOUR_MS) / 100)
    const beats = times.map((ms, index) => nextBeatMs(named(`es-${index}`), HOUR_MS, joining(ms)))
    expect(new Set(beats)).toEqual(new Set([first]))
    expect(nextBeatMs(named("a"), HOUR_MS, joining(first))).toBe(first + HOUR_MS)
  })

  it("comes after the refresh, and never later than one interval", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 40 * HOUR_MS }),
        fc.nat(),
        fc.string(),
        fc.boolean(),
        (intervalMs, ageMs, name, isAwaited) => {
          const refreshedMs = NOW_MS - ageMs
          const at = { refreshedMs, isAwaited: () => isAwaited }
          const beatMs = nextBeatMs(anExternalSecret(store(name)), intervalMs, at)
          expect(beatMs).toBeGreaterThan(refreshedMs)
          expect(beatMs).toBeLessThanOrEqual(refreshedMs + intervalMs)
        },
      ),
    )
  })

  it("of a longer interval falls on that of a shorter one which divides it", () => {
    const beatMs = nextBeatMs(named("a"), HOUR_MS, joining(NOW_MS))
    expect(nextBeatMs(named("b"), HOUR_MS / 12, joining(beatMs - 1))).toBe(beatMs)
  })

  it("is left out when it comes soon after the refresh and nobody else asks then, once", () => {
    const beatMs = nextBeatMs(named("a"), HOUR_MS, joining(NOW_MS))
    const leftOut = nextBeatMs(named("a"), HOUR_MS, alone(beatMs - 20_000))
    expect(leftOut).toBe(beatMs + HOUR_MS / 2)
    expect(nextBeatMs(named("a"), HOUR_MS, alone(leftOut + 5_000))).toBe(beatMs + HOUR_MS)
    expect(nextBeatMs(named("a"), HOUR_MS, alone(beatMs - HOUR_MS / 4))).toBe(beatMs)
  })

  it("is not left out by one that finds others waiting for it, nor are others' plans by one that does", () => {
    const memory = new Memory(systemClock)
    const planned = (name: string, refreshedMs: number) => {
      memory.refreshed(named(name), HOUR_MS, refreshedMs)
      return memory.dueMs(named(name))
    }
    const beatMs = nextBeatMs(named("a"), HOUR_MS, joining(NOW_MS))
    const firstSync = ["a", "b", "c"].map((name, index) => planned(name, beatMs - 20_000 + index * 5_000))
    expect(firstSync).toEqual(Array(3).fill(beatMs + HOUR_MS / 2))
    expect(planned("a", beatMs + HOUR_MS / 2 + 1_000)).toBe(beatMs + HOUR_MS)
    expect(planned("new", beatMs + HOUR_MS - 20_000)).toBe(beatMs + HOUR_MS)
    expect(planned("b", beatMs + HOUR_MS / 2 + 1_000)).toBe(beatMs + HOUR_MS)
  })

  it("differs from store to store, so that a whole cluster does not ask at once", () => {
    const names = Array.from({ length: 50 }, (_, index) => `store-${index}`)
    const beats = names.map((name) => nextBeatMs(anExternalSecret(store(name)), HOUR_MS, joining(NOW_MS)))
    expect(new Set(beats).size).toBeGreaterThan(45)
  })

  it("decides when a refresh is due that this process planned, and what may serve it", () => {
    const synced = aSyncedExternalSecret(60)
    const dueMs = NOW_MS - 1
    expect(refreshReason(synced, HOUR_MS, { nowMs: NOW_MS, dueMs })).toBe("due")
    expect(refreshReason(synced, HOUR_MS, { nowMs: NOW_MS, dueMs: NOW_MS })).toBeUndefined()
    expect(nextLookMs(synced, HOUR_MS, { nowMs: NOW_MS, dueMs: NOW_MS + 5_000 })).toBe(5_001)
    const at = { nowMs: NOW_MS, dueMs, intervalMs: HOUR_MS, seenMs: undefined }
    expect(dataNotOlderThanMs(synced, "due", at)).toBe(dueMs - 10_000)
  })
})

describe("when it is looked at again", () => {
  it.for([
    ["after the rest of the interval", aSyncedExternalSecret(60), HOUR_MS, HOUR_MS - 60_000 + 1],
    ["at once when overdue", aSyncedExternalSecret(7_200), HOUR_MS, 1],
    ["never with interval 0", aSyncedExternalSecret(60), 0, undefined],
    [
      "never with CreatedOnce",
      aSyncedExternalSecret(60, { refreshPolicy: "CreatedOnce" }),
      HOUR_MS,
      undefined,
    ],
    ["after a whole interval when the clock went back", aSyncedExternalSecret(-60), HOUR_MS, HOUR_MS + 1],
  ] as const)("%s", ([, externalSecret, intervalMs, expected]) => {
    expect(nextLookMs(externalSecret, intervalMs, NOW)).toBe(expected)
  })
})

describe("how old shared data may be", () => {
  const at = { ...NOW, intervalMs: HOUR_MS, seenMs: NOW_MS - 3_000 }

  it("a request is never served from before it was seen", () => {
    expect(dataNotOlderThanMs(anExternalSecret(), "never-synced", at)).toBe(at.seenMs)
    expect(dataNotOlderThanMs(changed(60), "changed", at)).toBe(at.seenMs)
    expect(dataNotOlderThanMs(changed(60), "changed", { ...at, seenMs: undefined })).toBe(NOW_MS)
  })

  it("a periodic refresh takes what was read shortly before it became due", () => {
    expect(dataNotOlderThanMs(aSyncedExternalSecret(3_601), "due", at)).toBe(NOW_MS - 1_000 - 10_000)
    const short = { ...at, intervalMs: 5_000 }
    expect(dataNotOlderThanMs(aSyncedExternalSecret(6), "due", short)).toBe(NOW_MS - 1_000 - 500)
  })

  it("a repair, or a refresh that failed before, reads almost anew", () => {
    expect(dataNotOlderThanMs(aSyncedExternalSecret(60), undefined, at)).toBe(NOW_MS - 1_000)
    const synced = aSyncedExternalSecret(7_200)
    const failed = {
      ...synced,
      status: { ...synced.status, conditions: [{ type: "Ready", status: "False" as const }] },
    }
    expect(dataNotOlderThanMs(failed, "due", at)).toBe(NOW_MS - 1_000)
    expect(secondsAgo(0)).toBe("2026-11-23T12:00:00Z")
  })
})
