/** A server that is set up, and the command against it: one for the tests of a file. */
import { mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, beforeAll, expect } from "vitest"
import { ChildProcesses, runCoffer } from "../apps/coffer/src/demo/processes.ts"
import { type RestartableServer, startServer } from "../apps/coffer/src/demo/restartable.ts"

/** Registers the hooks; what it returns is for use inside hooks and tests. */
export function commandLine() {
  const processes = new ChildProcesses()
  let folder: string
  let server: RestartableServer

  const coffer = (args: readonly string[], stdin?: string) =>
    runCoffer(args, server.env, stdin === undefined ? {} : { stdin })
  /** What it prints; it must succeed. */
  const ok = async (args: readonly string[], stdin?: string) => {
    const finished = await coffer(args, stdin)
    expect(finished, finished.stderr).toMatchObject({ exitCode: 0 })
    return finished.stdout
  }
  const json = async (args: readonly string[], stdin?: string) =>
    JSON.parse(await ok([...args, "--output", "json"], stdin))

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "coffer-command-line-"))
    server = await startServer(processes, folder)
    const bootstrap = ["bootstrap", "--email", "admin@coffer.test", "--organization", "Acme"]
    await ok([...bootstrap, "--password-file", "-"], "correct horse battery staple")
  })
  afterAll(async () => {
    await processes.stopAll()
    await rm(folder, { recursive: true, force: true })
  })
  /** @param name of a file in the folder of the server */
  const fileOf = (name: string) => join(folder, name)
  return { coffer, ok, json, fileOf }
}
