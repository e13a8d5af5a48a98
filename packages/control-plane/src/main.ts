/**
 * For developers and scripts: makes the programs available, and unless `--fetch-only` is given starts one
 * control plane, prints the path of its kubeconfig and waits for Ctrl-C.
 */
import { parseArgs } from "node:util"
import { ControlPlaneError } from "./errors.ts"
import { type EnsureOptions, ensurePrograms } from "./programs/ensure-programs.ts"
import type { Programs } from "./programs/find-programs.ts"
import { startControlPlane } from "./running/start-control-plane.ts"

const usage = `Usage: node packages/control-plane/src/main.ts [options]

  --fetch-only           only make etcd and kube-apiserver available
  --controller-manager   include kube-controller-manager (with CI=true, --fetch-only tries to anyway)
  --index-url URL        index of archives to download from, as setup-envtest takes it
  --help                 print this text
`

async function main(): Promise<number> {
  const { values, problem } = readArguments()
  if (problem !== undefined) {
    process.stderr.write(`${problem}\n\n${usage}`)
    return 2
  }
  if (values.help) {
    process.stdout.write(usage)
    return 0
  }
  const options: EnsureOptions = {
    report,
    ...(values["index-url"] && { indexUrl: values["index-url"] }),
  }
  const wantsControllerManager = values["controller-manager"] ?? false
  if (values["fetch-only"]) {
    const programs = await fetchAll(options, wantsControllerManager)
    report(`ready: ${Object.values(programs).join(", ")}`)
    return 0
  }
  const programs = await ensurePrograms({ ...options, controllerManager: wantsControllerManager })
  return runUntilSignal(programs, wantsControllerManager)
}

/** On CI no test may be skipped, so the program that no archive holds is made available too, if it can be. */
async function fetchAll(options: EnsureOptions, wantsControllerManager: boolean): Promise<Programs> {
  if (wantsControllerManager) return ensurePrograms({ ...options, controllerManager: true })
  const programs = await ensurePrograms(options)
  if (process.env["CI"] !== "true" || programs.kubeControllerManager) return programs
  try {
    return await ensurePrograms({ ...options, controllerManager: true })
  } catch (error) {
    if (!(error instanceof ControlPlaneError)) throw error
    report(`tests that need kube-controller-manager will fail: ${error.message}`)
    return programs
  }
}

async function runUntilSignal(programs: Programs, controllerManager: boolean): Promise<number> {
  const ended = new Promise<void>((resolve) => {
    for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.once(signal, () => resolve())
  })
  report("starting etcd and kube-apiserver")
  const plane = await startControlPlane({ programs, controllerManager, report })
  process.stdout.write(`${plane.kubeconfigPath}\n`)
  report(`serving ${plane.url}; try: kubectl --kubeconfig ${plane.kubeconfigPath} get namespaces`)
  report("Ctrl-C ends it and removes its data")
  await ended
  await plane.stop()
  return 0
}

function readArguments() {
  const options = {
    "fetch-only": { type: "boolean" },
    "controller-manager": { type: "boolean" },
    "index-url": { type: "string" },
    help: { type: "boolean" },
  } as const
  try {
    return { values: parseArgs({ options, strict: true }).values, problem: undefined }
  } catch (error) {
    return { values: {}, problem: error instanceof Error ? error.message : String(error) }
  }
}

function report(line: string): void {
  process.stderr.write(`control plane: ${line}\n`)
}

try {
  process.exitCode = await main()
} catch (error) {
  if (!(error instanceof ControlPlaneError)) throw error
  report(error.message)
  process.exitCode = 1
}
