import { randomBytes } from "node:crypto"
import { join } from "node:path"
import { ControlPlaneError } from "../errors.ts"
import { ensurePrograms } from "../programs/ensure-programs.ts"
import type { Programs } from "../programs/find-programs.ts"
import { type Supervisor, startSupervisor } from "../supervision/supervisor.ts"
import { startApiServer } from "./api-server.ts"
import { startControllerManager } from "./controller-manager.ts"
import { startEtcd } from "./etcd.ts"
import { writeKubeconfig } from "./kubeconfig.ts"

export type ControlPlaneOptions = {
  /** Also runs kube-controller-manager (garbage collection, namespace deletion, service accounts). */
  readonly controllerManager?: boolean
  /** Flush etcd's writes to disk. Default false: the data lives as long as the control plane. */
  readonly fsync?: boolean
  /** How long each program may take until it serves. Default 90 seconds (a busy laptop). */
  readonly readyTimeoutMs?: number
  /** Programs to run instead of those that {@link ensurePrograms} finds, fetches or builds. */
  readonly programs?: Programs
  /** Receives one line per step that takes long; the caller prints. */
  readonly report?: (line: string) => void
}

/** A running Kubernetes API server that belongs to this process and ends with it. */
export interface ControlPlane {
  /** For kubectl and whoever reads kubeconfig files; mode 0600, gone after `stop`. */
  readonly kubeconfigPath: string
  /** `https://127.0.0.1:<port>` */
  readonly url: string
  /** Bearer token of a member of `system:masters`. */
  readonly token: string
  /** PEM of the authority that signed the serving certificate. */
  readonly caBytes: Uint8Array
  /** A folder for files that shall go away with the control plane. */
  readonly directory: string
  /** Process ids, for tests that pause or kill one of them. */
  readonly pids: {
    readonly etcd: number
    readonly kubeApiserver: number
    readonly kubeControllerManager?: number
  }
  /** Ends the programs and removes the directory; may be called again. */
  stop(): Promise<void>
}

/**
 * Starts etcd and kube-apiserver on free loopback ports and returns when they are ready. Any number may
 * run at once. They end with `stop`, and also when this process dies, however it dies. Throws
 * `ControlPlaneError`, after having cleaned up.
 */
export async function startControlPlane(options: ControlPlaneOptions = {}): Promise<ControlPlane> {
  const wantsControllerManager = options.controllerManager ?? false
  const programs =
    options.programs ??
    (await ensurePrograms({
      controllerManager: wantsControllerManager,
      ...(options.report && { report: options.report }),
    }))
  const supervisor = await startSupervisor("coffer-control-plane-")
  try {
    return await startUnder(supervisor, programs, options)
  } catch (error) {
    await supervisor.stop()
    throw error
  }
}

async function startUnder(
  supervisor: Supervisor,
  programs: Programs,
  options: ControlPlaneOptions,
): Promise<ControlPlane> {
  const timeoutMs = options.readyTimeoutMs ?? 90_000
  const token = randomBytes(32).toString("hex")
  const etcd = await startEtcd(supervisor, { file: programs.etcd, fsync: options.fsync ?? false, timeoutMs })
  const apiServer = await startApiServer(supervisor, {
    file: programs.kubeApiserver,
    etcdUrl: etcd.url,
    adminToken: token,
    timeoutMs,
  })
  const { url, caBytes } = apiServer
  const kubeconfigPath = join(supervisor.directory, "kubeconfig")
  await writeKubeconfig(kubeconfigPath, { url, token, caBytes })
  const controllerManager = options.controllerManager
    ? await startControllerManager(supervisor, controllerManagerOf(programs), kubeconfigPath)
    : undefined
  return {
    kubeconfigPath,
    url,
    token,
    caBytes,
    directory: supervisor.directory,
    pids: {
      etcd: etcd.process.pid,
      kubeApiserver: apiServer.process.pid,
      ...(controllerManager && { kubeControllerManager: controllerManager.pid }),
    },
    stop: () => supervisor.stop(),
  }
}

function controllerManagerOf(programs: Programs): string {
  if (programs.kubeControllerManager) return programs.kubeControllerManager
  throw new ControlPlaneError("programs-unavailable", "the given programs lack kube-controller-manager")
}
