/**
 * Looks for programs that are already on this machine: first where `KUBEBUILDER_ASSETS` points, then in
 * the cache folder. Reads the file system only; nothing is fetched, built or run. Synchronous, because a
 * test file must know before it declares its tests whether they can run.
 */
import { accessSync, constants, readdirSync, statSync } from "node:fs"
import { join } from "node:path"
import { ControlPlaneError } from "../errors.ts"
import { cacheDirectory, type Host } from "../host.ts"

/** The release that is built when nothing is there; any patch release of its series is taken as found. */
export const controlPlaneVersion = "1.36.3"
export const controlPlaneSeries = "1.36"

export type ProgramName = "etcd" | "kube-apiserver" | "kube-controller-manager"

/** Paths of runnable programs. `kubeControllerManager` is there only if it was found or asked for. */
export type Programs = {
  readonly etcd: string
  readonly kubeApiserver: string
  readonly kubeControllerManager?: string
}

/** The folder of the cache that holds the programs of one version for this machine. */
export function versionDirectory(host: Host, version: string): string {
  return join(cacheDirectory(host), version, `${host.os}-${host.arch}`)
}

/**
 * Returns the programs that are installed, or undefined. Throws `assets-incomplete` if `KUBEBUILDER_ASSETS`
 * is set to a folder without etcd and kube-apiserver: a setting that is wrong is never skipped silently.
 */
export function findInstalledPrograms(host: Host): Programs | undefined {
  const assets = host.environment["KUBEBUILDER_ASSETS"]
  const cached = cachedVersions(host).map((version) => versionDirectory(host, version))
  const directories = assets ? [assets, ...cached] : cached
  if (assets && !pairIn(assets, host)) {
    throw new ControlPlaneError(
      "assets-incomplete",
      `KUBEBUILDER_ASSETS is ${assets}, but that folder does not hold runnable programs named etcd and kube-apiserver; correct it, or unset it to let Coffer find them`,
    )
  }
  const pair = firstOf(directories, (directory) => pairIn(directory, host))
  if (!pair) return undefined
  // Archives lack the controller manager; one of the same series from another folder serves as well.
  const kubeControllerManager = firstOf(directories, (directory) =>
    runnable(directory, "kube-controller-manager", host),
  )
  return { ...pair, ...(kubeControllerManager && { kubeControllerManager }) }
}

function pairIn(directory: string, host: Host): Programs | undefined {
  const etcd = runnable(directory, "etcd", host)
  const kubeApiserver = runnable(directory, "kube-apiserver", host)
  return etcd && kubeApiserver ? { etcd, kubeApiserver } : undefined
}

function firstOf<T>(
  directories: readonly string[],
  look: (directory: string) => T | undefined,
): T | undefined {
  for (const directory of directories) {
    const found = look(directory)
    if (found !== undefined) return found
  }
  return undefined
}

/** The path of a program in a folder if it is a file that may be run. */
function runnable(directory: string, name: ProgramName, host: Host): string | undefined {
  const path = join(directory, programFileName(name, host))
  try {
    accessSync(path, constants.X_OK)
    return statSync(path).isFile() ? path : undefined
  } catch {
    return undefined // absent or not runnable: the same to the caller
  }
}

/** The file name a program has on this machine. */
export function programFileName(name: ProgramName, host: Host): string {
  return host.os === "windows" ? `${name}.exe` : name
}

/** Version folders of the wanted series, newest patch first. */
function cachedVersions(host: Host): string[] {
  let names: string[]
  try {
    names = readdirSync(cacheDirectory(host))
  } catch {
    return [] // no cache folder yet
  }
  return names
    .filter((name) => patchOf(name) !== undefined)
    .sort((a, b) => (patchOf(b) ?? 0) - (patchOf(a) ?? 0))
}

/** The patch number of a release of the wanted series, undefined for anything else (pre-releases too). */
export function patchOf(version: string): number | undefined {
  const prefix = `${controlPlaneSeries}.`
  const patch = version.startsWith(prefix) ? version.slice(prefix.length) : ""
  return /^\d{1,4}$/.test(patch) ? Number(patch) : undefined
}
