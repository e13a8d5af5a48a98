import { setTimeout as pause } from "node:timers/promises"
import { ControlPlaneError } from "../errors.ts"
import type { SupervisedProgram } from "../supervision/supervisor.ts"
import { PortTakenError } from "./free-port.ts"

const pollIntervalMs = 50

/**
 * Polls `isServing` until it answers true. Throws `PortTakenError` if the program ended because its port
 * was taken, `program-exited` (with its last lines) if it ended otherwise, `not-ready` after `timeoutMs`.
 */
export async function waitUntilServing(
  name: string,
  program: SupervisedProgram,
  isServing: () => Promise<boolean>,
  timeoutMs: number,
): Promise<void> {
  const deadline = performance.now() + timeoutMs
  while (performance.now() < deadline) {
    if (program.hasExited()) throw await explainExit(name, program)
    if (await isServing()) return
    await pause(pollIntervalMs)
  }
  throw new ControlPlaneError(
    "not-ready",
    `${name} was not ready within ${timeoutMs / 1000} seconds; it printed:\n${await program.readLogTail()}`,
  )
}

async function explainExit(name: string, program: SupervisedProgram): Promise<Error> {
  const { exitCode, signal } = await program.exited
  const log = await program.readLogTail()
  if (/address already in use/i.test(log)) return new PortTakenError(`${name}: port taken`)
  const how = signal ? `was ended by ${signal}` : `ended with exit code ${exitCode}`
  return new ControlPlaneError("program-exited", `${name} ${how} while starting; it printed:\n${log}`)
}
