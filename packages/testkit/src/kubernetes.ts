import { spawn } from "node:child_process"
import { join } from "node:path"
import {
  type ControlPlane,
  type ControlPlaneOptions,
  currentHost,
  findInstalledPrograms,
  startControlPlane,
} from "@coffer/control-plane"
import { afterAll, beforeAll } from "vitest"
import { describeWithTools, programOnPath, type Tool } from "./tools.ts"

const kubectlTimeoutMs = 60_000

/** etcd and kube-apiserver, already on this machine; `npm test` puts them there before the tests. */
export const controlPlaneTool: Tool = {
  name: "a Kubernetes control plane",
  hint: "node packages/control-plane/src/main.ts --fetch-only",
  find: () => findInstalledPrograms(currentHost())?.kubeApiserver,
}

/** kube-controller-manager is in no archive, so a machine may have the control plane without it. */
export const controllerManagerTool: Tool = {
  name: "kube-controller-manager",
  hint: "node packages/control-plane/src/main.ts --fetch-only --controller-manager (needs Go)",
  find: () => findInstalledPrograms(currentHost())?.kubeControllerManager,
}

export const kubectlTool: Tool = programOnPath("kubectl", "see https://kubernetes.io/docs/tasks/tools/")

/** `describe` for tests that need a Kubernetes API server: one per call, handed over by a function. */
export function describeWithControlPlane(
  name: string,
  define: (plane: () => ControlPlane) => void,
  options: ControlPlaneOptions & { readonly tools?: readonly Tool[] } = {},
): void {
  const { tools = [], ...planeOptions } = options
  const needed = planeOptions.controllerManager
    ? [controlPlaneTool, controllerManagerTool]
    : [controlPlaneTool]
  describeWithTools([...needed, ...tools], name, () => {
    let running: ControlPlane | undefined
    beforeAll(async () => {
      running = await startControlPlane(planeOptions)
    })
    afterAll(() => running?.stop())
    define(() => {
      if (!running) throw new Error("the control plane runs only inside tests and hooks")
      return running
    })
  })
}

/** kubectl ended with an exit code other than 0; the message holds what it printed to standard error. */
export class KubectlError extends Error {
  readonly exitCode: number | null

  constructor(args: readonly string[], exitCode: number | null, stderr: string) {
    super(`kubectl ${args[0]} ended with ${exitCode}: ${stderr.trim()}`)
    this.name = "KubectlError"
    this.exitCode = exitCode
  }
}

/**
 * Runs kubectl against a control plane and returns what it printed: `await kubectl(plane, ["apply", "-f",
 * "-"], manifest)`. Throws `KubectlError` if it fails or takes over a minute.
 */
export function kubectl(plane: ControlPlane, args: readonly string[], stdin = ""): Promise<string> {
  // Discovery is cached by host and port, and ports come back with other clusters behind them.
  const cache = `--cache-dir=${join(plane.directory, "kubectl-cache")}`
  const child = spawn("kubectl", [`--kubeconfig=${plane.kubeconfigPath}`, cache, ...args], {
    stdio: ["pipe", "pipe", "pipe"],
    timeout: kubectlTimeoutMs,
  })
  const stdout: Buffer[] = []
  const stderr: Buffer[] = []
  child.stdout.on("data", (chunk: Buffer) => stdout.push(chunk))
  child.stderr.on("data", (chunk: Buffer) => stderr.push(chunk))
  child.stdin.on("error", () => {
    // kubectl ended without reading it all; its exit code tells the rest
  })
  child.stdin.end(stdin)
  return new Promise((resolve, reject) => {
    child.once("error", reject)
    child.once("close", (exitCode) => {
      if (exitCode === 0) resolve(Buffer.concat(stdout).toString("utf8"))
      else reject(new KubectlError(args, exitCode, Buffer.concat(stderr).toString("utf8")))
    })
  })
}
