/**
 * A real Kubernetes API server for tests, the demo and benchmarks.
 *
 * Here lives whatever finds, fetches or builds etcd and kube-apiserver (`programs/`), runs them
 * (`running/`) and sees to it that nothing outlives the process that asked (`supervision/`). Nothing here
 * may import another package of the workspace or know an object that Coffer defines, and no production
 * code may import it.
 */
export { ControlPlaneError, type ControlPlaneErrorCode } from "./errors.ts"
export { currentHost, type Host } from "./host.ts"
export { type EnsureOptions, ensurePrograms } from "./programs/ensure-programs.ts"
export { findInstalledPrograms, type Programs } from "./programs/find-programs.ts"
export { reservePort, retryOnTakenPort } from "./running/free-port.ts"
export {
  type ControlPlane,
  type ControlPlaneOptions,
  startControlPlane,
} from "./running/start-control-plane.ts"
export { waitUntilServing } from "./running/wait-until-serving.ts"
export {
  type ProgramExit,
  type ProgramToStart,
  type SupervisedProgram,
  type Supervisor,
  startSupervisor,
} from "./supervision/supervisor.ts"
