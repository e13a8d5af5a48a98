import { type ChildProcess, execFileSync, spawn } from "node:child_process"
import { once } from "node:events"
import { existsSync, readdirSync, readFileSync } from "node:fs"
import { dirname } from "node:path"
import { fileURLToPath } from "node:url"
import { controlPlaneTool, describeWithTools } from "@coffer/testkit"
import { afterEach, expect, it } from "vitest"

const script = fileURLToPath(new URL("./main.ts", import.meta.url))
const started: ChildProcess[] = []

afterEach(() => {
  for (const child of started.splice(0)) child.kill("SIGKILL")
})

describeWithTools([controlPlaneTool], "the command", () => {
  it("leaves no process and no file behind when it is killed with SIGKILL", async () => {
    const { child, directory } = await serve()
    expect(processesOf(directory)).toHaveLength(2)
    child.kill("SIGKILL")
    await expect.poll(() => processesOf(directory), { timeout: 15_000 }).toEqual([])
    await expect.poll(() => existsSync(directory), { timeout: 15_000 }).toBe(false)
  })

  it("leaves nothing behind when it is killed while it starts", async () => {
    const child = run([])
    const directory = await firstDirectoryOf(child)
    child.kill("SIGKILL")
    await expect.poll(() => existsSync(directory), { timeout: 15_000 }).toBe(false)
    await expect.poll(() => processesOf(directory), { timeout: 15_000 }).toEqual([])
  })

  it("ends in order on Ctrl-C", async () => {
    const { child, directory } = await serve()
    child.kill("SIGINT")
    expect(await once(child, "exit")).toEqual([0, null])
    expect(processesOf(directory)).toEqual([])
    expect(existsSync(directory)).toBe(false)
  })

  it("starts nothing with --fetch-only", async () => {
    const child = run(["--fetch-only"])
    expect(await once(child, "exit")).toEqual([0, null])
  })
})

it("the command refuses a flag that it does not know, and explains the others", async () => {
  const child = run(["--fetch"])
  let printed = ""
  child.stderr?.on("data", (chunk: Buffer) => {
    printed += chunk.toString()
  })
  expect(await once(child, "close")).toEqual([2, null])
  expect(printed).toContain("--fetch")
  expect(printed).toContain("Usage:")
})

function run(args: readonly string[]): ChildProcess {
  const child = spawn(process.execPath, [script, ...args], { stdio: ["ignore", "pipe", "pipe"] })
  started.push(child)
  return child
}

async function serve(): Promise<{ child: ChildProcess; directory: string }> {
  const child = run([])
  const [kubeconfigPath] = (await once(child.stdout!, "data")) as [Buffer]
  return { child, directory: dirname(kubeconfigPath.toString().trim()) }
}

/** The directory of a plane that is still starting: its etcd, a grandchild of the command, names it. */
async function firstDirectoryOf(command: ChildProcess): Promise<string> {
  let directory: string | undefined
  const look = () => {
    const all = listProcesses()
    const supervisors = new Set(all.filter(({ parent }) => parent === command.pid).map(({ pid }) => pid))
    const etcd = all.find(({ parent, line }) => supervisors.has(parent) && line.includes("--data-dir="))
    directory = /--data-dir=(\S+)\/etcd-data/.exec(etcd?.line ?? "")?.[1]
    return directory
  }
  await expect.poll(look, { timeout: 15_000, interval: 5 }).toBeDefined()
  return directory!
}

function processesOf(directory: string): string[] {
  const lines = listProcesses().map(({ line }) => line)
  return lines.filter((line) => line.includes(directory))
}

type Process = { readonly pid: number; readonly parent: number; readonly line: string }

/** From /proc where there is one (small images have no `ps`), else from `ps`. */
function listProcesses(): Process[] {
  if (existsSync("/proc/self/stat")) return readdirSync("/proc").flatMap(readProcess)
  const table = execFileSync("ps", ["-axo", "pid=,ppid=,args="], {
    encoding: "utf8",
    maxBuffer: 64 * 1024 * 1024,
  })
  return table.split("\n").flatMap((row) => {
    const [, pid, parent, line] = /^\s*(\d+)\s+(\d+)\s+(.*)$/.exec(row) ?? []
    return line === undefined ? [] : [{ pid: Number(pid), parent: Number(parent), line }]
  })
}

function readProcess(name: string): Process[] {
  if (!/^\d+$/.test(name)) return []
  try {
    const line = readFileSync(`/proc/${name}/cmdline`, "utf8").replaceAll("\0", " ")
    const stat = readFileSync(`/proc/${name}/stat`, "utf8")
    const [, parent] = /\) \S (\d+)/.exec(stat) ?? []
    return [{ pid: Number(name), parent: Number(parent), line }]
  } catch {
    return [] // it has ended meanwhile
  }
}
