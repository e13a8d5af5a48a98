/** The ExternalSecret as the API server stores it (v1), as far as this release acts on it. */
import type { DecodingStrategy } from "../data/decoding.ts"
import type { Condition } from "./meta.ts"

export type StoreRef = { readonly name?: string; readonly kind?: "SecretStore" | "ClusterSecretStore" }

export type RemoteRef = {
  readonly key: string
  readonly property?: string
  readonly version?: string
  readonly conversionStrategy?: "Default" | "Unicode"
  readonly decodingStrategy?: DecodingStrategy
  readonly metadataPolicy?: "None" | "Fetch"
  readonly nullBytePolicy?: "Ignore" | "Fail"
}

export type Find = {
  readonly path?: string
  readonly name?: { readonly regexp?: string }
  readonly tags?: Readonly<Record<string, string>>
  readonly conversionStrategy?: "Default" | "Unicode"
  readonly decodingStrategy?: DecodingStrategy
  readonly nullBytePolicy?: "Ignore" | "Fail"
}

export type RewriteMerge = {
  readonly into?: string
  readonly priority?: readonly string[]
  readonly priorityPolicy?: "IgnoreNotFound" | "Strict"
  readonly conflictPolicy?: "Ignore" | "Error"
  readonly strategy?: "Extract" | "JSON"
}

export type RewriteOperation = {
  readonly regexp?: { readonly source: string; readonly target: string }
  readonly transform?: { readonly template: string }
  readonly merge?: RewriteMerge
}

export type GeneratorRef = { readonly apiVersion?: string; readonly kind: string; readonly name: string }

export type SourceRef = { readonly storeRef?: StoreRef; readonly generatorRef?: GeneratorRef }

export type DataEntry = {
  readonly secretKey: string
  readonly remoteRef: RemoteRef
  readonly sourceRef?: SourceRef
}

export type DataFromEntry = {
  readonly extract?: RemoteRef
  readonly find?: Find
  readonly rewrite?: readonly RewriteOperation[]
  readonly sourceRef?: SourceRef
}

export type CreationPolicy = "Owner" | "Orphan" | "Merge" | "None" | "CreateOrMerge"
export type DeletionPolicy = "Delete" | "Merge" | "Retain"

export type Target = {
  readonly name?: string
  readonly creationPolicy?: CreationPolicy
  readonly deletionPolicy?: DeletionPolicy
  readonly immutable?: boolean
  readonly manifest?: { readonly apiVersion: string; readonly kind: string }
  readonly template?: Readonly<Record<string, unknown>>
}

export type ExternalSecretSpec = {
  readonly secretStoreRef?: StoreRef
  readonly target?: Target
  readonly refreshPolicy?: "CreatedOnce" | "Periodic" | "OnChange"
  readonly refreshInterval?: string
  readonly syncWindows?: { readonly kind: string; readonly windows: readonly unknown[] }
  readonly data?: readonly DataEntry[]
  readonly dataFrom?: readonly DataFromEntry[]
}

export type ExternalSecretStatus = {
  readonly refreshTime?: string | null
  readonly syncedResourceVersion?: string
  readonly conditions?: readonly Condition[]
  readonly binding?: { readonly name?: string }
}
