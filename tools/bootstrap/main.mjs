#!/usr/bin/env node
// The first program that runs: plain JavaScript for Node >= 20 and nothing installed. It installs what
// the lock file names, then hands over to the Node that the lock file pins, which runs TypeScript.
import { spawn } from "node:child_process"
import { existsSync, readFileSync } from "node:fs"
import { constants } from "node:os"
import { delimiter, join } from "node:path"
import { installIfNeeded, pinnedNode, repositoryRoot } from "./install.mjs"

/**
 * What each npm script runs once everything is installed; `fetch` = the control plane is wanted too, with `fetchFor` only
 * when the first argument is one of these.
 */
const commands = {
  start: { run: ["apps/coffer/src/main.ts", "server"] },
  coffer: { run: ["apps/coffer/src/main.ts"] },
  check: { run: ["tools/check/main.ts"] },
  build: { run: ["tools/build/main.ts"] },
  bench: { run: ["bench/main.ts"], fetch: "wanted", fetchFor: ["sync"] },
  demo: { run: ["apps/coffer/src/demo/main.ts"], fetch: "needed" },
  test: { run: ["tools/test/main.ts"], fetch: "wanted" },
}

async function main() {
  const [name, ...rest] = process.argv.slice(2)
  const command = commands[name]
  if (command === undefined) {
    console.error(`unknown command '${name ?? ""}'; known: ${Object.keys(commands).join(", ")}`)
    return 2
  }
  const installed = installIfNeeded()
  if (installed !== 0) return installed
  const node = pinnedNode()
  if (command.fetch !== undefined && (command.fetchFor?.includes(rest[0]) ?? true)) {
    const fetched = await runNode(node, ["packages/control-plane/src/main.ts", "--fetch-only"])
    const isRequired = command.fetch === "needed" || process.env.CI === "true"
    if (fetched !== 0 && isRequired) return fetched
  }
  return runNode(node, [...command.run, ...rest])
}

function runNode(node, args) {
  const path = [join(repositoryRoot, "node_modules", ".bin"), process.env.PATH ?? ""].join(delimiter)
  const [script, ...rest] = args
  const file = join(repositoryRoot, script)
  if (!existsSync(file)) {
    console.error(`${script} is missing from this checkout`)
    return 1
  }
  const child = spawn(node, [file, ...rest], { stdio: "inherit", env: { ...process.env, PATH: path } })
  forwardSignals(child)
  stopWithParent(child)
  return new Promise((resolve) => {
    child.once("error", (error) => {
      console.error(`could not start ${node}: ${error.message}`)
      resolve(1)
    })
    child.once("exit", (status, signal) => resolve(status ?? 128 + (constants.signals[signal] ?? 0)))
  })
}

/** A terminal sends Ctrl-C to the child as well; every other signal reaches only this process. */
function forwardSignals(child) {
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) {
    process.on(signal, () => {
      if (signal === "SIGINT" && process.stdin.isTTY) return
      child.kill(signal)
    })
  }
}

/**
 * npm does not pass every signal on, and passes none on when it is killed: a server would stay, and keep its data folder
 * to itself. Nobody is told of a parent that is gone, but the system gives its children another one.
 */
function stopWithParent(child) {
  if (process.env.npm_lifecycle_event === undefined) return
  const started = ancestors()
  const timer = setInterval(() => {
    if (ancestors() === started) return
    clearInterval(timer)
    child.kill("SIGTERM")
  }, 500)
  timer.unref()
}

/** Our parent is npm, or a shell that outlives npm: its parent counts too, where /proc tells of it. */
function ancestors() {
  try {
    const [, grandparent] = /\) \S (\d+)/.exec(readFileSync(`/proc/${process.ppid}/stat`, "utf8")) ?? []
    return `${process.ppid} ${grandparent}`
  } catch {
    return `${process.ppid}` // no /proc on this system
  }
}

process.exitCode = await main()
