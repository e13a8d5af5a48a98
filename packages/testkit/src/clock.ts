import { hash } from "node:crypto"
import type { Clock, Random } from "@coffer/server"

/** A clock that stands still until it is told to move. */
export type FakeClock = Clock & { advance(ms: number): void }

/** Stands at 2026-01-01T00:00:00Z unless told otherwise. */
export function aClock(startMs: number = Date.UTC(2026, 0, 1)): FakeClock {
  let nowMs = startMs
  return {
    now: () => nowMs,
    advance: (ms) => {
      nowMs += ms
    },
  }
}

/** The same bytes and ids for the same seed, every time. Not for keys that protect anything. */
export function seededRandom(seed: string): Random {
  let counter = 0
  const block = () => hash("sha256", `${seed}:${counter++}`, "buffer")
  const bytes = (size: number) => {
    const blocks: Uint8Array[] = []
    for (let filled = 0; filled < size; filled += 32) blocks.push(block())
    return Uint8Array.from(Buffer.concat(blocks).subarray(0, size))
  }
  return { bytes, uuid: () => uuidFrom(bytes(16)) }
}

function uuidFrom(bytes: Uint8Array): string {
  const hex = Buffer.from(bytes).toString("hex")
  const variant = "89ab"[(bytes[8] ?? 0) % 4]
  return [
    hex.slice(0, 8),
    hex.slice(8, 12),
    `4${hex.slice(13, 16)}`,
    `${variant}${hex.slice(17, 20)}`,
    hex.slice(20),
  ].join("-")
}
