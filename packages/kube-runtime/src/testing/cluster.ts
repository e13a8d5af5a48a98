import { afterAll, beforeAll } from "vitest"
import type { KubeClient, KubeClientOptions } from "../client.ts"
import type { ClusterConfig } from "../cluster-config.ts"
import { NAMESPACES } from "../core-resources.ts"
import { createKubeClient } from "../create-client.ts"

/** What these tests need of a control plane; each test file says how to start one. */
export interface ControlPlane {
  readonly kubeconfigPath: string
  readonly url: string
  readonly token: string
  readonly caBytes: Uint8Array
  readonly pids: { readonly etcd: number; readonly kubeApiserver: number }
  stop(): Promise<void>
}

/** A real API server for one test file; each test makes its own namespace. */
export interface TestCluster {
  readonly controlPlane: ControlPlane
  readonly config: ClusterConfig
  readonly client: KubeClient
  /** Another client of the same server, closed at the end. */
  aClient(options?: KubeClientOptions & { server?: string }): KubeClient
  aNamespace(): Promise<string>
}

/** Call it once at the top of a file; the returned function gives the cluster inside tests. */
export function useCluster(startControlPlane: () => Promise<ControlPlane>): () => TestCluster {
  let cluster: TestCluster | undefined
  const clients: KubeClient[] = []
  beforeAll(async () => {
    const controlPlane = await startControlPlane()
    const config: ClusterConfig = {
      source: "test",
      server: controlPlane.url,
      certificateAuthority: Buffer.from(controlPlane.caBytes).toString("utf8"),
      readToken: async () => controlPlane.token,
      namespace: "default",
    }
    const aClient = ({
      server = controlPlane.url,
      ...options
    }: KubeClientOptions & { server?: string } = {}) => {
      const client = createKubeClient({ ...config, server }, options)
      clients.push(client)
      return client
    }
    const client = aClient()
    let count = 0
    const aNamespace = async () => {
      const name = `test-${++count}`
      await client.create(NAMESPACES, { metadata: { name } })
      return name
    }
    cluster = { controlPlane, config, client, aClient, aNamespace }
  })
  afterAll(async () => {
    await Promise.all(clients.map((client) => client.close()))
    await cluster?.controlPlane.stop()
  })
  return () => {
    if (!cluster) throw new Error("the cluster is there only inside tests")
    return cluster
  }
}
