import type { AuditEvent } from "../../audit/audit-event.ts"
import type { Keyring } from "../../keyring/keyring.ts"
import type { Log } from "../../log.ts"
import { OutboundError, sendOutbound } from "../../outbound/index.ts"
import type { ReadDeps } from "../../use-case/index.ts"
import { type Delivery, type Outcome, recordAttempt } from "./deliveries-store.ts"
import { bodyOf, nextAttemptAt, signatureOf } from "./domain.ts"
import { openKey, openUrl } from "./sealing.ts"
import { findNames, findWebhook, type WebhookRecord } from "./store.ts"

export type DeliverDeps = ReadDeps & {
  readonly keyring: Keyring
  readonly log: Log
  /** `ALLOW_INTERNAL_IP_CONNECTIONS`: whether loopback and private addresses may be told. */
  readonly allowInternalConnections: boolean
  /** Of one request; 15 seconds unless told otherwise. */
  readonly webhookTimeoutMs?: number
}

const defaultTimeoutMs = 15_000
const maxAnswerBytes = 64 * 1024

type Sent = Pick<Outcome, "status" | "statusCode" | "error">

/**
 * Tries a delivery once and writes down what became of it. The caller holds its lease.
 *
 * @param options.isLast whether a failure is final, as for a test that somebody waits for
 * @returns false when the attempt was cut off, and the delivery is as it was
 */
export async function deliver(
  deps: DeliverDeps,
  delivery: Delivery,
  options: { readonly holder: string; readonly isLast?: boolean; readonly signal?: AbortSignal },
): Promise<boolean> {
  const webhook = await findWebhook(deps.database.reader, delivery.webhookId)
  const names = webhook === undefined ? undefined : await findNames(deps.database.reader, webhook)
  // Deleted meanwhile, and its deliveries with it.
  if (webhook === undefined || names === undefined) return true
  const at = deps.clock.now()
  const started = performance.now()
  const sent = await send(deps, { delivery, webhook, names, at, signal: options.signal })
  if (options.signal?.aborted === true && sent.status === "failed") return false
  const durationMs = Math.round(performance.now() - started)
  const isOver = sent.status === "success" || options.isLast === true
  const [jitter = 0] = deps.random.bytes(1)
  const next = isOver ? undefined : nextAttemptAt(delivery.attempts + 1, deps.clock.now(), jitter / 256)
  await deps.database.write(async ({ db, audit }) => {
    const isOurs = await recordAttempt(db, delivery, options.holder, {
      ...sent,
      at,
      durationMs,
      nextAttemptAt: next,
    })
    if (isOurs) audit(triggered(deps, delivery, names.orgId, sent))
  })
  return true
}

type Sending = {
  readonly delivery: Delivery
  readonly webhook: WebhookRecord
  readonly names: { readonly orgId: string; readonly projectName: string; readonly environmentName: string }
  readonly at: number
  readonly signal: AbortSignal | undefined
}

async function send(deps: DeliverDeps, sending: Sending): Promise<Sent> {
  const { delivery, webhook, names, at, signal } = sending
  try {
    const opener = { sealer: await deps.keyring.forProject(webhook.projectId), orgId: names.orgId }
    const body = bodyOf(webhook.type, noticeOf(sending), at)
    const key = openKey(opener, webhook)
    const { status } = await sendOutbound({
      method: "POST",
      url: openUrl(opener, webhook),
      headers: {
        "content-type": "application/json",
        "x-coffer-delivery": delivery.id,
        ...(key === undefined ? {} : { "x-infisical-signature": signatureOf(key, body, at) }),
      },
      body,
      timeoutMs: deps.webhookTimeoutMs ?? defaultTimeoutMs,
      maxAnswerBytes,
      allowPrivateAddresses: deps.allowInternalConnections,
      ...(signal === undefined ? {} : { signal }),
    })
    if (status >= 200 && status < 300) return { status: "success", statusCode: status, error: null }
    return { status: "failed", statusCode: status, error: `The receiver answered with status ${status}` }
  } catch (error) {
    if (error instanceof OutboundError) return { status: "failed", statusCode: null, error: error.message }
    deps.log.error({ webhookId: webhook.id, problem: String(error) }, "a webhook could not be sent")
    return { status: "failed", statusCode: null, error: "The server could not send it; its log says why" }
  }
}

function noticeOf({ delivery, names }: Sending) {
  return {
    event: delivery.event,
    projectId: delivery.projectId,
    projectName: names.projectName,
    environment: delivery.environment,
    environmentName: names.environmentName,
    secretPath: delivery.secretPath,
    changedBy: delivery.author.name,
    changedByActorType: delivery.author.type,
  }
}

function triggered(deps: DeliverDeps, delivery: Delivery, orgId: string, sent: Sent): AuditEvent {
  return {
    id: deps.random.uuid(),
    at: deps.clock.now(),
    type: "webhook-triggered",
    orgId,
    projectId: delivery.projectId,
    actor: { type: "platform" },
    source: { ipAddress: "", userAgent: "coffer server", userAgentType: "other", requestId: delivery.id },
    metadata: {
      webhookId: delivery.webhookId,
      environment: delivery.environment,
      secretPath: delivery.secretPath,
      event: delivery.event,
      attempt: delivery.attempts + 1,
      status: sent.status,
    },
  }
}
