/**
 * What the main thread and the audit thread say to each other: a batch of records that is to become durable, and what
 * came of it. Flat lists of text, because they are copied between threads.
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
  /** Seven texts for each event, {@link eventsOf}. */
  readonly texts: readonly (string | null)[]
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

const TEXTS_PER_EVENT = 7

export function textsOf(events: readonly PendingAuditEvent[]): (string | null)[] {
  const texts: (string | null)[] = []
  for (const { id, type, orgId, projectId, actorType, actorId, bodyTail } of events) {
    texts.push(id, type, orgId, projectId, actorType, actorId, bodyTail)
  }
  return texts
}

/** The events that {@link textsOf} wrote out. */
export function eventsOf({ texts, times }: Pick<AuditBatch, "texts" | "times">): PendingAuditEvent[] {
  return Array.from(times, (at, index): PendingAuditEvent => {
    const first = index * TEXTS_PER_EVENT
    const text = (place: number) => texts[first + place] ?? ""
    const textOrNull = (place: number) => texts[first + place] ?? null
    return {
      id: text(0),
      at,
      type: text(1),
      orgId: text(2),
      projectId: textOrNull(3),
      actorType: text(4),
      actorId: textOrNull(5),
      bodyTail: text(6),
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
