/** The README as a newcomer follows it: its commands, as printed, on a fresh machine's home and data folder. */
import { type ChildProcess, execFile, spawn } from "node:child_process"
import { access, mkdir, mkdtemp, readFile, rm, stat } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { afterAll, beforeAll, describe, expect, it } from "vitest"

const repository = fileURLToPath(new URL("..", import.meta.url))
const START_TIMEOUT_MS = 60_000

describe("the README's first secret", () => {
  let folder: string
  let server: ChildProcess
  let env: Record<string, string>
  const printed = new Map<string, string>()

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "coffer-readme-"))
    await mkdir(join(folder, "home"))
    env = { PATH: process.env["PATH"] ?? "", HOME: join(folder, "home") }
    const [start = "no start command"] = await commandsOf("Two commands")
    const settings = { PORT: "0", COFFER_DATA_DIR: join(folder, "coffer-data") }
    server = spawn("sh", ["-c", `exec ${start}`], {
      cwd: repository,
      env: { ...env, ...settings },
      detached: true,
    })
    env["INFISICAL_DOMAIN"] = await addressOf(server)
    env["INFISICAL_ADMIN_PASSWORD"] = "the answer to the prompt"
  })
  afterAll(async () => {
    try {
      if (server?.pid !== undefined) process.kill(-server.pid, "SIGKILL")
    } catch {
      // all of its processes have ended, as they should
    }
    await rm(folder, { recursive: true, force: true })
  })

  it("has commands that need nothing filled in, and each succeeds as printed", async () => {
    const commands = await commandsOf("Your first secret")
    expect(commands.length).toBeGreaterThan(3)
    for (const command of commands) {
      expect(command).not.toMatch(/<\w+>|…|\.\.\./)
      const { exitCode, stdout, stderr } = await run(command)
      expect({ command, exitCode, stderr: exitCode === 0 ? "" : stderr }).toEqual({
        command,
        exitCode: 0,
        stderr: "",
      })
      printed.set(command, stdout)
    }
  }, 120_000)

  it("has commands for every day, which succeed as printed right after", async () => {
    const commands = await commandsOf("Day to day")
    expect(commands.length).toBeGreaterThan(8)
    for (const command of commands) {
      // Outside of the clone, where a file may be in the way.
      const elsewhere = command.replace("npm run -s coffer --", join(repository, "node_modules/.bin/coffer"))
      const { exitCode, stderr } = await run(
        elsewhere,
        { ...env, COFFER_ARCHIVE_PASSPHRASE: "an answer" },
        folder,
      )
      const isTooEarly = command.includes(" restore ") && stderr.includes("nothing that old")
      expect({ command, exitCode: isTooEarly ? 0 : exitCode, stderr: exitCode === 0 ? "" : stderr }).toEqual({
        command,
        exitCode: 0,
        stderr: isTooEarly ? stderr : "",
      })
    }
  }, 120_000)

  it("ends with the value that was set, and with a client id and secret that let a reader in", async () => {
    const [, assigned = "no value set"] = textOf("secrets set").match(/DATABASE_URL=(\S+)/) ?? []
    expect(outputOf("secrets get")).toBe(`${assigned}\n`)
    const [, clientId = "", clientSecret = ""] =
      outputOf("identities create").match(/([0-9a-f-]{36})\W+([0-9a-f]{64})/) ?? []
    const reader = {
      ...env,
      HOME: join(folder, "reader"),
      INFISICAL_UNIVERSAL_AUTH_CLIENT_ID: clientId,
      INFISICAL_UNIVERSAL_AUTH_CLIENT_SECRET: clientSecret,
    }
    const read = await run(textOf("secrets get"), reader)
    expect(read).toMatchObject({ exitCode: 0, stdout: `${assigned}\n` })
  })

  it("tells the truth about the files that it leaves", async () => {
    const readme = await readFile(join(repository, "README.md"), "utf8")
    expect(readme).toContain("`~/.config/coffer/credentials.json`")
    expect((await stat(join(folder, "home/.config/coffer/credentials.json"))).mode & 0o777).toBe(0o600)
    expect(readme).toContain("`coffer-data/root.key`")
    await access(join(folder, "coffer-data/root.key"))
  })

  it("stops the server when npm is stopped", async () => {
    const isAnswering = () =>
      fetch(`${env["INFISICAL_DOMAIN"]}/api/status`).then(
        () => true,
        () => false,
      )
    expect(await isAnswering()).toBe(true)
    server.kill("SIGTERM")
    await expect.poll(isAnswering, { timeout: 15_000, interval: 100 }).toBe(false)
  })

  const textOf = (part: string) => [...printed.keys()].find((command) => command.includes(part)) ?? ""
  const outputOf = (part: string) => printed.get(textOf(part)) ?? ""

  const run = (command: string, environment: Record<string, string> = env, cwd = repository) =>
    new Promise<{ exitCode: number; stdout: string; stderr: string }>((resolve) => {
      const options = { cwd, env: environment, timeout: 60_000 }
      execFile("sh", ["-c", command], options, (error, stdout, stderr) => {
        resolve({ exitCode: error === null ? 0 : Number(error.code ?? 137), stdout, stderr })
      }).stdin?.end()
    })
})

/** The lines of the shell blocks below a heading; the shell itself takes the comments off. */
async function commandsOf(heading: string): Promise<readonly string[]> {
  const readme = await readFile(join(repository, "README.md"), "utf8")
  const section = readme.split(/^## /m).find((part) => part.startsWith(`${heading}\n`)) ?? ""
  const blocks = [...section.matchAll(/^```sh\n(.*?)^```$/gms)].map(([, text = ""]) => text)
  return blocks
    .flatMap((block) => block.split("\n"))
    .map((line) => line.trim())
    .filter((line) => line !== "")
}

function addressOf(server: ChildProcess): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>()
  let output = ""
  const timer = setTimeout(() => reject(new Error(`the server did not start:\n${output}`)), START_TIMEOUT_MS)
  const look = (text: Buffer) => {
    output += text.toString()
    const [, address] = /is listening on (http:\/\/[^\s;]+)/.exec(output) ?? []
    if (address !== undefined) resolve(address)
  }
  server.stdout?.on("data", look)
  server.stderr?.on("data", look)
  server.once("exit", (code) => reject(new Error(`the server ended with ${code}:\n${output}`)))
  return promise.finally(() => clearTimeout(timer))
}
