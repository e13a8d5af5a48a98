/** A real API server with our kinds installed, and operators that run against it, for tests. */
import { randomUUID } from "node:crypto"
import { readFile } from "node:fs/promises"
import type { ControlPlane } from "@coffer/control-plane"
import {
  type ClusterConfig,
  createKubeClient,
  type KubeClient,
  parseKubeconfig,
  silentLogger,
} from "@coffer/kube-runtime"
import { describeWithControlPlane, kubectl, kubectlTool } from "@coffer/testkit"
import { afterAll, beforeAll } from "vitest"
import { type OperatorConfig, parseOperatorFlags } from "../config.ts"
import { installCrds } from "../crds/install.ts"
import { type OperatorOptions, runOperator } from "../operator.ts"

export type TestCluster = {
  readonly plane: ControlPlane
  readonly config: ClusterConfig
  readonly client: KubeClient
  kubectl(args: readonly string[], input?: string): Promise<string>
  startOperator(options?: Partial<OperatorConfig>, extra?: Partial<OperatorOptions>): RunningOperator
}

/** `stop` ends it in order; it ends by itself at the end of the tests otherwise. */
export type RunningOperator = { stop(): Promise<void> }

/**
 * `describe` for tests that need a cluster with our kinds, under the test kit's rule for missing tools. The function
 * handed over gives the cluster inside tests and hooks.
 */
export function describeWithCluster(name: string, define: (cluster: () => TestCluster) => void): void {
  describeWithControlPlane(
    name,
    (plane) => {
      let started: { cluster: TestCluster; stop(): Promise<void> } | undefined
      beforeAll(async () => {
        started = await prepareCluster(plane())
      })
      afterAll(() => started?.stop())
      define(() => {
        if (!started) throw new Error("the cluster is there only inside tests and hooks")
        return started.cluster
      })
    },
    { tools: [kubectlTool] },
  )
}

async function prepareCluster(plane: ControlPlane) {
  const config = await parseKubeconfig(await readFile(plane.kubeconfigPath, "utf8"), {
    source: plane.kubeconfigPath,
  })
  const client = createKubeClient(config)
  await installCrds(client)
  const running = new Set<RunningOperator>()
  const startOperator: TestCluster["startOperator"] = (options = {}, extra = {}) => {
    const controller = new AbortController()
    const defaults = parseOperatorFlags(["--live-addr="]).config
    const ended = runOperator(
      {
        cluster: config,
        config: { ...defaults, ...options },
        logger: silentLogger,
        identity: randomUUID(),
        ...extra,
      },
      controller.signal,
    )
    const operator = {
      stop: async () => {
        running.delete(operator)
        controller.abort()
        await ended
      },
    }
    running.add(operator)
    return operator
  }
  const cluster: TestCluster = {
    plane,
    config,
    client,
    kubectl: (args, input) => kubectl(plane, args, input),
    startOperator,
  }
  const stop = async () => {
    await Promise.all([...running].map((operator) => operator.stop()))
    await client.close()
  }
  return { cluster, stop }
}

/** Asks again until the check passes; fails with the check's own error after the limit. */
export async function eventually<T>(check: () => Promise<T> | T, limitMs = 20_000): Promise<T> {
  const deadline = performance.now() + limitMs
  for (;;) {
    try {
      return await check()
    } catch (error) {
      if (performance.now() > deadline) throw error
      await new Promise((resolve) => setTimeout(resolve, 50))
    }
  }
}
