/** The kinds of ours that the operator watches, as `kube-runtime` names them. */
import { defineResource, type KubeObject } from "@coffer/kube-runtime"
import type { ExternalSecretSpec, ExternalSecretStatus } from "./external-secret.ts"
import type { Condition, LabelSelector } from "./meta.ts"
import { GROUP } from "./names.ts"

export interface ExternalSecret extends KubeObject {
  spec?: ExternalSecretSpec
  status?: ExternalSecretStatus
}

export type StoreCondition = {
  readonly namespaceSelector?: LabelSelector
  readonly namespaces?: readonly string[]
  readonly namespaceRegexes?: readonly string[]
}

export type StoreSpec = {
  readonly controller?: string
  readonly provider: Readonly<Record<string, unknown>>
  readonly refreshInterval?: number | string
  readonly conditions?: readonly StoreCondition[]
}

export type StoreStatus = { readonly capabilities?: string; readonly conditions?: readonly Condition[] }

export type StoreKind = "SecretStore" | "ClusterSecretStore"

export interface SecretStore extends KubeObject {
  spec?: StoreSpec
  status?: StoreStatus
}

const v1 = { group: GROUP, version: "v1" }

export const EXTERNAL_SECRETS = defineResource<ExternalSecret>({
  ...v1,
  plural: "externalsecrets",
  kind: "ExternalSecret",
  namespaced: true,
})
export const SECRET_STORES = defineResource<SecretStore>({
  ...v1,
  plural: "secretstores",
  kind: "SecretStore",
  namespaced: true,
})
export const CLUSTER_SECRET_STORES = defineResource<SecretStore>({
  ...v1,
  plural: "clustersecretstores",
  kind: "ClusterSecretStore",
  namespaced: false,
})
