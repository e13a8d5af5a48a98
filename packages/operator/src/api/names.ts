/** Every name that Coffer leaves in a cluster: groups, labels, annotations, finalizers, field managers. */
import { objectHash } from "../go/object-hash.ts"

export const GROUP = "external-secrets.io"
export const API_VERSION = `${GROUP}/v1`
export const EXTERNAL_SECRET_FINALIZER = "externalsecrets.external-secrets.io/externalsecret-cleanup"
export const MANAGED_LABEL = "reconcile.external-secrets.io/managed"
export const CREATED_BY_LABEL = "reconcile.external-secrets.io/created-by"
export const DATA_HASH_ANNOTATION = "reconcile.external-secrets.io/data-hash"
export const IGNORE_MAINTENANCE_ANNOTATION = "external-secrets.io/ignore-maintenance-checks"
/** The manager of everything written to our own kinds (status, finalizers). */
export const OPERATOR_FIELD_MANAGER = "external-secrets"

const FIELD_MANAGER_PREFIX = "externalsecrets.external-secrets.io/"
const MAX_FIELD_MANAGER_LENGTH = 63

/** The field manager under which the target Secret of an ExternalSecret is written. */
export function fieldManagerOf(externalSecretName: string): string {
  const name = `${FIELD_MANAGER_PREFIX}${externalSecretName}`
  return name.length > MAX_FIELD_MANAGER_LENGTH
    ? `${FIELD_MANAGER_PREFIX}sha3/${objectHash(externalSecretName)}`
    : name
}

/** The value of the created-by label of Secrets that an ExternalSecret owns. */
export function createdByHash(namespace: string, name: string): string {
  return objectHash(`${namespace}/${name}`)
}

type VersionedMetadata = {
  readonly generation?: number
  readonly annotations?: Readonly<Record<string, string>>
  readonly labels?: Readonly<Record<string, string>>
}

/** What `status.syncedResourceVersion` says once this state of the object has been synced. */
export function syncedResourceVersionOf(metadata: VersionedMetadata): string {
  const meta = new Map([
    ["annotations", metadata.annotations ?? {}],
    ["labels", metadata.labels ?? {}],
  ])
  return `${metadata.generation ?? 0}-${objectHash(meta)}`
}
