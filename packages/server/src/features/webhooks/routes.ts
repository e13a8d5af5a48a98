import {
  createWebhookBody,
  deliveryListAnswer,
  listDeliveriesQuery,
  listWebhooksQuery,
  oneWebhookAnswer,
  updateWebhookBody,
  type WebhookAnswer,
  type WebhookDelivery,
  webhookListAnswer,
} from "@coffer/contract"
import type { FastifyInstance } from "fastify"
import { AppError } from "../../errors.ts"
import { endpoint, type HttpPorts, isoTime, type Routes, TaggedAnswer } from "../../http/index.ts"
import type { DeliverDeps } from "./deliver.ts"
import {
  changeWebhook,
  createWebhook,
  type DeliveryReport,
  deleteWebhook,
  findDeliveries,
  findWebhooks,
  type ShownWebhook,
  testWebhook,
} from "./service.ts"

/** Webhooks (contract 6.2), and the log of their deliveries, which the contract lacks. */
export function webhookRoutes(deps: DeliverDeps, ports: HttpPorts): Routes {
  return (app) => {
    collectionRoutes(app, deps, ports)
    memberRoutes(app, deps, ports)
  }
}

type Params = Readonly<Record<string, string>>
const idOf = (params: Params) => params["id"] ?? ""

function collectionRoutes(app: FastifyInstance, deps: DeliverDeps, ports: HttpPorts): void {
  app.post(
    "/v1/webhooks",
    endpoint(
      ports,
      { summary: "Create a webhook", body: createWebhookBody, answer: oneWebhookAnswer },
      async ({ session, body }) => {
        const { type, environment, secretPath, webhookUrl: url, webhookSecretKey: key } = body
        const projectId = requireProjectId(body)
        const eventsFilter = body.eventsFilter.map((one) => one.eventName)
        const wanted = { projectId, type, environment, secretPath, eventsFilter, url, key }
        return answer("created", await createWebhook(deps, session, wanted))
      },
    ),
  )
  app.get(
    "/v1/webhooks",
    endpoint(
      ports,
      { summary: "Webhooks of a project", query: listWebhooksQuery, answer: webhookListAnswer },
      async ({ session, query }) => {
        const { environment, secretPath } = query
        const of = { projectId: requireProjectId(query), environment, secretPath }
        const { webhooks, seed } = await findWebhooks(deps, session, of)
        return new TaggedAnswer(seed, () => ({
          message: "Successfully fetched webhook",
          webhooks: webhooks.map((shown) => ({ ...presentWebhook(shown), url: shown.url })),
        }))
      },
    ),
  )
}

function memberRoutes(app: FastifyInstance, deps: DeliverDeps, ports: HttpPorts): void {
  app.patch(
    "/v1/webhooks/:id",
    endpoint(
      ports,
      { summary: "Switch a webhook off or on", body: updateWebhookBody, answer: oneWebhookAnswer },
      async ({ session, params, body }) => {
        const eventsFilter = body.eventsFilter?.map((one) => one.eventName)
        const change = { webhookId: idOf(params), isDisabled: body.isDisabled, eventsFilter }
        return answer("updated", await changeWebhook(deps, session, change))
      },
    ),
  )
  app.delete(
    "/v1/webhooks/:id",
    endpoint(ports, { summary: "Delete a webhook", answer: oneWebhookAnswer }, async ({ session, params }) =>
      answer("deleted", await deleteWebhook(deps, session, idOf(params))),
    ),
  )
  app.post(
    "/v1/webhooks/:id/test",
    endpoint(
      ports,
      { summary: "Send a test to a webhook, and say how it went", answer: oneWebhookAnswer },
      async ({ session, params }) => answer("tested", await testWebhook(deps, session, idOf(params))),
    ),
  )
  app.get(
    "/coffer/v1/webhooks/:id/deliveries",
    endpoint(
      ports,
      { summary: "Deliveries of a webhook", query: listDeliveriesQuery, answer: deliveryListAnswer },
      async ({ session, params, query }) => {
        const { offset, limit } = query
        const of = { webhookId: idOf(params), offset, limit }
        const deliveries = await findDeliveries(deps, session, of)
        return { deliveries: deliveries.map(presentDelivery) }
      },
    ),
  )
}

function requireProjectId(of: {
  readonly projectId?: string | undefined
  readonly workspaceId?: string | undefined
}): string {
  const id = of.projectId ?? of.workspaceId
  if (id !== undefined) return id
  throw new AppError("invalid", "BadRequest", "You must provide projectId")
}

function answer(verb: string, shown: ShownWebhook) {
  return { message: `Successfully ${verb} webhook`, webhook: presentWebhook(shown) }
}

function presentWebhook({ webhook, environment }: ShownWebhook): WebhookAnswer {
  const { id, name, slug } = environment
  return {
    id: webhook.id,
    secretPath: webhook.secretPath,
    lastStatus: webhook.lastStatus,
    lastRunErrorMessage: webhook.lastRunError,
    isDisabled: webhook.isDisabled,
    createdAt: isoTime(webhook.createdAt),
    updatedAt: isoTime(webhook.updatedAt),
    envId: webhook.environmentId,
    type: webhook.type,
    projectId: webhook.projectId,
    environment: { id, name, slug },
    eventsFilter: webhook.eventsFilter.map((eventName) => ({ eventName })),
  }
}

function presentDelivery(delivery: DeliveryReport): WebhookDelivery {
  const { id, event, state, environment, secretPath } = delivery
  return {
    id,
    event,
    state,
    environment,
    secretPath,
    createdAt: isoTime(delivery.createdAt),
    finishedAt: delivery.finishedAt === null ? null : isoTime(delivery.finishedAt),
    nextAttemptAt: state === "pending" ? isoTime(delivery.nextAttemptAt) : null,
    attempts: delivery.log.map(({ attempt, at, durationMs, statusCode, error }) => ({
      attempt,
      at: isoTime(at),
      durationMs,
      statusCode,
      error,
    })),
  }
}
