/** Subscribing to the changes of a project (contract 6.1). */
import { z } from "zod"
import { folderPath, queryText, requiredText, text } from "./fields.ts"

export const eventNames = [
  "secret:create",
  "secret:update",
  "secret:delete",
  "secret:import-mutation",
] as const
export const eventName = z.enum(eventNames, { error: `must be one of ${eventNames.join(", ")}` })
export type EventName = (typeof eventNames)[number]

/** A folder path, or a pattern: `*` within one segment, `**` over any number of them. */
export const pathPattern = folderPath.refine(
  (path) => path.length <= 1_024,
  "must be at most 1024 characters",
)

const registration = z.object({
  event: eventName,
  conditions: z
    .object({
      environmentSlug: requiredText,
      secretPath: pathPattern
        .optional()
        .transform((path) => (path === undefined || path === "" ? "/" : path)),
    })
    .nullish(),
})

export const subscribeBody = z.object({
  /** An empty one is a project that does not exist: some clients send it. */
  projectId: text,
  register: z.array(registration).min(1).max(10),
})
export type SubscribeBody = z.infer<typeof subscribeBody>

/** The same for browsers, whose `EventSource` can send no body. */
export const subscribeQuery = z.object({
  environment: queryText,
  secretPath: queryText.pipe(pathPattern.optional()),
  events: queryText
    .transform((list) => (list === undefined ? [...eventNames] : list.split(",").map((name) => name.trim())))
    .pipe(z.array(eventName).min(1).max(eventNames.length)),
  /** As the header `Last-Event-ID`, which wins. */
  lastEventId: queryText,
})

/** One entry of `payload`: a secret that changed, or a folder whose imports show something else. */
export const changedPlace = z.object({
  environment: z.string(),
  secretPath: z.string(),
  secretKey: z.string().optional(),
})
export type ChangedPlace = z.infer<typeof changedPlace>

/**
 * The `data` of every event of a stream. `resync` says that changes were missed for good: list again. It carries the
 * places that were subscribed to.
 */
export const projectEvent = z.object({
  projectType: z.literal("secret-manager"),
  data: z.object({ eventType: z.string(), payload: z.array(changedPlace) }),
})
export type ProjectEventAnswer = z.infer<typeof projectEvent>

/** What a reader of the stream gets for each event; a ping has no data. */
export const streamedEvent = z.object({
  event: z.string(),
  id: z.string().optional(),
  data: z
    .string()
    .meta({
      description: "JSON. Of an event called error: its message and its code",
      contentMediaType: "application/json",
      contentSchema: z.toJSONSchema(projectEvent),
    })
    .optional(),
})

/** The `data` of `event: error`, the last event of a stream that the server ends for a reason. */
export const streamError = z.object({ message: z.string(), error: z.string().optional() })
