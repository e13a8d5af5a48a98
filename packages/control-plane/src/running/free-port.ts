import { randomInt } from "node:crypto"
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { createServer } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { ControlPlaneError } from "../errors.ts"

const maxAttempts = 5

/** Whoever asks the system for any port gets one from 32,768 upwards: these go to nobody by chance. */
const range = { first: 20_000, count: 12_000 }

/** Marks of this process, which go with it. */
const marks = new Set<string>()

/**
 * Returns a free loopback TCP port that this process has for itself until it ends, also while nothing listens on it: a
 * server that is ended and started again finds it free. Whoever asks here, in whatever process, gets another one; for
 * everybody else there is {@link retryOnTakenPort}.
 */
export async function reservePort(draw = drawPort): Promise<number> {
  for (;;) {
    const port = draw()
    if (takeMark(port) && (await isFree(port))) return port
  }
}

function drawPort(): number {
  return range.first + randomInt(range.count)
}

/** False if a process that is alive has marked the port as its own. */
function takeMark(port: number): boolean {
  const folder = join(tmpdir(), `coffer-ports-${process.getuid?.() ?? "all"}`)
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  const mark = join(folder, String(port))
  if (!isWritten(mark)) {
    if (hasOwner(mark)) return false
    rmSync(mark, { force: true })
    if (!isWritten(mark)) return false
  }
  if (marks.size === 0) process.once("exit", removeMarks)
  marks.add(mark)
  return true
}

function removeMarks(): void {
  for (const mark of marks) rmSync(mark, { force: true })
}

function isWritten(mark: string): boolean {
  try {
    writeFileSync(mark, String(process.pid), { flag: "wx" })
    return true
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "EEXIST") return false
    throw error
  }
}

function hasOwner(mark: string): boolean {
  try {
    const owner = readFileSync(mark, "utf8")
    // One that is still empty is being written.
    return owner === "" || process.kill(Number(owner), 0)
  } catch {
    return false // the mark is gone meanwhile, or its process is
  }
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = createServer()
    probe.once("error", () => resolve(false))
    probe.listen(port, "127.0.0.1", () => probe.close(() => resolve(true)))
  })
}

/** Thrown by an attempt whose port turned out to be taken. */
export class PortTakenError extends Error {}

/** Runs `attempt` with a new port until one is not taken; throws `ports-taken` after five. */
export async function retryOnTakenPort<T>(attempt: (port: number, round: number) => Promise<T>): Promise<T> {
  for (let round = 1; round <= maxAttempts; round += 1) {
    try {
      return await attempt(await reservePort(), round)
    } catch (error) {
      if (!(error instanceof PortTakenError)) throw error
    }
  }
  throw new ControlPlaneError(
    "ports-taken",
    `${maxAttempts} ports in a row were taken before they were bound`,
  )
}
