/**
 * Webhooks (contract 6.2): addresses that are told that secrets of a folder changed, never what they are. Flow: the
 * change feed -> fan-out (deliveries and cursor in one commit) -> worker (claims with a lease) -> deliver (one signed
 * request through `outbound/`) -> the outcome, with the next attempt, in the delivery's row. At least once: a receiver
 * knows a repetition by the header `x-coffer-delivery`.
 */
export { endDeliveryLeases } from "./deliveries-store.ts"
export { webhookRoutes } from "./routes.ts"
export { WebhookWorker } from "./worker.ts"
