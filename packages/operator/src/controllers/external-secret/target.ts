/** What the target Secret must look like, given what is there and what was fetched. Pure. */
import type { ManagedFieldsEntry, OwnerReference, SecretObject } from "@coffer/kube-runtime"
import {
  API_VERSION,
  CREATED_BY_LABEL,
  createdByHash,
  DATA_HASH_ANNOTATION,
  fieldManagerOf,
  GROUP,
  MANAGED_LABEL,
} from "../../api/names.ts"
import type { ExternalSecret } from "../../api/resources.ts"
import type { SecretData } from "../../data/keys.ts"
import { objectHash } from "../../go/object-hash.ts"
import { creationPolicyOf, targetNameOf } from "./spec.ts"

type Data = Record<string, string>

/** The ExternalSecret that controls a Secret, by name; `"other"` for a controller of another kind. */
export function controllerOf(secret: Pick<SecretObject, "metadata">): OwnerReference | undefined {
  return secret.metadata.ownerReferences?.find((reference) => reference.controller)
}

export function isExternalSecretReference(reference: OwnerReference): boolean {
  return reference.kind === "ExternalSecret" && reference.apiVersion.split("/")[0] === GROUP
}

/** Is the Secret controlled by this ExternalSecret (or one of the same name before it)? */
export function isControlledBy(
  secret: Pick<SecretObject, "metadata">,
  externalSecret: ExternalSecret,
): boolean {
  const controller = controllerOf(secret)
  if (!controller || !isExternalSecretReference(controller)) return false
  return controller.name === externalSecret.metadata.name
}

/** The hash of a Secret's data, as kept in its annotation. */
export function dataHashOf(data: Data | undefined): string {
  return objectHash(
    Object.fromEntries(Object.entries(data ?? {}).map(([key, value]) => [key, Buffer.from(value, "base64")])),
  )
}

/** The Secret as it must be written. The ownership rules were checked before. */
export function composeSecret(
  existing: SecretObject | undefined,
  externalSecret: ExternalSecret,
  fetched: SecretData,
): SecretObject {
  const isOwner = creationPolicyOf(externalSecret) === "Owner"
  const freezes = externalSecret.spec?.target?.immutable === true
  const content =
    freezes && existing ? contentAsItIs(existing) : composeContent(existing, externalSecret, fetched)
  const labels: Record<string, string> = { ...content.labels, [MANAGED_LABEL]: "true" }
  delete labels[CREATED_BY_LABEL]
  if (isOwner) labels[CREATED_BY_LABEL] = createdByHash(namespaceOf(externalSecret), nameOf(externalSecret))
  const annotations = { ...content.annotations, [DATA_HASH_ANNOTATION]: dataHashOf(content.data) }
  const ownerReferences = composeOwners(existing, externalSecret, isOwner)
  const { managedFields: _unchanged, ...metadata } = existing?.metadata ?? {
    name: targetNameOf(externalSecret),
    namespace: namespaceOf(externalSecret),
  }
  const { ownerReferences: _replaced, ...kept } = metadata
  return {
    apiVersion: "v1",
    kind: "Secret",
    ...(existing?.type === undefined ? {} : { type: existing.type }),
    ...(freezes
      ? { immutable: true }
      : existing?.immutable === undefined
        ? {}
        : { immutable: existing.immutable }),
    metadata: { ...kept, labels, annotations, ...(ownerReferences.length > 0 ? { ownerReferences } : {}) },
    data: content.data,
  }
}

type Content = { labels: Record<string, string>; annotations: Record<string, string>; data: Data }

function contentAsItIs(existing: SecretObject): Content {
  const { labels = {}, annotations = {} } = existing.metadata
  return { labels, annotations, data: existing.data ?? {} }
}

// What this ExternalSecret wrote before goes away; what it wants now comes in; what others wrote stays if it merges.
function composeContent(
  existing: SecretObject | undefined,
  externalSecret: ExternalSecret,
  fetched: SecretData,
): Content {
  const owned = ownedFields(existing, fieldManagerOf(nameOf(externalSecret)))
  const policy = creationPolicyOf(externalSecret)
  const merges = policy === "Merge" || policy === "CreateOrMerge"
  const wanted = Object.fromEntries(
    [...fetched].map(([key, value]) => [key, Buffer.from(value).toString("base64")]),
  )
  return {
    labels: { ...without(existing?.metadata.labels, owned.labels), ...externalSecret.metadata.labels },
    annotations: {
      ...without(existing?.metadata.annotations, owned.annotations),
      ...externalSecret.metadata.annotations,
    },
    data: merges ? { ...without(existing?.data, owned.data), ...wanted } : wanted,
  }
}

function without(map: Data | undefined, keys: ReadonlySet<string>): Data {
  return Object.fromEntries(Object.entries(map ?? {}).filter(([key]) => !keys.has(key)))
}

type OwnedFields = {
  data: ReadonlySet<string>
  labels: ReadonlySet<string>
  annotations: ReadonlySet<string>
}

/** The members that a field manager owns, according to the object's managed fields. */
function ownedFields(secret: SecretObject | undefined, manager: string): OwnedFields {
  const entries = (secret?.metadata.managedFields ?? []).filter((entry) => entry.manager === manager)
  return {
    data: new Set(entries.flatMap((entry) => fieldNames(entry, ["f:data"]))),
    labels: new Set(entries.flatMap((entry) => fieldNames(entry, ["f:metadata", "f:labels"]))),
    annotations: new Set(entries.flatMap((entry) => fieldNames(entry, ["f:metadata", "f:annotations"]))),
  }
}

function fieldNames(entry: ManagedFieldsEntry, path: readonly string[]): string[] {
  let node: unknown = entry.fieldsV1
  for (const part of path) node = isRecord(node) ? node[part] : undefined
  if (!isRecord(node)) return []
  return Object.keys(node)
    .filter((name) => name.startsWith("f:"))
    .map((name) => name.slice(2))
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null
}

function composeOwners(
  existing: SecretObject | undefined,
  externalSecret: ExternalSecret,
  isOwner: boolean,
): OwnerReference[] {
  const present = existing?.metadata.ownerReferences ?? []
  const isOurs = (reference: OwnerReference) =>
    isExternalSecretReference(reference) && reference.name === externalSecret.metadata.name
  if (!isOwner) {
    const controls = existing !== undefined && isControlledBy(existing, externalSecret)
    return controls ? present.filter((reference) => !isOurs(reference)) : present
  }
  const reference: OwnerReference = {
    apiVersion: API_VERSION,
    kind: "ExternalSecret",
    name: nameOf(externalSecret),
    uid: externalSecret.metadata.uid ?? "",
    controller: true,
    blockOwnerDeletion: true,
  }
  if (!present.some(isOurs)) return [...present, reference]
  return present.map((one) => (isOurs(one) ? reference : one))
}

function nameOf(externalSecret: ExternalSecret): string {
  return externalSecret.metadata.name ?? ""
}

function namespaceOf(externalSecret: ExternalSecret): string {
  return externalSecret.metadata.namespace ?? ""
}
