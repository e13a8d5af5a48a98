/**
 * Makes etcd and kube-apiserver available: what is installed is taken; else the archive of the ecosystem is
 * downloaded; else, where Go is, they are built. One process at a time prepares, the others wait for it.
 */
import { chmod, mkdir, mkdtemp, open, readdir, rename, rm, stat } from "node:fs/promises"
import { basename, join } from "node:path"
import { ControlPlaneError, describeError } from "../errors.ts"
import { cacheDirectory, currentHost, type Host } from "../host.ts"
import { buildPrograms } from "./build.ts"
import { downloadPrograms } from "./download.ts"
import {
  controlPlaneSeries,
  controlPlaneVersion,
  findInstalledPrograms,
  type ProgramName,
  type Programs,
  versionDirectory,
} from "./find-programs.ts"
import { withPreparationLock } from "./preparation-lock.ts"
import { releaseIndexUrl } from "./release-index.ts"

const partialPrefix = ".partial-"
const partialMaxAgeMs = 24 * 60 * 60_000

export type EnsureOptions = {
  /** Also make kube-controller-manager available; it is in no archive, so it may have to be built. */
  readonly controllerManager?: boolean
  /** Receives one line per step that takes long; the caller prints. */
  readonly report?: (line: string) => void
  readonly host?: Host
  /** Where the index of archives is; default: the one that setup-envtest reads. */
  readonly indexUrl?: string
  /** How long a download may take until its first byte. Default 8 seconds. */
  readonly answerTimeoutMs?: number
}

type Preparation = Required<EnsureOptions>

/**
 * Returns paths of programs that can be run. Throws `programs-unavailable`, with everything that was tried
 * and what to do, or `assets-incomplete` if `KUBEBUILDER_ASSETS` points to the wrong folder.
 */
export async function ensurePrograms(options: EnsureOptions = {}): Promise<Programs> {
  const preparation: Preparation = {
    controllerManager: options.controllerManager ?? false,
    report: options.report ?? (() => {}),
    host: options.host ?? currentHost(),
    indexUrl: options.indexUrl ?? releaseIndexUrl,
    answerTimeoutMs: options.answerTimeoutMs ?? 8_000,
  }
  const installed = findInstalledPrograms(preparation.host)
  if (installed && isEnough(installed, preparation)) return installed
  const cache = cacheDirectory(preparation.host)
  await mkdir(cache, { recursive: true })
  return withPreparationLock(join(cache, "preparation.lock"), preparation.report, () => prepare(preparation))
}

async function prepare(preparation: Preparation): Promise<Programs> {
  await removeAbandoned(cacheDirectory(preparation.host))
  const tried: string[] = []
  // Looked up again each time: another process may have prepared while this one waited for the lock.
  if (!findInstalledPrograms(preparation.host)) {
    tried.push(...whatIsMissing(preparation.host))
    await attempt(tried, "download", () => download(preparation))
  }
  const found = findInstalledPrograms(preparation.host)
  if (!found || !isEnough(found, preparation)) {
    if (found) tried.push("neither KUBEBUILDER_ASSETS nor the cache folder holds kube-controller-manager")
    const all = ["etcd", "kube-apiserver", "kube-controller-manager"] as const
    const names = found ? (["kube-controller-manager"] as const) : all
    await attempt(tried, "build from Go modules", () => build(preparation, names))
  }
  const programs = findInstalledPrograms(preparation.host)
  if (programs && isEnough(programs, preparation)) return programs
  throw unavailable(tried, preparation)
}

function isEnough(programs: Programs, { controllerManager }: Preparation): boolean {
  return !controllerManager || programs.kubeControllerManager !== undefined
}

async function attempt(tried: string[], what: string, work: () => Promise<void>): Promise<void> {
  try {
    await work()
  } catch (error) {
    tried.push(`${what}: ${describeError(error)}`)
  }
}

async function download({ host, indexUrl, answerTimeoutMs, report }: Preparation): Promise<void> {
  await inPartialDirectory(host, async (directory) => {
    const { version, files } = await downloadPrograms(host, directory, { indexUrl, answerTimeoutMs, report })
    await install(files, versionDirectory(host, version))
    report(`installed etcd and kube-apiserver ${version} in ${versionDirectory(host, version)}`)
  })
}

async function build({ host, report }: Preparation, names: readonly ProgramName[]): Promise<void> {
  await inPartialDirectory(host, async (directory) => {
    const files = await buildPrograms(host, directory, { names, report })
    await install(files, versionDirectory(host, controlPlaneVersion))
    report(`installed ${names.join(", ")} in ${versionDirectory(host, controlPlaneVersion)}`)
  })
}

/** A directory on the file system of the cache, so that what is ready there is moved in one step. */
async function inPartialDirectory(host: Host, work: (directory: string) => Promise<void>): Promise<void> {
  const directory = await mkdtemp(join(cacheDirectory(host), partialPrefix))
  try {
    await work(directory)
  } finally {
    await rm(directory, { recursive: true, force: true })
  }
}

/** Each program appears whole or not at all: flushed to disk first, then renamed to its place. */
async function install(files: ReadonlyMap<ProgramName, string>, directory: string): Promise<void> {
  await mkdir(directory, { recursive: true })
  for (const path of files.values()) {
    await chmod(path, 0o755)
    const handle = await open(path, "r")
    await handle.sync().finally(() => handle.close())
    await rename(path, join(directory, basename(path)))
  }
}

/** Removes what a killed preparation left behind; called under the lock, and only after a day. */
async function removeAbandoned(cache: string): Promise<void> {
  const names = (await readdir(cache)).filter((name) => name.startsWith(partialPrefix))
  for (const name of names) {
    const path = join(cache, name)
    const ageMs = Date.now() - (await stat(path)).mtimeMs
    if (ageMs > partialMaxAgeMs) await rm(path, { recursive: true, force: true })
  }
}

function whatIsMissing(host: Host): string[] {
  return [
    "KUBEBUILDER_ASSETS: not set",
    `cache folder: ${cacheDirectory(host)} holds no ${controlPlaneSeries}.x for ${host.os}-${host.arch}`,
  ]
}

function unavailable(tried: readonly string[], { controllerManager }: Preparation): ControlPlaneError {
  const wanted = ["etcd", "kube-apiserver", ...(controllerManager ? ["kube-controller-manager"] : [])].join(
    ", ",
  )
  const advice = controllerManager
    ? "set KUBEBUILDER_ASSETS to a folder that holds them all, or install Go 1.26 or newer (kube-controller-manager is in no archive)"
    : `set KUBEBUILDER_ASSETS to a folder that holds them (setup-envtest use ${controlPlaneSeries} prints one), let this machine reach raw.githubusercontent.com and github.com, or install Go 1.26 or newer`
  return new ControlPlaneError(
    "programs-unavailable",
    `not all of ${wanted} are on this machine, nor could they be put there. Tried:\n${tried
      .map((line) => `  - ${line}`)
      .join("\n")}\nWhat you can do: ${advice}.`,
  )
}
