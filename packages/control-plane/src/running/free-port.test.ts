import { spawn } from "node:child_process"
import { once } from "node:events"
import { createServer } from "node:net"
import { afterEach, beforeEach, describe, expect, it } from "vitest"
import { type Supervisor, startSupervisor } from "../supervision/supervisor.ts"
import { reservePort, retryOnTakenPort } from "./free-port.ts"
import { probe } from "./request.ts"
import { waitUntilServing } from "./wait-until-serving.ts"

const serverScript = `
  require("node:http").createServer((_, response) => response.end("here")).listen(process.argv[1], "127.0.0.1")`

let supervisor: Supervisor

beforeEach(async () => {
  supervisor = await startSupervisor("coffer-free-port-test-")
})
afterEach(() => supervisor.stop())

describe("a port that is reserved", () => {
  it("is none of those that the system gives to whoever asks for any, and goes to nobody twice", async () => {
    const ports = await Promise.all(Array.from({ length: 100 }, () => reservePort()))
    expect(new Set(ports).size).toBe(ports.length)
    expect(Math.min(...ports)).toBeGreaterThanOrEqual(20_000)
    expect(Math.max(...ports)).toBeLessThan(32_000)
  })

  it("is a process's until that ends, however it ends, and then goes to another", async () => {
    const module = new URL("./free-port.ts", import.meta.url).href
    const script = `
      const { reservePort } = await import(${JSON.stringify(module)})
      process.stdout.write(String(await reservePort()))
      setInterval(() => {}, 1000)`
    const other = spawn(process.execPath, ["--input-type=module", "-e", script], {
      stdio: ["ignore", "pipe", "inherit"],
    })
    const [answer] = (await once(other.stdout, "data")) as [Buffer]
    const theirs = Number(answer.toString())
    const mine = await reservePort()
    const draws = [theirs, mine, theirs, 19_999]
    expect(await reservePort(() => draws.shift() ?? 0)).toBe(19_999)
    other.kill("SIGKILL")
    await once(other, "exit")
    expect(await reservePort(() => theirs)).toBe(theirs)
  })
})

describe("a port that somebody else takes before it is bound", () => {
  it("is given up for another one", async () => {
    const taken = await occupyPort()
    const rounds: number[] = []
    const port = await retryOnTakenPort(async (free, round) => {
      rounds.push(round)
      const chosen = round === 1 ? taken.port : free
      await serveOn(chosen, round)
      return chosen
    })
    expect(rounds).toEqual([1, 2])
    expect(port).not.toBe(taken.port)
    taken.release()
  })

  it("is an error if it happens five times in a row", async () => {
    const taken = await occupyPort()
    let rounds = 0
    const attempt = retryOnTakenPort((_free, round) => {
      rounds = round
      return serveOn(taken.port, round)
    })
    await expect(attempt).rejects.toMatchObject({ code: "ports-taken" })
    expect(rounds).toBe(5)
    taken.release()
  })
})

describe("waiting for a program", () => {
  it("ends with what it printed if it ends for another reason", async () => {
    const program = await supervisor.start({
      name: "broken",
      file: process.execPath,
      args: ["-e", "process.stderr.write('bad flag'); process.exitCode = 2"],
    })
    await expect(waitUntilServing("broken", program, async () => false, 10_000)).rejects.toThrow(
      "broken ended with exit code 2 while starting; it printed:\nbad flag",
    )
  })

  it("has a limit", async () => {
    const program = await supervisor.start({
      name: "silent",
      file: process.execPath,
      args: ["-e", "setInterval(() => {}, 1000)"],
    })
    await expect(waitUntilServing("silent", program, async () => false, 100)).rejects.toMatchObject({
      code: "not-ready",
    })
  })
})

async function serveOn(port: number, round: number): Promise<void> {
  const program = await supervisor.start({
    name: `server-${round}`,
    file: process.execPath,
    args: ["-e", serverScript, String(port)],
  })
  const isServing = async () => (await probe(`http://127.0.0.1:${port}/`))?.body === "here"
  await waitUntilServing("server", program, isServing, 20_000)
}

function occupyPort(): Promise<{ port: number; release: () => void }> {
  const server = createServer((socket) => socket.destroy())
  return new Promise((resolve) => {
    server.listen(0, "127.0.0.1", () => {
      const address = server.address()
      resolve({
        port: address && typeof address === "object" ? address.port : 0,
        release: () => server.close(),
      })
    })
  })
}
