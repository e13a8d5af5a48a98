/** One run of retention: what is over goes, in slices between which everybody else has their turn. */
import { setTimeout as pause } from "node:timers/promises"
import type { Clock } from "../../clock.ts"
import type { Database } from "../../db/database.ts"
import type { Log } from "../../log.ts"
import type { Random } from "../../random.ts"
import type { AuditEvent } from "../audit-event.ts"
import type { AuditSigner } from "../audit-head.ts"
import { nextLogId } from "../audit-reader.ts"
import { pruneSlice } from "./prune-log.ts"
import { redactSlice } from "./redact-events.ts"
import { RetentionRules } from "./rules.ts"

export type RetentionDeps = {
  readonly database: Database
  readonly signer: AuditSigner
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
}

export type RetentionOptions = {
  readonly sliceSize?: number
  readonly pauseMs?: number
  readonly signal?: AbortSignal
  /** Asked before each slice: whether this process may still do it. */
  readonly isMine?: () => Promise<boolean>
}

/**
 * Removes and empties every event whose time is over. It may end anywhere, killed or aborted: each slice is whole, and
 * the next run goes on.
 *
 * @returns how many events were removed or emptied
 */
export async function runRetention(deps: RetentionDeps, options: RetentionOptions = {}): Promise<number> {
  const rules = await RetentionRules.load(deps.database.reader)
  if (rules.isForEver) return 0
  const slices = new Slices(deps, options)
  const { reader } = deps.database
  for (let logId = await nextLogId(reader, ""); logId !== undefined; logId = await nextLogId(reader, logId)) {
    await slices.prune(rules, logId)
  }
  for (const target of rules.early(deps.clock.now())) await slices.redact(target)
  return slices.count
}

/** A batch of many requests stands under one head, so a slice may have to grow until it holds one. */
const largestSlice = 50_000

type Removed = { readonly count: number; readonly upTo: number; readonly orgId: string }

class Slices {
  count = 0
  readonly #deps: RetentionDeps
  readonly #options: RetentionOptions
  readonly #sliceSize: number

  constructor(deps: RetentionDeps, options: RetentionOptions) {
    this.#deps = deps
    this.#options = options
    this.#sliceSize = options.sliceSize ?? 500
  }

  async prune(rules: RetentionRules, logId: string): Promise<void> {
    const { database, signer, clock, log } = this.#deps
    let sliceSize = this.#sliceSize
    while (await this.#mayGoOn()) {
      const now = clock.now()
      const outcome = await database.write(async (scope) => {
        const pruned = await pruneSlice(scope.db, { logId, rules, signer, now, sliceSize })
        if (pruned.kind === "removed" && pruned.orgId !== undefined) {
          scope.audit(this.#eventOf(logId, { ...pruned, orgId: pruned.orgId }))
        }
        return pruned
      })
      if (outcome.kind === "changed") {
        const { problem } = outcome
        log.error(
          { auditLogId: logId, problem },
          "Retention leaves a changed audit log alone. Run coffer audit verify",
        )
      }
      if (outcome.kind === "no-head" && sliceSize < largestSlice) {
        sliceSize *= 2
        continue
      }
      if (outcome.kind !== "removed") return
      this.count += outcome.count
      sliceSize = this.#sliceSize
    }
  }

  async redact(target: Parameters<typeof redactSlice>[1]["target"]): Promise<void> {
    const { database, signer, clock, log } = this.#deps
    const passedOver = new Set<string>()
    while (await this.#mayGoOn()) {
      const slice = { target, signer, now: clock.now(), sliceSize: this.#sliceSize, passedOver }
      const { count, isDone } = await database.write(({ db }) => redactSlice(db, slice))
      this.count += count
      if (isDone) break
    }
    if (passedOver.size === 0) return
    log.error(
      { events: passedOver.size },
      "Retention leaves changed audit events alone. Run coffer audit verify",
    )
  }

  async #mayGoOn(): Promise<boolean> {
    const { signal, pauseMs = 20, isMine } = this.#options
    const isAborted = () => signal?.aborted === true
    if (isAborted()) return false
    await pause(pauseMs)
    return !isAborted() && (isMine === undefined || (await isMine()))
  }

  #eventOf(logId: string, { count, upTo, orgId }: Removed): AuditEvent {
    const { random, clock } = this.#deps
    return {
      id: random.uuid(),
      at: clock.now(),
      type: "prune-audit-logs",
      orgId,
      projectId: null,
      actor: { type: "platform" },
      source: { ipAddress: "", userAgent: "coffer", userAgentType: "other", requestId: "" },
      metadata: { logId, upTo, removed: count },
    }
  }
}
