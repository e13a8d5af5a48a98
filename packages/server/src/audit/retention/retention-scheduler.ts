/** Runs retention now and then, in one replica at a time. */
import { TaskLease } from "../../task-lease.ts"
import { type RetentionDeps, runRetention } from "./run-retention.ts"

const intervalMs = 10 * 60 * 1_000
const firstRunAfterMs = 30_000
const leaseMs = 5 * 60 * 1_000

/**
 * Starts it. What is returned ends it: it resolves when no slice is under way any more.
 */
export function startRetention(deps: RetentionDeps): () => Promise<void> {
  const ending = new AbortController()
  const lease = new TaskLease(deps, { name: "audit-retention", ttlMs: leaseMs })
  let running: Promise<void> | undefined
  const run = async () => {
    if (!(await lease.take())) return
    try {
      const removed = await runRetention(deps, { signal: ending.signal, isMine: () => lease.take() })
      if (removed > 0) deps.log.info({ removed }, "audit events whose time is over were removed")
    } finally {
      await lease.release()
    }
  }
  const tick = () => {
    running ??= run()
      .catch((error: unknown) => deps.log.warn({ problem: String(error) }, "audit retention failed"))
      .finally(() => {
        running = undefined
      })
  }
  const first = setTimeout(tick, firstRunAfterMs).unref()
  const timer = setInterval(tick, intervalMs).unref()
  return async () => {
    clearTimeout(first)
    clearInterval(timer)
    ending.abort()
    await running
  }
}
