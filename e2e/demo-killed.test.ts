/** `npm run demo` that is killed: nothing of it stays behind, whoever of its processes was hit. */
import { type ChildProcess, execFileSync, spawn } from "node:child_process"
import { existsSync, readdirSync, readFileSync } from "node:fs"
import { fileURLToPath } from "node:url"
import { controlPlaneTool, describeWithTools } from "@coffer/testkit"
import { afterEach, expect, it } from "vitest"

const repository = fileURLToPath(new URL("..", import.meta.url))
const START_TIMEOUT_MS = 90_000
const END_TIMEOUT_MS = 20_000

type Process = { readonly pid: number; readonly parent: number; readonly line: string }

describeWithTools([controlPlaneTool], "a demo of which one process is killed", () => {
  let npm: ChildProcess | undefined
  let family: readonly Process[] = []

  afterEach(() => {
    npm?.kill("SIGKILL")
    for (const { pid } of family.filter(isRunning)) process.kill(pid, "SIGKILL")
  })

  const victims = ["demo/main.ts", "bootstrap/main.mjs", "npm run"]
  const title = "SIGKILL for '%s' ends server, operator and control plane, and removes the data"
  it.for(victims)(title, { timeout: 150_000 }, async (name) => {
    npm = spawn("npm", ["run", "-s", "demo", "--", "--keep"], {
      cwd: repository,
      stdio: ["ignore", "pipe", "inherit"],
    })
    const output = await printedUntil(npm, /Everything keeps running/)
    const folder = /XDG_CONFIG_HOME=(\S+)\/config/.exec(output)?.[1] ?? ""
    expect(existsSync(folder)).toBe(true)
    family = descendantsOf(npm.pid ?? -1)
    for (const part of ["main.ts server", "main.ts operator", "etcd", "kube-apiserver"]) {
      expect(family.map(({ line }) => line)).toContainEqual(expect.stringContaining(part))
    }

    const victim = family.find(({ line }) => line.includes(name) && !line.startsWith("sh "))
    if (victim === undefined) throw new Error(`no process to kill: ${name}`)
    process.kill(victim.pid, "SIGKILL")

    const left = () => family.filter(isRunning).map(({ line }) => line)
    await expect.poll(left, { timeout: END_TIMEOUT_MS, interval: 100 }).toEqual([])
    await expect.poll(() => existsSync(folder), { timeout: END_TIMEOUT_MS }).toBe(false)
  })
})

/** What it printed up to the line; rejects when it ends before, or takes too long. */
function printedUntil(child: ChildProcess, line: RegExp): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>()
  let output = ""
  const timer = setTimeout(() => reject(new Error(`no ${line} in:\n${output}`)), START_TIMEOUT_MS)
  child.stdout?.setEncoding("utf8").on("data", (text: string) => {
    output += text
    if (line.test(output)) resolve(output)
  })
  child.once("exit", (code) => reject(new Error(`ended with ${code}:\n${output}`)))
  return promise.finally(() => clearTimeout(timer))
}

function descendantsOf(pid: number): readonly Process[] {
  const all = listProcesses()
  const found = new Set([pid])
  // A parent may have a higher number than its child once numbers start over, so one pass is not enough.
  for (let size = 0; size < found.size; ) {
    size = found.size
    for (const one of all) if (found.has(one.parent)) found.add(one.pid)
  }
  return all.filter((one) => found.has(one.pid))
}

/** The same process, not another one that was given its number. */
function isRunning({ pid, line }: Process): boolean {
  return listProcesses().some((one) => one.pid === pid && one.line === line)
}

/** From /proc where there is one (small images have no `ps`), else from `ps`. A process that only waits to be reaped is gone. */
function listProcesses(): Process[] {
  if (existsSync("/proc/self/stat")) return readdirSync("/proc").flatMap(readProcess)
  const table = execFileSync("ps", ["-axo", "pid=,ppid=,args="], { encoding: "utf8", maxBuffer: 2 ** 26 })
  return table.split("\n").flatMap((row) => {
    const [, pid, parent, line] = /^\s*(\d+)\s+(\d+)\s+(.*)$/.exec(row) ?? []
    return line === undefined ? [] : [{ pid: Number(pid), parent: Number(parent), line }]
  })
}

function readProcess(name: string): Process[] {
  if (!/^\d+$/.test(name)) return []
  try {
    const line = readFileSync(`/proc/${name}/cmdline`, "utf8").replaceAll("\0", " ").trim()
    const [, parent] = /\) \S (\d+)/.exec(readFileSync(`/proc/${name}/stat`, "utf8")) ?? []
    return line === "" ? [] : [{ pid: Number(name), parent: Number(parent), line }]
  } catch {
    return [] // it has ended meanwhile
  }
}
