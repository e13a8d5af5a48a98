/** Webhooks (contract 6.2), and what Coffer adds: the log of their deliveries. */
import { z } from "zod"
import { id, queryInteger, queryText, requiredText, text, timestamp } from "./fields.ts"
import { pathPattern } from "./project-events.ts"

export const webhookTypes = ["general", "slack", "microsoft-teams"] as const
export type WebhookType = (typeof webhookTypes)[number]

/** What a webhook may be told of; `test` goes to every webhook that is tested. */
export const webhookEventNames = ["secrets.modified", "secrets.rotation-failed", "test"] as const
export type WebhookEventName = (typeof webhookEventNames)[number]

const eventsFilter = z
  .array(
    z.object({
      eventName: z.enum(webhookEventNames, { error: `must be one of ${webhookEventNames.join(", ")}` }),
    }),
  )
  .max(webhookEventNames.length)

/** Checked without quoting it: an address may hold a credential. */
const webhookUrl = text
  .max(2_048)
  .refine((value) => isHttpUrl(value), "must be an absolute http or https URL without user name and password")

function isHttpUrl(value: string): boolean {
  if (!URL.canParse(value)) return false
  const url = new URL(value)
  return /^https?:$/.test(url.protocol) && url.username === "" && url.password === ""
}

export const createWebhookBody = z.object({
  type: z.enum(webhookTypes, { error: `must be one of ${webhookTypes.join(", ")}` }).default("general"),
  projectId: requiredText.optional(),
  /** The older name of `projectId`. */
  workspaceId: requiredText.optional(),
  environment: requiredText,
  webhookUrl,
  webhookSecretKey: z
    .string()
    .max(1_024)
    .nullish()
    .transform((key) => (key === "" ? undefined : (key ?? undefined))),
  secretPath: pathPattern.default("/").transform((path) => (path === "" ? "/" : path)),
  eventsFilter: eventsFilter.default([]),
})
export type CreateWebhookBody = z.input<typeof createWebhookBody>

export const updateWebhookBody = z.object({
  isDisabled: z.boolean().optional(),
  eventsFilter: eventsFilter.optional(),
})

export const listWebhooksQuery = z.object({
  projectId: queryText,
  workspaceId: queryText,
  environment: queryText,
  secretPath: queryText.pipe(pathPattern.optional()),
})

export const webhookAnswer = z.object({
  id,
  secretPath: z.string(),
  lastStatus: z.enum(["success", "failed"]).nullable(),
  lastRunErrorMessage: z.string().nullable(),
  isDisabled: z.boolean(),
  createdAt: timestamp,
  updatedAt: timestamp,
  envId: id,
  type: z.enum(webhookTypes),
  projectId: id,
  environment: z.object({ id, name: z.string(), slug: z.string() }),
  eventsFilter: z.array(z.object({ eventName: z.string() })),
})
export const oneWebhookAnswer = z.object({ message: z.string(), webhook: webhookAnswer })
/** `url` is shown to those who may change webhooks, else empty: it may hold a credential. */
export const webhookListAnswer = z.object({
  message: z.string(),
  webhooks: z.array(webhookAnswer.extend({ url: z.string() })),
})
export type WebhookAnswer = z.infer<typeof webhookAnswer>
export type ListedWebhook = z.infer<typeof webhookListAnswer>["webhooks"][number]

export const listDeliveriesQuery = z.object({
  offset: queryInteger({ min: 0, max: 1_000_000 }).transform((value) => value ?? 0),
  limit: queryInteger({ min: 1, max: 100 }).transform((value) => value ?? 20),
})

export const webhookDelivery = z.object({
  id,
  event: z.string(),
  state: z.enum(["pending", "success", "failed"]),
  environment: z.string(),
  secretPath: z.string(),
  createdAt: timestamp,
  finishedAt: timestamp.nullable(),
  /** Of the next attempt while pending. */
  nextAttemptAt: timestamp.nullable(),
  attempts: z.array(
    z.object({
      attempt: z.int(),
      at: timestamp,
      durationMs: z.int(),
      statusCode: z.int().nullable(),
      error: z.string().nullable(),
    }),
  ),
})
export const deliveryListAnswer = z.object({ deliveries: z.array(webhookDelivery) })
export type WebhookDelivery = z.infer<typeof webhookDelivery>
