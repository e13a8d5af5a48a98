/**
 * What the main thread and the audit thread say to each other: a batch of records that is to become durable, and what
 * came of it. Events travel as one text, because each value that is copied between threads has its price.
 */
import type { AuditWitness } from "../../audit/audit-event.ts"
import type { PendingAuditEvent } from "../../audit/audit-record.ts"
import type { WitnessRequest } from "../database.ts"

/** The right edge of a log: `CompactRange` as bytes. */
export type LogEnd = { readonly size: number; readonly rangeBytes: Uint8Array }

export type AuditBatch = {
  readonly logId: string
  /** Where the log ends; absent while the thread works on what it was given before, because then it knows. */
  readonly end: LogEnd | undefined
  readonly now: number
  /** Seven lines for each event, {@link eventsOf}. */
  readonly lines: string
  /** When each event happened. */
  readonly times: Float64Array
  readonly projectIds: readonly string[]
  readonly actorIds: readonly string[]
}

/** What came of the oldest batches that were not answered yet: they shared a transaction. */
export type AuditBatchOutcome =
  | (LogEnd & {
      readonly kind: "durable"
      /** One for each batch. */
      readonly seen: readonly SeenByBatch[]
    })
  | {
      readonly kind: "failed"
      /** How many. */
      readonly batches: number
      /** The result code of SQLite, when it was SQLite that failed. */
      readonly code: number | undefined
      readonly message: string
    }

/** One for each id that was asked about; absent = there is no such record. */
export type SeenByBatch = {
  readonly revisions: readonly (number | undefined)[]
  readonly epochs: readonly (number | undefined)[]
}

const LINES_PER_EVENT = 7

/** Ids and types hold no line break, and in JSON it is escaped; "" stands for what an event does not have. */
export function linesOf(events: readonly PendingAuditEvent[]): string {
  let lines = ""
  for (const { id, type, orgId, projectId, actorType, actorId, bodyTail } of events) {
    lines += `${id}\n${type}\n${orgId}\n${projectId ?? ""}\n${actorType}\n${actorId ?? ""}\n${bodyTail}\n`
  }
  return lines
}

/**
 * The events that {@link linesOf} wrote out.
 *
 * @throws Error when there are more lines or fewer: something that holds no line break held one
 */
export function eventsOf({ lines, times }: Pick<AuditBatch, "lines" | "times">): PendingAuditEvent[] {
  const all = lines.split("\n")
  if (all.length !== times.length * LINES_PER_EVENT + 1) throw new Error("the lines of a batch do not add up")
  return Array.from(times, (at, index): PendingAuditEvent => {
    const line = (place: number) => all[index * LINES_PER_EVENT + place] ?? ""
    return {
      id: line(0),
      at,
      type: line(1),
      orgId: line(2),
      projectId: line(3) || null,
      actorType: line(4),
      actorId: line(5) || null,
      bodyTail: line(6),
    }
  })
}

/** Every id that some record asks about, once. */
export function idsOf(requests: readonly WitnessRequest[]): Pick<AuditBatch, "projectIds" | "actorIds"> {
  const projectIds = new Set<string>()
  const actorIds = new Set<string>()
  for (const request of requests) {
    for (const id of request.projectIds) projectIds.add(id)
    for (const id of request.actorIds) actorIds.add(id)
  }
  return { projectIds: [...projectIds], actorIds: [...actorIds] }
}

/** What each record asked for, out of what the batch saw; records that asked for the same share one answer. */
export function witnessesOf(
  requests: readonly WitnessRequest[],
  seen: {
    readonly revisionOf: (projectId: string) => number | undefined
    readonly epochOf: (actorId: string) => number | undefined
  },
): AuditWitness[] {
  const shared = new Map<string, AuditWitness>()
  return requests.map(({ projectIds, actorIds }) => {
    // Ids hold no commas and no semicolons.
    const key = `${projectIds.join()};${actorIds.join()}`
    const known = shared.get(key)
    if (known !== undefined) return known
    const witness = {
      projectRevisions: valuesOf(projectIds, seen.revisionOf),
      actorEpochs: valuesOf(actorIds, seen.epochOf),
    }
    shared.set(key, witness)
    return witness
  })
}

function valuesOf(
  ids: readonly string[],
  find: (id: string) => number | undefined,
): ReadonlyMap<string, number> {
  const values = new Map<string, number>()
  for (const id of ids) {
    const value = find(id)
    if (value !== undefined) values.set(id, value)
  }
  return values
}
