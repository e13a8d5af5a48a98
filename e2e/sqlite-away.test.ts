/**
 * SQLite on a disk that is full or read-only, and locked by another process. What is refused says why and when to try
 * again, leaves nothing behind, and all is well again by itself.
 */
import { execFileSync, spawn } from "node:child_process"
import { once } from "node:events"
import { closeSync, mkdirSync, openSync, rmSync, writeSync } from "node:fs"
import { mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { describeWithTools, type Tool } from "@coffer/testkit"
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest"
import { ChildProcesses, runCoffer } from "../apps/coffer/src/demo/processes.ts"
import { AwayServer } from "./away-server.ts"

const canMount: Tool = {
  name: "the right to mount a small disk",
  hint: "run as root on Linux",
  find: () =>
    process.platform === "linux" && process.getuid?.() === 0 && mountWorks() ? "mount" : undefined,
}

function mountWorks(): boolean {
  const folder = join(tmpdir(), `coffer-mount-${process.pid}`)
  mkdirSync(folder, { recursive: true })
  try {
    execFileSync("mount", ["-t", "tmpfs", "-o", "size=1m", "tmpfs", folder], { stdio: "ignore" })
    execFileSync("umount", [folder], { stdio: "ignore" })
    return true
  } catch {
    return false // a container without the capability
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

let folder: string
let processes: ChildProcesses
let away: AwayServer
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "coffer-away-"))
  processes = new ChildProcesses()
})
afterAll(async () => {
  await processes?.stopAll()
  await rm(folder, { recursive: true, force: true })
})

describeWithTools([canMount], "a small disk under SQLite", () => {
  let disk: string
  const remount = (option: "ro" | "rw") => execFileSync("mount", ["-o", `remount,${option}`, disk])

  beforeAll(async () => {
    disk = join(folder, "disk")
    mkdirSync(disk)
    execFileSync("mount", ["-t", "tmpfs", "-o", "size=48m", "tmpfs", disk])
    away = await AwayServer.start(processes, join(folder, "small"), { COFFER_DATA_DIR: join(disk, "data") })
    await away.client.secrets.create(away.place, "BEFORE", { secretValue: "before" })
  })
  afterAll(async () => {
    await processes?.stopAll()
    execFileSync("umount", ["-l", disk])
  })

  it("full: writes and audited reads are 503, nothing is half done, and room is enough to go on", async () => {
    const ballast = join(disk, "ballast")
    fill(ballast)
    const acknowledged = new Set(["BEFORE"])
    const refused = new Set<string>()
    const big = "x".repeat(200_000)
    for (let count = 0; count < 200 && refused.size < 5; count += 1) {
      const key = `FULL_${count}`
      const answer = await away.create(key, big)
      if (answer.status === 200) {
        acknowledged.add(key)
        continue
      }
      expect(answer).toMatchObject({
        status: 503,
        retryAfter: expect.stringMatching(/^[1-9]\d*$/),
        body: { error: "DatabaseUnavailable", message: "The database can't be used: the disk is full" },
      })
      refused.add(key)
      fill(ballast)
    }
    expect(refused.size).toBe(5)
    // Small things may still fit into what SQLite holds; in the end reads are refused as well.
    let read = await away.read("BEFORE")
    for (let count = 0; count < 3_000 && read.status === 200; count += 1) read = await away.read("BEFORE")
    expect(read).toMatchObject({ status: 503, body: { error: "DatabaseUnavailable" } })
    expect(JSON.stringify(read.body)).not.toContain("before")
    // Something small may find room again at any time; whoever sends requests here must not count on it.
    expect(await away.ask("GET", "/status")).toMatchObject({ status: 503, body: { error: "NotReady" } })

    rmSync(ballast)

    expect((await away.untilBack(() => away.ask("GET", "/status"), 10_000)).body.message).toBe("Ok")
    expect((await away.untilBack(() => away.read("BEFORE"), 15_000)).body.secret.secretValue).toBe("before")
    expect((await away.create("AFTER", "after")).status).toBe(200)
    const keys = (await away.list()).body.secrets.map((one: { secretKey: string }) => one.secretKey)
    expect(new Set(keys)).toEqual(new Set([...acknowledged, "AFTER"]))
    expect((await away.verifyAudit()).stdout).toContain("intact")
  }, 240_000)

  it("read-only: the server says so and ends, and starts when it may write again", async () => {
    await away.server.process().stop()
    remount("ro")
    try {
      const args = ["server", "--data-dir", away.dataFolder]
      const ended = await runCoffer(args, { ...away.server.env, HOST: "127.0.0.1", PORT: "0" })
      expect(ended.exitCode).not.toBe(0)
      expect(ended.stderr).toMatch(/read-only/)
      expect(ended.stderr).not.toMatch(/\n\s+at /)
    } finally {
      remount("rw")
    }
    await away.server.start()
    expect((await away.read("BEFORE")).status).toBe(200)
    expect((await away.verifyAudit()).exitCode).toBe(0)
  }, 120_000)
})

describe("SQLite that another process has locked", () => {
  beforeEach(async () => {
    away = await AwayServer.start(processes, join(folder, "locked"))
    await away.client.secrets.create(away.place, "BEFORE", { secretValue: "before" })
  })

  it("is waited for within a bound, then 503; and it goes on by itself", async () => {
    const file = join(away.dataFolder, "coffer.db")
    const release = await lockFromOutside(file)
    const answers = await Promise.all([away.create("LOCKED", "x"), away.read("BEFORE")])
    expect(await away.ask("GET", "/status")).toMatchObject({ status: 503, body: { error: "NotReady" } })
    for (const answer of answers) {
      expect(answer).toMatchObject({
        status: 503,
        retryAfter: expect.stringMatching(/^[1-9]\d*$/),
        body: { error: "DatabaseUnavailable", message: expect.stringContaining("locked by another process") },
      })
      expect(answer.tookMs).toBeLessThan(30_000)
    }
    await release()
    expect((await away.untilBack(() => away.ask("GET", "/status"), 10_000)).body.message).toBe("Ok")
    expect((await away.untilBack(() => away.read("BEFORE"), 10_000)).status).toBe(200)
    expect((await away.read("LOCKED")).status).toBe(404)
    expect((await away.create("LOCKED", "now")).status).toBe(200)
    expect((await away.verifyAudit()).exitCode).toBe(0)
  }, 120_000)
})

/** Takes all the room there is, down to the last block. */
function fill(path: string): void {
  const descriptor = openSync(path, "a")
  try {
    for (const size of [1 << 20, 4096]) {
      const bytes = Buffer.alloc(size)
      try {
        while (writeSync(descriptor, bytes) === size);
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== "ENOSPC") throw error
      }
    }
  } finally {
    closeSync(descriptor)
  }
}

/** Another process holds the write lock until the returned function is called. */
async function lockFromOutside(file: string): Promise<() => Promise<void>> {
  const program = `
    const { DatabaseSync } = require("node:sqlite")
    const db = new DatabaseSync(process.argv[1], { timeout: 10000 })
    db.exec("begin exclusive")
    console.log("locked")
    process.stdin.once("data", () => { db.exec("rollback"); process.exit(0) })`
  const child = spawn(process.execPath, ["-e", program, file], { stdio: ["pipe", "pipe", "inherit"] })
  await once(child.stdout, "data")
  return async () => {
    child.stdin.write("\n")
    await once(child, "close")
  }
}
