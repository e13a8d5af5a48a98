/** A real API server with our kinds installed, and operators that run against it, for tests. */

import { spawn } from "node:child_process"
import { randomUUID } from "node:crypto"
import { readFile } from "node:fs/promises"
import { type ControlPlane, startControlPlane } from "@coffer/control-plane"
import { createKubeClient, type KubeClient, parseKubeconfig, silentLogger } from "@coffer/kube-runtime"
import { type OperatorConfig, parseOperatorFlags } from "../config.ts"
import { installCrds } from "../crds/install.ts"
import { type OperatorOptions, runOperator } from "../operator.ts"

export type TestCluster = {
  readonly client: KubeClient
  kubectl(args: readonly string[], input?: string): Promise<string>
  startOperator(options?: Partial<OperatorConfig>, extra?: Partial<OperatorOptions>): RunningOperator
  stop(): Promise<void>
}

export type RunningOperator = { stop(): Promise<void> }

export async function startTestCluster(): Promise<TestCluster> {
  const plane = await startControlPlane()
  const cluster = await parseKubeconfig(await readFile(plane.kubeconfigPath, "utf8"), {
    source: plane.kubeconfigPath,
  })
  const client = createKubeClient(cluster)
  await installCrds(client)
  const running = new Set<RunningOperator>()
  return {
    client,
    kubectl: (args, input = "") => kubectl(plane, args, input),
    startOperator: (config = {}, extra = {}) => {
      const controller = new AbortController()
      const defaults = parseOperatorFlags(["--live-addr="]).config
      const ended = runOperator(
        {
          cluster,
          config: { ...defaults, ...config },
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
    },
    stop: async () => {
      await Promise.all([...running].map((operator) => operator.stop()))
      await client.close()
      await plane.stop()
    },
  }
}

function kubectl(plane: ControlPlane, args: readonly string[], input: string): Promise<string> {
  const flags = [`--kubeconfig=${plane.kubeconfigPath}`, `--cache-dir=${plane.directory}/kubectl-cache`]
  const child = spawn("kubectl", [...flags, ...args], { timeout: 60_000 })
  let stdout = ""
  let stderr = ""
  child.stdout.on("data", (chunk) => {
    stdout += chunk
  })
  child.stderr.on("data", (chunk) => {
    stderr += chunk
  })
  child.stdin.end(input)
  return new Promise((resolve, reject) => {
    child.once("error", reject)
    child.once("close", (code) =>
      code === 0 ? resolve(stdout) : reject(new Error(`kubectl ${args[0]}: ${stderr}`)),
    )
  })
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
