/** How long the disk itself takes: no answer that waits for a durable event can be quicker. */
import { closeSync, fdatasyncSync, fsyncSync, openSync, rmSync, writeSync } from "node:fs"
import { join } from "node:path"

const PREALLOCATED_BYTES = 32 * 1024 * 1024
/** What the batch of a dozen events leaves in the write-ahead log. */
const BATCH_BYTES = 64 * 1024

/** @param durationMs how long it syncs, one after another */
export function measureSyncs(
  folder: string,
  durationMs: number,
): { readonly p50Ms: number; readonly p99Ms: number } {
  const path = join(folder, "syncs")
  const descriptor = openSync(path, "w")
  const latenciesMs: number[] = []
  try {
    writeSync(descriptor, Buffer.alloc(PREALLOCATED_BYTES))
    fsyncSync(descriptor)
    const batch = Buffer.alloc(BATCH_BYTES, "x")
    const end = performance.now() + durationMs
    for (let position = 0; performance.now() < end; position += BATCH_BYTES) {
      writeSync(descriptor, batch, 0, BATCH_BYTES, position % PREALLOCATED_BYTES)
      const start = performance.now()
      fdatasyncSync(descriptor)
      latenciesMs.push(performance.now() - start)
    }
  } finally {
    closeSync(descriptor)
    rmSync(path)
  }
  const sorted = latenciesMs.sort((left, right) => left - right)
  const percentile = (share: number) => Number((sorted[Math.floor(sorted.length * share)] ?? 0).toFixed(2))
  return { p50Ms: percentile(0.5), p99Ms: percentile(0.99) }
}
