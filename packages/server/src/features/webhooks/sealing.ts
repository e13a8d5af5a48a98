/** Address and key of a webhook may be credentials, so both are sealed for their webhook. */
import type { ProjectSealer, SealedFieldAddress } from "../../keyring/keyring.ts"
import type { WebhookRecord } from "./store.ts"

export type WebhookOpener = { readonly sealer: ProjectSealer; readonly orgId: string }

export function sealTarget(
  { sealer, orgId }: WebhookOpener,
  webhook: Pick<WebhookRecord, "id" | "projectId">,
  target: { readonly url: string; readonly key: string | undefined },
): Pick<WebhookRecord, "urlSealed" | "keySealed"> {
  return {
    urlSealed: sealer.seal(addressOf(orgId, webhook, "webhook-url"), target.url),
    keySealed:
      target.key === undefined ? null : sealer.seal(addressOf(orgId, webhook, "webhook-key"), target.key),
  }
}

/** @throws AppError "unavailable" when the sealed bytes are not those of this webhook */
export function openUrl({ sealer, orgId }: WebhookOpener, webhook: WebhookRecord): string {
  return sealer.open(addressOf(orgId, webhook, "webhook-url"), webhook.urlSealed)
}

/** `undefined` when deliveries are not signed. */
export function openKey({ sealer, orgId }: WebhookOpener, webhook: WebhookRecord): string | undefined {
  if (webhook.keySealed === null) return undefined
  return sealer.open(addressOf(orgId, webhook, "webhook-key"), webhook.keySealed)
}

function addressOf(
  orgId: string,
  webhook: Pick<WebhookRecord, "id" | "projectId">,
  field: "webhook-url" | "webhook-key",
): SealedFieldAddress {
  return { orgId, projectId: webhook.projectId, recordId: webhook.id, version: 1, field }
}
