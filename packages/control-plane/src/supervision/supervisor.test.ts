import { spawn } from "node:child_process"
import { once } from "node:events"
import { existsSync, statSync } from "node:fs"
import { writeFile } from "node:fs/promises"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { afterEach, describe, expect, it } from "vitest"
import { type ProgramToStart, type Supervisor, startSupervisor } from "./supervisor.ts"

const started: Supervisor[] = []

afterEach(async () => {
  for (const supervisor of started.splice(0)) await supervisor.stop()
})

describe("a supervisor", () => {
  it("gives a directory that only this user may enter", async () => {
    const supervisor = await start()
    expect(statSync(supervisor.directory).mode & 0o777).toBe(0o700)
  })

  it("ends its programs and removes the directory when told to stop, and again does no harm", async () => {
    const supervisor = await start()
    const program = await supervisor.start(endless("endless"))
    await writeFile(join(supervisor.directory, "file"), "content")
    expect(isAlive(program.pid)).toBe(true)
    await supervisor.stop()
    expect(isAlive(program.pid)).toBe(false)
    expect(program.hasExited()).toBe(true)
    expect(existsSync(supervisor.directory)).toBe(false)
    await supervisor.stop()
  })

  it("ends a program that ignores its stop signal", async () => {
    const supervisor = await start()
    const script =
      "process.on('SIGQUIT', () => {}); process.stdout.write('deaf'); setInterval(() => {}, 1000)"
    const program = await supervisor.start({ ...node("deaf", script), stopSignal: "SIGQUIT" })
    await expect.poll(() => program.readLogTail(), { timeout: 10_000 }).toBe("deaf")
    await supervisor.stop()
    expect(isAlive(program.pid)).toBe(false)
  })

  it("tells how a program ended and what it printed", async () => {
    const supervisor = await start()
    const program = await supervisor.start(
      node("failing", "process.stderr.write('oh no'); process.exitCode = 3"),
    )
    expect(await program.exited).toEqual({ exitCode: 3, signal: null })
    expect(await program.readLogTail()).toBe("oh no")
  })

  it("says which program cannot be run", async () => {
    const supervisor = await start()
    const absent = { name: "etcd", file: "/nowhere/etcd", args: [] }
    await expect(supervisor.start(absent)).rejects.toThrow(/^etcd cannot be run: .*ENOENT/)
  })

  it("hands a program no variable of ours but the harmless ones", async () => {
    process.env["COFFER_CANARY"] = "canary"
    try {
      const supervisor = await start()
      const program = await supervisor.start(node("environment", "console.log(JSON.stringify(process.env))"))
      await program.exited
      expect(await program.readLogTail()).toContain("PATH")
      expect(await program.readLogTail()).not.toContain("canary")
    } finally {
      delete process.env["COFFER_CANARY"]
    }
  })

  it("leaves nothing behind when its parent is killed", async () => {
    const parent = await startParent()
    expect(isAlive(parent.program)).toBe(true)
    process.kill(parent.pid, "SIGKILL")
    await expect.poll(() => isAlive(parent.program), { timeout: 10_000 }).toBe(false)
    await expect.poll(() => existsSync(parent.directory), { timeout: 10_000 }).toBe(false)
  })

  it("leaves nothing behind when it is killed itself: then its parent cleans up", async () => {
    const supervisor = await start()
    const program = await supervisor.start(
      node("telltale", "process.stdout.write(String(process.ppid)); setInterval(() => {}, 1000)"),
    )
    await expect.poll(() => program.readLogTail(), { timeout: 10_000 }).toMatch(/^\d+$/)
    process.kill(Number(await program.readLogTail()), "SIGKILL")
    await program.exited
    await expect.poll(() => isAlive(program.pid), { timeout: 10_000 }).toBe(false)
    expect(existsSync(supervisor.directory)).toBe(false)
    await expect(supervisor.start(endless("late"))).rejects.toThrow(/cannot start/)
  })
})

async function start(): Promise<Supervisor> {
  const supervisor = await startSupervisor("coffer-supervisor-test-")
  started.push(supervisor)
  return supervisor
}

/** Another process that supervises one endless program, to be killed. */
async function startParent(): Promise<{ pid: number; program: number; directory: string }> {
  const module = fileURLToPath(new URL("./supervisor.ts", import.meta.url))
  const script = `
    import { startSupervisor } from ${JSON.stringify(module)}
    const supervisor = await startSupervisor("coffer-supervisor-test-")
    const program = await supervisor.start(${JSON.stringify(endless("endless"))})
    process.stdout.write(JSON.stringify({ program: program.pid, directory: supervisor.directory }))`
  const child = spawn(process.execPath, ["--input-type=module", "-e", script], {
    stdio: ["ignore", "pipe", "inherit"],
  })
  const [answer] = (await once(child.stdout, "data")) as [Buffer]
  return { pid: child.pid!, ...(JSON.parse(answer.toString()) as { program: number; directory: string }) }
}

function endless(name: string): ProgramToStart {
  return node(name, "setInterval(() => {}, 1000)")
}

function node(name: string, script: string): ProgramToStart {
  return { name, file: process.execPath, args: ["-e", script] }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}
