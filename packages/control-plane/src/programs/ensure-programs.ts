import { ControlPlaneError } from "../errors.ts"
import { currentHost, type Host } from "../host.ts"
import { findInstalledPrograms, type Programs } from "./find-programs.ts"

export type EnsureOptions = {
  readonly controllerManager?: boolean
  readonly host?: Host
  readonly report?: (line: string) => void
}

export async function ensurePrograms(options: EnsureOptions = {}): Promise<Programs> {
  const programs = findInstalledPrograms(options.host ?? currentHost())
  if (!programs)
    throw new ControlPlaneError("programs-unavailable", "etcd and kube-apiserver are not installed")
  return programs
}
