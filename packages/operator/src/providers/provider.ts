/**
 * What a provider is to the operator: something that opens a store and reads secrets from it. Small on purpose, so
 * that others can be added. No Kubernetes client, no logger and no clock of its own in here.
 */
import type { Find, RemoteRef } from "../api/external-secret.ts"
import type { SecretData } from "../data/keys.ts"

/** A read may be answered by an earlier one that began at or after `notOlderThanMs` (wall clock). */
export type ReadContext = { readonly signal: AbortSignal; readonly notOlderThanMs: number }

/** The store to open, and the namespace that credentials without one are read from ("" while a cluster-wide store is validated). */
export type StoreToOpen = {
  readonly kind: "SecretStore" | "ClusterSecretStore"
  readonly name: string
  readonly namespace: string
  readonly settings: unknown
}

export type Validation =
  | { readonly kind: "ready" }
  | { readonly kind: "unknown"; readonly error?: Error }
  | { readonly kind: "failed"; readonly error: Error }

export interface StoreClient {
  /** Says whether the store can be used. Never throws for what the store answered. */
  validate(context: ReadContext): Promise<Validation>
  /** One value. Throws {@link NoSecretError} only if the provider says that the secret itself isn't there. */
  getSecret(ref: RemoteRef, context: ReadContext): Promise<Uint8Array>
  /** One secret's JSON object as keys and values. Throws like `getSecret`. */
  getSecretMap(ref: RemoteRef, context: ReadContext): Promise<SecretData>
  /** All secrets that match; none is an answer, a folder that isn't there is an error. */
  findSecrets(find: Find, context: ReadContext): Promise<SecretData>
}

export interface Provider {
  readonly capabilities: "ReadOnly" | "WriteOnly" | "ReadWrite"
  /** Set when every store of this provider deserves a warning. */
  readonly isUnmaintained?: boolean
  /** Builds a client: reads the settings and the credentials, logs in. Throws when that isn't possible. */
  open(store: StoreToOpen, context: ReadContext): Promise<StoreClient>
}

/** The provider says that there is no such secret. */
export class NoSecretError extends Error {
  override readonly name = "NoSecretError"
  constructor() {
    super("Secret does not exist")
  }
}

/** The store can't be opened as it is configured; somebody has to change something. */
export class StoreConfigError extends Error {
  override readonly name = "StoreConfigError"
}

/** The provider asks to be left alone for a while. */
export class ProviderBusyError extends Error {
  override readonly name = "ProviderBusyError"
  readonly retryAfterMs: number
  constructor(message: string, retryAfterMs: number) {
    super(message)
    this.retryAfterMs = retryAfterMs
  }
}
