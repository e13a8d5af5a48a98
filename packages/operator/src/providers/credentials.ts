/** Credentials that a store refers to: which namespace they come from, and one value out of a Secret or ConfigMap. */
import type { SecretKeySelector } from "../api/meta.ts"
import { type ReadContext, StoreConfigError, type StoreToOpen } from "./provider.ts"

export type KeyedObject = {
  readonly resourceVersion: string
  readonly data: ReadonlyMap<string, Uint8Array>
}

/** Reads the objects that stores refer to. Throws when the object isn't there. */
export interface CredentialReader {
  read(
    kind: "Secret" | "ConfigMap",
    namespace: string,
    name: string,
    context: ReadContext,
  ): Promise<KeyedObject>
}

/** A value with the place and version it was read from; `origin` identifies it without revealing it. */
export type Credential = { readonly value: string; readonly origin: string }

/**
 * Reads one credential. A namespaced store only ever reads its own namespace, whatever the selector says; a
 * cluster-wide store reads the namespace named, or else that of the ExternalSecret.
 */
export async function readCredential(
  reader: CredentialReader,
  store: StoreToOpen,
  selector: SecretKeySelector,
  context: ReadContext,
): Promise<Credential> {
  if (!selector.name || !selector.key)
    throw new StoreConfigError("a credential reference needs a name and a key")
  const namespace =
    store.kind === "ClusterSecretStore" ? (selector.namespace ?? store.namespace) : store.namespace
  if (!namespace) {
    throw new StoreConfigError(
      `the reference to Secret "${selector.name}" needs a namespace in a ClusterSecretStore`,
    )
  }
  const object = await reader.read("Secret", namespace, selector.name, context)
  const value = object.data.get(selector.key)
  if (!value) throw new StoreConfigError(`cannot find secret data for key: "${selector.key}"`)
  return {
    value: Buffer.from(value).toString("utf8").trim(),
    origin: `${namespace}/${selector.name}/${selector.key}@${object.resourceVersion}`,
  }
}
