/**
 * How the runtime names a kind of object. Nothing here knows a particular kind; `core-resources.ts` lists the few
 * built-in ones the runtime itself or nearly every controller needs.
 */

/** The fields of `metadata` that controllers read or write, as they are on the wire. */
export interface ObjectMeta {
  name?: string
  generateName?: string
  namespace?: string
  uid?: string
  resourceVersion?: string
  generation?: number
  creationTimestamp?: string
  deletionTimestamp?: string
  deletionGracePeriodSeconds?: number
  labels?: Record<string, string>
  annotations?: Record<string, string>
  finalizers?: string[]
  ownerReferences?: OwnerReference[]
  managedFields?: ManagedFieldsEntry[]
}

export interface OwnerReference {
  apiVersion: string
  kind: string
  name: string
  uid: string
  controller?: boolean
  blockOwnerDeletion?: boolean
}

export interface ManagedFieldsEntry {
  manager?: string
  operation?: string
  apiVersion?: string
  time?: string
  fieldsType?: string
  fieldsV1?: unknown
  subresource?: string
}

/** The least that every object has. */
export interface KubeObject {
  apiVersion?: string
  kind?: string
  metadata: ObjectMeta
}

/** What metadata-only reads return: never `data`, `spec` or `status`. */
export interface PartialObject extends KubeObject {
  kind?: "PartialObjectMetadata"
}

/** Group, version and plural of a kind, with the type of its objects as a phantom. Group is "" for core kinds. */
export interface Resource<T extends KubeObject = KubeObject> {
  readonly group: string
  readonly version: string
  readonly plural: string
  readonly kind: string
  readonly namespaced: boolean
  /** Never set: carries `T` for the type checker. */
  readonly __object?: T
}

/** Describes a kind once: `const WIDGETS = defineResource<Widget>({ group: "example.com", ... })`. */
export function defineResource<T extends KubeObject>(resource: Omit<Resource<T>, "__object">): Resource<T> {
  return Object.freeze({ ...resource })
}

/** `v1`, `apps/v1`, ... */
export function apiVersionOf(resource: Resource): string {
  return resource.group === "" ? resource.version : `${resource.group}/${resource.version}`
}

/** Names one object. The namespace is absent or "" for cluster-scoped kinds. */
export interface ObjectKey {
  readonly namespace?: string | undefined
  readonly name: string
}

/** The key of an object that came from the API server (it therefore has a name). */
export function keyOf(object: KubeObject): { namespace: string; name: string } {
  return { namespace: object.metadata.namespace ?? "", name: object.metadata.name ?? "" }
}

/** `namespace/name`, or `name` for cluster-scoped objects: the same text everywhere (stores, queues, logs). */
export function keyText(key: ObjectKey): string {
  return key.namespace ? `${key.namespace}/${key.name}` : key.name
}

/** Inverse of `keyText`. */
export function parseKeyText(text: string): { namespace: string; name: string } {
  const slash = text.indexOf("/")
  return slash < 0
    ? { namespace: "", name: text }
    : { namespace: text.slice(0, slash), name: text.slice(slash + 1) }
}

/**
 * The path of a collection or object below the server's root.
 * Throws TypeError for a namespaced kind without a namespace where one is needed (single objects).
 */
export function resourcePath(
  resource: Resource,
  target: { namespace?: string | undefined; name?: string | undefined; subresource?: string | undefined },
): string {
  const root =
    resource.group === "" ? `/api/${resource.version}` : `/apis/${resource.group}/${resource.version}`
  if (resource.namespaced && target.name !== undefined && !target.namespace) {
    throw new TypeError(`${resource.kind} "${target.name}" needs a namespace`)
  }
  if (target.name === "") throw new TypeError(`${resource.kind} needs a name`)
  const parts = [root]
  if (resource.namespaced && target.namespace) parts.push("namespaces", encodeURIComponent(target.namespace))
  parts.push(resource.plural)
  if (target.name !== undefined) parts.push(encodeURIComponent(target.name))
  if (target.subresource) parts.push(target.subresource)
  return parts.join("/")
}
