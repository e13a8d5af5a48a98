/**
 * `npm run demo`: the journey of one secret on real parts, from nothing to a Secret in a cluster. Exit code 0
 * only if both outputs of the documented smoke test are as documented. `--keep` leaves everything running.
 */
import { randomUUID } from "node:crypto"
import { parseArgs } from "node:util"
import { describeFailure, renderFailure } from "../failure.ts"
import {
  type JourneyReport,
  observe,
  PROJECT_SLUG,
  provision,
  TEST_NAMESPACE,
  type Traveller,
} from "./journey.ts"
import { openSandbox, type Sandbox } from "./sandbox.ts"

const PARENT_CHECK_MS = 500
const print = (line: string) => void process.stdout.write(`${line}\n`)

async function main(signal: AbortSignal): Promise<number> {
  const { values } = parseArgs({ options: { keep: { type: "boolean", default: false } } })
  const report = createReport()
  const sandbox = await openSandbox({ report: report.step })
  try {
    report.step("starting coffer operator")
    const [isMatch] = await Promise.all([
      travel(sandbox, { report, signal, password: randomUUID() }),
      sandbox.operator.start(),
    ])
    if (values.keep && !signal.aborted) await keep(sandbox, signal)
    return isMatch ? 0 : 1
  } catch (error) {
    if (!signal.aborted) showOutputs(sandbox)
    throw error
  } finally {
    report.step("cleaning up")
    await sandbox.close()
  }
}

async function travel(sandbox: Sandbox, traveller: Traveller): Promise<boolean> {
  await provision(sandbox, traveller)
  const { printedTable, printedValue, differences } = await observe(sandbox, traveller)
  print("")
  print(`$ kubectl get externalsecret cluster-test -n ${TEST_NAMESPACE}`)
  print(printedTable)
  print("")
  print(
    `$ kubectl get secret cluster-test-secret -n ${TEST_NAMESPACE} -o jsonpath='{.data.testValue}' | base64 -d`,
  )
  print(printedValue)
  print("")
  for (const difference of differences) print(`DIFFERENT: ${difference}`)
  if (differences.length === 0) print("Both are as documented.")
  return differences.length === 0
}

async function keep(sandbox: Sandbox, signal: AbortSignal): Promise<void> {
  print(`
Everything keeps running until Ctrl-C. In another terminal:

  export KUBECONFIG=${sandbox.plane.kubeconfigPath}
  export INFISICAL_DOMAIN=${sandbox.server.url} XDG_CONFIG_HOME=${sandbox.server.env["XDG_CONFIG_HOME"] ?? ""}
  npm run -s coffer -- secrets set CLUSTER_TEST_KEY=changed --project ${PROJECT_SLUG} --env prod
  kubectl get secret cluster-test-secret -n ${TEST_NAMESPACE} -o jsonpath='{.data.testValue}' --watch
`)
  const forever = setInterval(() => {}, 2 ** 30)
  await new Promise<void>((resolve) => {
    signal.addEventListener("abort", () => resolve(), { once: true })
  })
  clearInterval(forever)
}

function createReport(): JourneyReport {
  const startMs = performance.now()
  return {
    step: (line) => {
      const seconds = ((performance.now() - startMs) / 1000).toFixed(1).padStart(5)
      print(`${seconds} s  ${line}`)
    },
    command: (line) => print(`         $ ${line}`),
  }
}

function showOutputs(sandbox: Sandbox): void {
  for (const name of ["server", "operator"] as const) {
    try {
      print(`--- last output of coffer ${name} ---\n${sandbox[name].process().output().slice(-4000)}`)
    } catch {
      // it was not started yet, so there is nothing to show
    }
  }
}

/**
 * The first Ctrl-C ends the demo in order, the second at once (children end with this process). The death of whoever
 * started it counts as the first: nobody would be left to press Ctrl-C.
 */
function abortOnSignals(): AbortSignal {
  const controller = new AbortController()
  const parent = process.ppid
  const watch = setInterval(() => {
    if (process.ppid !== parent) controller.abort(new Error("the process that started the demo is gone"))
  }, PARENT_CHECK_MS)
  watch.unref()
  for (const name of ["SIGINT", "SIGTERM"] as const) {
    process.on(name, () => {
      if (controller.signal.aborted) process.exit(130)
      controller.abort(new Error(`stopped by ${name}`))
    })
  }
  return controller.signal
}

const signal = abortOnSignals()
try {
  process.exitCode = await main(signal)
} catch (error) {
  process.stderr.write(`${renderFailure(describeFailure(error, "coffer"), false)}\n`)
  process.exitCode = signal.aborted ? 130 : 1
}
