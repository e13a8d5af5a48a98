/** The built-in kinds that the runtime itself writes (Leases, Events) or that nearly every controller reads. */
import { defineResource, type KubeObject } from "./resource.ts"

/** Values are base64, as on the wire. */
export interface SecretObject extends KubeObject {
  type?: string
  data?: Record<string, string>
  stringData?: Record<string, string>
  immutable?: boolean
}

export interface ConfigMapObject extends KubeObject {
  data?: Record<string, string>
  binaryData?: Record<string, string>
  immutable?: boolean
}

export interface LeaseObject extends KubeObject {
  spec?: {
    holderIdentity?: string
    leaseDurationSeconds?: number
    acquireTime?: string
    renewTime?: string
    leaseTransitions?: number
  }
}

export interface ObjectReference {
  apiVersion?: string
  kind?: string
  namespace?: string
  name?: string
  uid?: string
  resourceVersion?: string
  fieldPath?: string
}

export interface EventObject extends KubeObject {
  involvedObject: ObjectReference
  reason?: string
  message?: string
  type?: string
  source?: { component?: string; host?: string }
  firstTimestamp?: string | null
  lastTimestamp?: string | null
  count?: number
  reportingComponent?: string
  reportingInstance?: string
}

const core = { group: "", version: "v1" }

export const SECRETS = defineResource<SecretObject>({
  ...core,
  plural: "secrets",
  kind: "Secret",
  namespaced: true,
})
export const CONFIG_MAPS = defineResource<ConfigMapObject>({
  ...core,
  plural: "configmaps",
  kind: "ConfigMap",
  namespaced: true,
})
export const EVENTS = defineResource<EventObject>({
  ...core,
  plural: "events",
  kind: "Event",
  namespaced: true,
})
export const NAMESPACES = defineResource<KubeObject>({
  ...core,
  plural: "namespaces",
  kind: "Namespace",
  namespaced: false,
})
export const SERVICE_ACCOUNTS = defineResource<KubeObject>({
  ...core,
  plural: "serviceaccounts",
  kind: "ServiceAccount",
  namespaced: true,
})
export const LEASES = defineResource<LeaseObject>({
  group: "coordination.k8s.io",
  version: "v1",
  plural: "leases",
  kind: "Lease",
  namespaced: true,
})
