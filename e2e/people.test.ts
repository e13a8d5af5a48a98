/** People at the command line: real processes, a real server. */
import { mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { Secret, TOTP } from "otpauth"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { ChildProcesses, type Environment, runCoffer } from "../apps/coffer/src/demo/processes.ts"
import { type RestartableServer, startServer } from "../apps/coffer/src/demo/restartable.ts"
import { createClient } from "../packages/client/src/index.ts"
import { bootstrapAsMachine } from "./machine-admin.ts"

const password = "canary-password-71d2"
const email = "admin@coffer.test"

describe("people and the command", () => {
  let folder: string
  let server: RestartableServer
  const processes = new ChildProcesses()

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "coffer-people-"))
    server = await startServer(processes, folder)
    await bootstrapAsMachine(server.env, { email, password })
  })
  afterAll(async () => {
    await processes.stopAll()
    await rm(folder, { recursive: true, force: true })
  })

  const coffer = (args: readonly string[], options: { env?: Environment; stdin?: string } = {}) => {
    const stdin = options.stdin === undefined ? {} : { stdin: options.stdin }
    return runCoffer(args, { ...server.env, ...options.env }, stdin)
  }
  const person = () => ({ XDG_CONFIG_HOME: join(folder, "person") })
  const logIn = (...more: string[]) =>
    coffer(["login", "--method", "user", "--email", email, "--password-file", "-", ...more], {
      env: person(),
      stdin: `${password}\n`,
    })

  it("a person logs in with a password and works; the password is nowhere", async () => {
    const login = await logIn()
    expect(login.stderr).toBe("")
    expect(login).toMatchObject({ exitCode: 0, stdout: expect.stringContaining(`as ${email}`) })
    const file = join(folder, "person/coffer/credentials.json")
    expect(await readFile(file, "utf8")).not.toContain(password)
    expect((await stat(file)).mode & 0o777).toBe(0o600)
    const status = await coffer(["login", "status", "--output", "json"], { env: person() })
    expect(JSON.parse(status.stdout)).toMatchObject({ organization: "Acme", isValid: true })
    const list = await coffer(["users", "list", "--output", "json"], { env: person() })
    expect(JSON.parse(list.stdout)).toMatchObject([{ email, role: "admin", isActive: true }])
  })

  it("a wrong password is refused and not repeated", async () => {
    const args = ["login", "--email", email, "--password-file", "-"]
    const { exitCode, stderr } = await coffer(args, { env: person(), stdin: "canary-wrong" })
    expect(exitCode).toBe(3)
    expect(stderr).not.toContain("canary-wrong")
  })

  it("the last administrator stays, whoever asks", async () => {
    for (const args of [
      ["role", email, "member"],
      ["deactivate", email],
      ["remove", email, "--yes"],
    ]) {
      const { exitCode, stderr } = await coffer(["users", ...args])
      expect(exitCode).toBe(2)
      expect(stderr).toContain("last active administrator")
    }
  })

  it("sessions are listed and ended", async () => {
    const sessions = await coffer(["users", "sessions", email, "--output", "json"])
    const [one] = JSON.parse(sessions.stdout) as { id: string; authMethod: string; userAgent: string }[]
    expect(one).toMatchObject({ authMethod: "password", userAgent: "cli" })
    const ended = await coffer(["users", "sessions", email, "--end-all", "--output", "json"])
    expect(JSON.parse(ended.stdout)).toEqual({ endedSessions: 1 })
    const status = await coffer(["login", "status"], { env: person() })
    expect(status.exitCode).toBe(3)
  })

  it("where a second factor is set up, a code is asked for", async () => {
    await logIn()
    const file = join(folder, "person/coffer/credentials.json")
    const { domain, token } = JSON.parse(await readFile(file, "utf8")) as { domain: string; token: string }
    const account = createClient({ baseUrl: domain, token }).ownAccount
    const { secret } = await account.enrolTotp({ password })
    const totp = new TOTP({ secret: Secret.fromBase32(secret) })
    const [recovery = "", ...others] = await account.confirmTotp(totp.generate())
    const without = await logIn()
    expect(without).toMatchObject({ exitCode: 2, stderr: expect.stringContaining("--code") })
    expect((await logIn("--code", "000000000000")).exitCode).toBe(4)
    const visible = await logIn("--code", recovery)
    expect(visible).toMatchObject({ exitCode: 0, stderr: expect.stringMatching(/can see --code; prefer/) })
    expect((await coffer(["users", "list"], { env: person() })).exitCode).toBe(0)
    const [fromStdin = "", fromEnvironment = "", fromFile = ""] = others
    const inFile = join(folder, "code")
    await writeFile(inFile, `${fromFile}\n`)
    const withCode = (args: readonly string[], env: Environment, stdin = "") =>
      coffer(["login", "--method", "user", "--email", email, ...args], {
        env: { ...person(), COFFER_PASSWORD: password, ...env },
        stdin,
      })
    for (const login of [
      await withCode(["--code-file", "-"], {}, `${fromStdin}\n`),
      await withCode([], { COFFER_LOGIN_CODE: fromEnvironment }),
      await withCode(["--code-file", inFile], {}),
    ]) {
      expect(login).toMatchObject({ exitCode: 0, stderr: "" })
    }
    expect(await withCode(["--code-file", inFile], {})).toMatchObject({ exitCode: 4 })
    expect(await logIn("--code-file", "-")).toMatchObject({
      exitCode: 2,
      stderr: expect.stringContaining("--password-file and --code-file cannot both be stdin"),
    })
    const reset = await coffer(["users", "reset", email, "--second-factors", "--yes"])
    expect(reset.exitCode).toBe(0)
    expect((await logIn()).exitCode).toBe(0)
  })

  it("a token that an administrator makes sets a new password, once", async () => {
    const made = await coffer(["users", "reset", email.toUpperCase()])
    expect(made.exitCode).toBe(0)
    const passwordFile = join(folder, "new-password")
    await writeFile(passwordFile, "another long password")
    const set = () =>
      coffer(["users", "set-password", "--token-file", "-", "--password-file", passwordFile], {
        stdin: made.stdout,
      })
    expect(await set()).toMatchObject({ exitCode: 0, stdout: expect.stringContaining(email) })
    expect((await set()).exitCode).toBe(3)
    expect((await logIn()).exitCode).toBe(3)
  })
})
