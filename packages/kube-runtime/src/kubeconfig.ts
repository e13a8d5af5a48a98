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
  readonly readToken?: ((options?: { fresh?: boolean }) => Promise<string>) | undefined
  readonly readClientCertificate?: (() => { certificate: string; key: string }) | undefined
  /** The namespace of the context or of the pod; "default" if none is set. */
  readonly namespace: string
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
}

/**
 * Finds the cluster to talk to: explicit path, then KUBECONFIG, then the pod's service account, then
 * `$HOME/.kube/config`. Throws KubeconfigError if none is there or the one found cannot be used.
 */
export async function loadClusterConfig(_options: LoadClusterConfigOptions): Promise<ClusterConfig> {
  throw new Error("not there yet")
}

/** The same from the text of a kubeconfig. `source` is used in messages and to resolve relative file names. */
export async function parseKubeconfig(
  _text: string,
  _options: { source: string; context?: string | undefined },
): Promise<ClusterConfig> {
  throw new Error("not there yet")
}
