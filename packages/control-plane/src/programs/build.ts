import { execFile } from "node:child_process"
import { accessSync, constants } from "node:fs"
import { mkdir } from "node:fs/promises"
import { delimiter, join } from "node:path"
import { setTimeout as pause } from "node:timers/promises"
import { fileURLToPath } from "node:url"
import { promisify } from "node:util"
import { ControlPlaneError, describeError } from "../errors.ts"
import type { Host } from "../host.ts"
import { type SupervisedProgram, type Supervisor, startSupervisor } from "../supervision/supervisor.ts"
import { controlPlaneVersion, type ProgramName, programFileName } from "./find-programs.ts"

const oldestGo = { major: 1, minor: 26 }
const buildTimeoutMs = 45 * 60_000
const progressIntervalMs = 15_000

/** The module that pins what is built; `go.sum` verifies every byte of it. */
const moduleDirectory = fileURLToPath(new URL("../../go/", import.meta.url))

const packages: Readonly<Record<ProgramName, string>> = {
  etcd: "go.etcd.io/etcd/server/v3",
  "kube-apiserver": "k8s.io/kubernetes/cmd/kube-apiserver",
  "kube-controller-manager": "k8s.io/kubernetes/cmd/kube-controller-manager",
}

export type BuildOptions = {
  readonly names: readonly ProgramName[]
  readonly report: (line: string) => void
}

/**
 * Builds programs from Go modules into `directory` and returns their paths. Takes minutes, and reports
 * what it is at. Throws `build-failed` if there is no Go of the needed version or a build fails.
 */
export async function buildPrograms(
  host: Host,
  directory: string,
  options: BuildOptions,
): Promise<Map<ProgramName, string>> {
  const go = await findGo(host)
  const files = new Map<ProgramName, string>()
  const supervisor = await startSupervisor("coffer-go-build-")
  try {
    for (const name of options.names) {
      const path = join(directory, programFileName(name, host))
      options.report(`building ${name} from Go modules (all programs take about five minutes, once)`)
      await buildProgram({ go, host, name, path, supervisor }, options.report)
      files.set(name, path)
    }
  } finally {
    await supervisor.stop()
  }
  return files
}

type Build = {
  readonly go: string
  readonly host: Host
  readonly name: ProgramName
  readonly path: string
  readonly supervisor: Supervisor
}

async function buildProgram(build: Build, report: (line: string) => void): Promise<void> {
  const { go, host, name, path, supervisor } = build
  const temporary = join(supervisor.directory, "go-tmp")
  await mkdir(temporary, { recursive: true })
  const program = await supervisor.start({
    name: `go-build-${name}`,
    file: go,
    args: ["-C", moduleDirectory, "build", "-trimpath", ...linkerFlags(name), "-o", path, packages[name]],
    environment: { ...definedOnly(host.environment), CGO_ENABLED: "0", GOTMPDIR: temporary },
  })
  await waitForBuild(name, program, report)
  const { exitCode } = await program.exited
  if (exitCode !== 0) {
    throw new ControlPlaneError("build-failed", `go build of ${name} failed:\n${await program.readLogTail()}`)
  }
}

async function waitForBuild(
  name: string,
  program: SupervisedProgram,
  report: (line: string) => void,
): Promise<void> {
  const startedMs = performance.now()
  const isOver = program.exited.then(() => true)
  for (;;) {
    const stopWaiting = new AbortController()
    const tick = pause(progressIntervalMs, false, { signal: stopWaiting.signal }).catch(() => false)
    if (await Promise.race([isOver, tick])) {
      stopWaiting.abort()
      return
    }
    const elapsedMs = performance.now() - startedMs
    if (elapsedMs > buildTimeoutMs) {
      throw new ControlPlaneError(
        "build-failed",
        `${name} was not built within ${buildTimeoutMs / 60_000} minutes`,
      )
    }
    report(`still building ${name}, ${Math.round(elapsedMs / 1000)} seconds so far`)
  }
}

/** Kubernetes programs learn their version from the linker; without it they call themselves v0.0.0. */
function linkerFlags(name: ProgramName): string[] {
  if (name === "etcd") return []
  const [major, minor] = controlPlaneVersion.split(".")
  const values = { gitVersion: `v${controlPlaneVersion}`, gitMajor: major, gitMinor: minor }
  const settings = Object.entries(values).map(
    ([key, value]) => `-X k8s.io/component-base/version.${key}=${value}`,
  )
  return ["-ldflags", `-s -w ${settings.join(" ")}`]
}

async function findGo(host: Host): Promise<string> {
  const folders = (host.environment["PATH"] ?? "").split(delimiter).filter((folder) => folder !== "")
  const go = folders.map((folder) => join(folder, host.os === "windows" ? "go.exe" : "go")).find(isRunnable)
  const wanted = `Go ${oldestGo.major}.${oldestGo.minor} or newer`
  if (!go) throw new ControlPlaneError("build-failed", `no go on the PATH (${wanted} is needed)`)
  const version = await goVersion(go)
  const [, major, minor] = /go(\d+)\.(\d+)/.exec(version) ?? []
  const isNewEnough =
    Number(major) > oldestGo.major || (Number(major) === oldestGo.major && Number(minor) >= oldestGo.minor)
  if (!isNewEnough) {
    throw new ControlPlaneError(
      "build-failed",
      `${go} is ${version || "of unknown version"}; ${wanted} is needed`,
    )
  }
  return go
}

async function goVersion(go: string): Promise<string> {
  try {
    const { stdout } = await promisify(execFile)(go, ["env", "GOVERSION"], { timeout: 10_000 })
    return stdout.trim()
  } catch (error) {
    throw new ControlPlaneError("build-failed", `${go} does not run: ${describeError(error)}`, {
      cause: error,
    })
  }
}

function isRunnable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false // absent or not runnable: the same to the caller
  }
}

function definedOnly(environment: Host["environment"]): Record<string, string> {
  return Object.fromEntries(
    Object.entries(environment).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])),
  )
}
