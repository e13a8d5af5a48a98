/** Writes a store's status: a merge patch of what changed, refused by the server if the object is another one by now. */
import type { KubeClient, Resource } from "@coffer/kube-runtime"
import { withCondition } from "../../api/conditions.ts"
import { OPERATOR_FIELD_MANAGER } from "../../api/names.ts"
import type { SecretStore } from "../../api/resources.ts"
import type { StoreOutcome } from "./decide.ts"

export async function writeStoreStatus(
  client: KubeClient,
  resource: Resource<SecretStore>,
  store: SecretStore,
  outcome: StoreOutcome,
  at: { readonly nowMs: number; readonly signal: AbortSignal },
): Promise<void> {
  const conditions = withCondition(store.status?.conditions, outcome.condition, at.nowMs)
  const capabilities = outcome.capabilities ?? store.status?.capabilities
  if (conditions === store.status?.conditions && capabilities === store.status?.capabilities) return
  const { name = "", namespace, uid } = store.metadata
  const body = { metadata: { uid }, status: { ...(capabilities ? { capabilities } : {}), conditions } }
  await client.patchStatus(
    resource,
    { namespace, name },
    { kind: "merge", body },
    {
      fieldManager: OPERATOR_FIELD_MANAGER,
      signal: at.signal,
    },
  )
}
