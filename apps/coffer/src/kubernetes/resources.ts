/** The kinds that the command itself touches in a cluster. */
import { defineResource, type KubeObject } from "@coffer/kube-runtime"

export type Condition = {
  readonly type: string
  readonly status: string
  readonly reason?: string
  readonly message?: string
}

export interface ConditionedObject extends KubeObject {
  spec?: unknown
  status?: { readonly conditions?: readonly Condition[]; readonly refreshTime?: string }
}

const externalSecrets = { group: "external-secrets.io", version: "v1" }

export const EXTERNAL_SECRETS = defineResource<ConditionedObject>({
  ...externalSecrets,
  plural: "externalsecrets",
  kind: "ExternalSecret",
  namespaced: true,
})
export const CLUSTER_SECRET_STORES = defineResource<ConditionedObject>({
  ...externalSecrets,
  plural: "clustersecretstores",
  kind: "ClusterSecretStore",
  namespaced: false,
})

export function readyCondition(object: ConditionedObject): Condition | undefined {
  return object.status?.conditions?.find((condition) => condition.type === "Ready")
}
