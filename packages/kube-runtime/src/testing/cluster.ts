import type { ControlPlane } from "@coffer/control-plane"
import { describeWithControlPlane } from "@coffer/testkit"
import { afterAll, beforeAll } from "vitest"
import type { KubeClient, KubeClientOptions } from "../client.ts"
import type { ClusterConfig } from "../cluster-config.ts"
import { NAMESPACES } from "../core-resources.ts"
import { createKubeClient } from "../create-client.ts"

/** A real API server for one test file; each test makes its own namespace. */
export interface TestCluster {
  readonly controlPlane: ControlPlane
  readonly config: ClusterConfig
  readonly client: KubeClient
  /** Another client of the same server, closed at the end. */
  aClient(options?: KubeClientOptions & { server?: string }): KubeClient
  aNamespace(): Promise<string>
}

/**
 * `describe` for tests that need a real API server, under the test kit's rule for missing tools: one per call. The
 * function handed over gives the cluster inside tests and hooks.
 */
export function describeWithCluster(name: string, define: (cluster: () => TestCluster) => void): void {
  describeWithControlPlane(name, (plane) => {
    const clients: KubeClient[] = []
    let cluster: TestCluster | undefined
    beforeAll(() => {
      cluster = aCluster(plane(), clients)
    })
    afterAll(() => Promise.all(clients.map((client) => client.close())))
    define(() => {
      if (!cluster) throw new Error("the cluster is there only inside tests and hooks")
      return cluster
    })
  })
}

function aCluster(controlPlane: ControlPlane, clients: KubeClient[]): TestCluster {
  const config: ClusterConfig = {
    source: "test",
    server: controlPlane.url,
    certificateAuthority: Buffer.from(controlPlane.caBytes).toString("utf8"),
    readToken: async () => controlPlane.token,
    namespace: "default",
  }
  const aClient: TestCluster["aClient"] = ({ server = controlPlane.url, ...options } = {}) => {
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
  return { controlPlane, config, client, aClient, aNamespace }
}
