/** What a subscriber asked for, what of the feed that selects, and how it looks on the wire (contract 6.1). Pure. */
import type { ChangedPlace, EventName, ProjectEventAnswer } from "@coffer/contract"
import type { FeedPosition, ProjectEvent } from "../../events/index.ts"
import { matchesPathGlob } from "../../path-glob.ts"

/** One entry of `register`; without a place it is about the whole project. */
export type Registration = {
  readonly event: EventName
  readonly place: { readonly environment: string; readonly path: string } | undefined
}

/** The action on `secret-events` that each event needs. */
export const subscribeActions = {
  "secret:create": "subscribe-to-creation-events",
  "secret:update": "subscribe-to-update-events",
  "secret:delete": "subscribe-to-deletion-events",
  "secret:import-mutation": "subscribe-to-import-mutation-events",
} as const satisfies Record<EventName, string>

export function isWanted(registrations: readonly Registration[], event: ProjectEvent): boolean {
  return registrations.some(({ event: name, place }) => {
    if (name !== event.event) return false
    return (
      place === undefined ||
      (place.environment === event.environment && matchesPathGlob(place.path, event.path))
    )
  })
}

/** Operators read lines of at most 64 KiB: more keys than fit are split over several events. */
const longestPayload = 48 * 1024

/** The frames of an event; the last one carries the id, so that whoever missed a part gets all of it again. */
export function framesOf(event: ProjectEvent, keys: readonly string[] = event.keys): string {
  const place = { environment: event.environment, secretPath: event.path }
  // An array also for import mutations: the command line of the contract decodes nothing else.
  const items: ChangedPlace[] =
    event.event === "secret:import-mutation" ? [place] : keys.map((secretKey) => ({ ...place, secretKey }))
  const parts = splitBySize(items)
  return parts
    .map((payload, index) => {
      const id = index === parts.length - 1 ? `id: ${formatPosition(positionAfter(event))}\n` : ""
      return `${id}event: ${event.event}\ndata: ${dataOf(event.event, payload)}\n\n`
    })
    .join("")
}

/** Says that changes were missed for good, so that clients list again. */
export function resyncFrame(registrations: readonly Registration[], revision: number): string {
  const places = registrations.flatMap(({ place }) =>
    place === undefined ? [] : [{ environment: place.environment, secretPath: place.path }],
  )
  const unique = [...new Map(places.map((place) => [JSON.stringify(place), place])).values()]
  return `id: ${revision}\nevent: resync\ndata: ${dataOf("resync", unique)}\n\n`
}

/** A comment is invisible to operators, so a heartbeat is an event; the id tells how far the feed was looked at. */
export function pingFrame(revision: number | undefined): string {
  return revision === undefined ? "event: ping\n\n" : `id: ${revision}\nevent: ping\n\n`
}

export function errorFrame(error: { readonly message: string; readonly code: string }): string {
  return `event: error\ndata: ${JSON.stringify({ message: error.message, error: error.code })}\n\n`
}

/** Where a reader stands who has seen this event. */
export function positionAfter(event: ProjectEvent): FeedPosition {
  return event.isLastOfRevision
    ? { revision: event.revision }
    : { revision: event.revision, index: event.index }
}

function formatPosition({ revision, index }: FeedPosition): string {
  return index === undefined ? String(revision) : `${revision}.${index}`
}

/** Reads a `Last-Event-ID`; `undefined` for one that this server never gave out. */
export function parsePosition(lastEventId: string): FeedPosition | undefined {
  const match = /^(\d{1,15})(?:\.(\d{1,9}))?$/.exec(lastEventId.trim())
  if (match === null) return undefined
  const revision = Number(match[1])
  return match[2] === undefined ? { revision } : { revision, index: Number(match[2]) }
}

function dataOf(eventType: string, payload: readonly ChangedPlace[]): string {
  const data: ProjectEventAnswer = {
    projectType: "secret-manager",
    data: { eventType, payload: [...payload] },
  }
  return JSON.stringify(data)
}

function splitBySize(items: readonly ChangedPlace[]): readonly (readonly ChangedPlace[])[] {
  const parts: ChangedPlace[][] = [[]]
  let size = 0
  for (const item of items) {
    const length = Buffer.byteLength(JSON.stringify(item)) + 1
    if (size + length > longestPayload && size > 0) {
      parts.push([])
      size = 0
    }
    parts.at(-1)?.push(item)
    size += length
  }
  return parts
}
