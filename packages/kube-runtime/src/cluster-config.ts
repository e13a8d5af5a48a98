import type { Clock } from "./clock.ts"

/** What a client needs to know about a cluster. Credentials are functions, so that printing a config shows none. */
export interface ClusterConfig {
  /** Where this came from, for messages: a file and context, or "in-cluster". */
  readonly source: string
  /** `https://host:port`, possibly with a path prefix. */
  readonly server: string
  /** PEM. Absent: the system's roots. */
  readonly certificateAuthority?: string | undefined
  readonly insecureSkipTlsVerify?: boolean | undefined
  readonly tlsServerName?: string | undefined
  /** Reads the bearer token; `fresh` bypasses the cache (used once after a 401). */
  readonly readToken?: ReadToken | undefined
  readonly readClientCertificate?: (() => ClientCertificate) | undefined
  /** The namespace of the context or of the pod; "default" if none is set. */
  readonly namespace: string
}

export type ReadToken = (options?: { fresh?: boolean }) => Promise<string>

/** PEM both. */
export interface ClientCertificate {
  readonly certificate: string
  readonly key: string
}

export interface LoadClusterConfigOptions {
  /** Explicit file; wins over everything. */
  readonly kubeconfigPath?: string | undefined
  /** Context to use instead of `current-context`. */
  readonly context?: string | undefined
  /** The process environment (KUBECONFIG, KUBERNETES_SERVICE_HOST, HOME). */
  readonly environment: Readonly<Record<string, string | undefined>>
  /** Where the pod's service account is mounted. */
  readonly serviceAccountFolder?: string | undefined
  readonly clock?: Clock | undefined
}
