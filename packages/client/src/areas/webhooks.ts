/** Webhooks of a project and the log of their deliveries. */
import {
  type CreateWebhookBody,
  deliveryListAnswer,
  type ListedWebhook,
  oneWebhookAnswer,
  type WebhookAnswer,
  type WebhookDelivery,
  webhookListAnswer,
} from "@coffer/contract"
import type { Transport } from "../transport.ts"

export function webhooksArea(transport: Transport) {
  const one = (id: string) => `/api/v1/webhooks/${encodeURIComponent(id)}`
  return {
    /** `url` is empty for those who may not change webhooks. */
    list: async (projectId: string): Promise<readonly ListedWebhook[]> => {
      const query = { projectId }
      const path = "/api/v1/webhooks"
      return (await transport.call({ method: "GET", path, query, schema: webhookListAnswer })).webhooks
    },

    create: async (body: CreateWebhookBody): Promise<WebhookAnswer> => {
      const path = "/api/v1/webhooks"
      return (await transport.call({ method: "POST", path, body, schema: oneWebhookAnswer })).webhook
    },

    /** Lets it hear of changes again, or not any more. */
    setDisabled: async (id: string, isDisabled: boolean): Promise<WebhookAnswer> => {
      const body = { isDisabled }
      return (await transport.call({ method: "PATCH", path: one(id), body, schema: oneWebhookAnswer }))
        .webhook
    },

    delete: async (id: string): Promise<WebhookAnswer> =>
      (await transport.call({ method: "DELETE", path: one(id), schema: oneWebhookAnswer })).webhook,

    /** Sends a test and waits for it; `lastStatus` tells how it went. */
    test: async (id: string): Promise<WebhookAnswer> =>
      (await transport.call({ method: "POST", path: `${one(id)}/test`, schema: oneWebhookAnswer })).webhook,

    /** Newest first. */
    deliveries: async (id: string, limit: number): Promise<readonly WebhookDelivery[]> => {
      const path = `/api/coffer/v1/webhooks/${encodeURIComponent(id)}/deliveries`
      const query = { limit }
      return (await transport.call({ method: "GET", path, query, schema: deliveryListAnswer })).deliveries
    },
  }
}
