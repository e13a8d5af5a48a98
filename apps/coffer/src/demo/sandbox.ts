/**
 * Everything the journey needs, started and taken down together: a control plane, a server with its data in
 * a temporary folder, an operator; each a process of its own, none of them touching the user's own login. All of it
 * ends and the folder goes when this process does, however it ends.
 */
import { type ControlPlane, startControlPlane, startSupervisor } from "@coffer/control-plane"
import { createKubeClient, type KubeClient, loadClusterConfig } from "@coffer/kube-runtime"
import { installCrds } from "@coffer/operator"
import { ChildProcesses } from "./processes.ts"
import { prepareOperator, type Restartable, type RestartableServer, startServer } from "./restartable.ts"

export type SandboxOptions = {
  readonly report: (line: string) => void
  /** A control plane that runs already and is not stopped with the sandbox. */
  readonly plane?: ControlPlane
}

export interface Sandbox {
  readonly plane: ControlPlane
  readonly kube: KubeClient
  /** Temporary; gone after `close`, and after this process. */
  readonly folder: string
  /** Running. */
  readonly server: RestartableServer
  /** Not running until started. */
  readonly operator: Restartable
  close(): Promise<void>
}

type Undo = () => Promise<unknown>

/** @throws when any part does not start; what was started is taken down before */
export async function openSandbox(options: SandboxOptions): Promise<Sandbox> {
  const opened: Undo[] = []
  const close = async () => {
    for (const undo of opened.splice(0).reverse()) await undo()
  }
  try {
    return { ...(await open(options, opened)), close }
  } catch (error) {
    await close()
    throw error
  }
}

async function open(options: SandboxOptions, opened: Undo[]): Promise<Omit<Sandbox, "close">> {
  const { report } = options
  const supervisor = await startSupervisor("coffer-demo-")
  opened.push(() => supervisor.stop())
  const folder = supervisor.directory
  const plane = options.plane ?? (await startPlane(report, opened))
  const kube = await connectTo(plane)
  opened.push(() => kube.close())
  const processes = new ChildProcesses()
  opened.push(() => processes.stopAll())
  report("installing the custom resource definitions")
  await installCrds(kube)
  report("starting coffer server")
  const server = await startServer(processes, folder)
  const operator = prepareOperator(processes, folder, plane.kubeconfigPath)
  return { plane, kube, folder, server, operator }
}

async function startPlane(report: (line: string) => void, opened: Undo[]): Promise<ControlPlane> {
  report("starting a Kubernetes control plane (etcd, kube-apiserver)")
  const plane = await startControlPlane({ report })
  opened.push(() => plane.stop())
  return plane
}

async function connectTo(plane: ControlPlane): Promise<KubeClient> {
  const config = await loadClusterConfig({ kubeconfigPath: plane.kubeconfigPath, environment: {} })
  return createKubeClient(config, { userAgent: "coffer-demo" })
}
