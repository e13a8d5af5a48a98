/** One's own account at the command line: real processes, a real server. */
import { mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { Secret, TOTP } from "otpauth"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { ChildProcesses, type Finished, runCoffer } from "../apps/coffer/src/demo/processes.ts"
import { type RestartableServer, startServer } from "../apps/coffer/src/demo/restartable.ts"
import { createClient } from "../packages/client/src/index.ts"
import { Authenticator } from "../packages/server/src/testing/authenticator.ts"
import { bootstrapAsMachine } from "./machine-admin.ts"

const email = "admin@coffer.test"
const firstPassword = "canary-password-3f0a"
const secondPassword = "canary-password-9b21"

/** One that is right neither now nor some minutes before or after. */
function aCodeOfNoTime(totp: TOTP): string {
  const codes = ["000000", "111111", "222222", "333333"]
  return codes.find((token) => totp.validate({ token, window: 20 }) === null) ?? ""
}

describe("one's own account and the command", () => {
  let folder: string
  let server: RestartableServer
  let password = firstPassword
  let secret = ""
  let recoveryCodes: readonly string[] = []
  const processes = new ChildProcesses()
  const outputs: string[] = []

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "coffer-account-"))
    server = await startServer(processes, folder)
    await bootstrapAsMachine(server.env, { email, password })
  })
  afterAll(async () => {
    await processes.stopAll()
    await rm(folder, { recursive: true, force: true })
  })

  const as = async (home: string, args: readonly string[], stdin?: string): Promise<Finished> => {
    const env = { ...server.env, XDG_CONFIG_HOME: join(folder, home) }
    const done = await runCoffer(args, env, stdin === undefined ? {} : { stdin })
    outputs.push(done.stdout + done.stderr)
    return done
  }
  const account = (args: readonly string[], stdin?: string) =>
    as("person", ["account", ...args, "--output", "json"], stdin)
  const answer = async (args: readonly string[], stdin?: string) => {
    const { exitCode, stdout, stderr } = await account(args, stdin)
    expect(exitCode, stderr).toBe(0)
    return JSON.parse(stdout)
  }
  const logIn = (home: string, ...more: string[]) =>
    as(home, ["login", "--method", "user", "--email", email, "--password-file", "-", ...more], password)
  const stored = async (): Promise<{ domain: string; token: string }> =>
    JSON.parse(await readFile(join(folder, "person/coffer/credentials.json"), "utf8"))

  it("shows who is logged in and what protects the account", async () => {
    expect((await logIn("person")).exitCode).toBe(0)
    expect(await answer(["show"])).toMatchObject({
      email,
      role: "admin",
      hasPassword: true,
      totp: null,
      passkeys: [],
      recoveryCodesLeft: 0,
    })
  })

  it("a machine identity has no account", async () => {
    const { exitCode, stderr } = await runCoffer(["account", "show"], server.env)
    expect(exitCode).toBe(4)
    expect(stderr).toContain("log in as a person with 'coffer login --method user'")
  })

  it("the password changes against the old one, and other sessions end", async () => {
    expect((await logIn("other")).exitCode).toBe(0)
    const newFile = join(folder, "new-password")
    await writeFile(newFile, `${secondPassword}\n`)
    const set = (old: string) =>
      account(["set-password", "--old-password-file", "-", "--password-file", newFile], old)
    expect((await set("canary-wrong-password")).exitCode).toBe(4)
    const both = await account(["set-password", "--old-password-file", "-", "--password-file", "-"], "x")
    expect(both).toMatchObject({ exitCode: 2, stderr: expect.stringContaining("cannot both be stdin") })
    const done = await set(firstPassword)
    expect(JSON.parse(done.stdout)).toEqual({ email, endedSessions: 1 })
    expect((await as("other", ["login", "status"])).exitCode).toBe(3)
    expect((await as("person", ["login", "status"])).exitCode).toBe(0)
    password = secondPassword
  })

  it("sessions are listed, and ended one by one or all others", async () => {
    for (const home of ["one", "two", "three"]) expect((await logIn(home)).exitCode).toBe(0)
    const sessions: { id: string; isCurrent: boolean; userAgent: string }[] = await answer([
      "sessions",
      "list",
    ])
    expect(sessions.filter(({ isCurrent }) => isCurrent)).toHaveLength(1)
    const other = sessions.find(({ isCurrent, userAgent }) => !isCurrent && userAgent === "cli")
    expect(await answer(["sessions", "end", other?.id ?? ""])).toEqual({ endedSessions: 1 })
    expect((await account(["sessions", "end", other?.id ?? ""])).exitCode).toBe(5)
    expect((await account(["sessions", "end"])).exitCode).toBe(2)
    const { endedSessions } = await answer(["sessions", "end", "--others"])
    expect(endedSessions).toBeGreaterThanOrEqual(2)
    for (const home of ["one", "two", "three"]) expect((await as(home, ["login", "status"])).exitCode).toBe(3)
    expect(await answer(["sessions", "list"])).toHaveLength(1)
  })

  it("one-time passwords are set up with the password, count once confirmed, and bring recovery codes", async () => {
    expect((await account(["totp", "enrol", "--password-file", "-"], "canary-wrong")).exitCode).toBe(4)
    const enrolment = await answer(["totp", "enrol", "--password-file", "-"], password)
    secret = enrolment.secret
    expect(enrolment.uri).toContain("otpauth://totp/")
    expect((await answer(["show"])).totp.isConfirmed).toBe(false)
    const totp = new TOTP({ secret: Secret.fromBase32(secret) })
    const wrong = aCodeOfNoTime(totp)
    expect((await account(["totp", "confirm", "--code-file", "-"], wrong)).exitCode).toBe(4)
    const code = totp.generate()
    const confirmed = await answer(["totp", "confirm", "--code-file", "-"], code)
    recoveryCodes = confirmed.recoveryCodes
    expect(recoveryCodes).toHaveLength(10)
    expect(await answer(["show"])).toMatchObject({ totp: { isConfirmed: true }, recoveryCodesLeft: 10 })
    expect(await logIn("other")).toMatchObject({ exitCode: 2, stderr: expect.stringContaining("--code") })
  })

  it("a person sees the secret as a QR code and as text", async () => {
    await answer(["totp", "remove", "--code-file", "-"], recoveryCodes[0])
    const args = ["account", "totp", "enrol", "--password-file", "-"]
    const { exitCode, stdout, stderr } = await as("person", args, password)
    expect(exitCode).toBe(0)
    expect(stdout).toMatch(/[▀▄█]{20}/)
    secret = /secret: ([A-Z2-7]+)/.exec(stdout)?.[1] ?? ""
    expect(stderr).toContain("totp confirm")
    const code = new TOTP({ secret: Secret.fromBase32(secret) }).generate()
    recoveryCodes = (await answer(["totp", "confirm", "--code-file", "-"], code)).recoveryCodes
  })

  it("recovery codes are renewed against a code, and the old ones are dead", async () => {
    const [first = "", second = ""] = recoveryCodes
    expect(
      (await account(["recovery-codes", "renew", "--code-file", "-"], "aaaa-aaaa-aaaa-aaaa")).exitCode,
    ).toBe(4)
    const renewed = await answer(["recovery-codes", "renew", "--code-file", "-"], first)
    expect(renewed.recoveryCodes).toHaveLength(10)
    expect((await logIn("other", "--code", second)).exitCode).toBe(4)
    recoveryCodes = renewed.recoveryCodes
    expect((await logIn("other", "--code", recoveryCodes[0] ?? "")).exitCode).toBe(0)
  })

  it("passkeys are listed, renamed and removed against the password", async () => {
    const { domain, token } = await stored()
    const baseUrl = domain.replace("127.0.0.1", "localhost")
    const { ownAccount } = createClient({ baseUrl, token })
    const device = new Authenticator(baseUrl)
    const { options, challengeToken } = await ownAccount.passkeyOptions({ password })
    const response = device.create(options as unknown as Parameters<typeof device.create>[0])
    await ownAccount.addPasskey({ name: "laptop", challengeToken, response: response as never })
    expect(await answer(["passkeys", "list"])).toMatchObject([{ name: "laptop", lastUsedAt: null }])
    expect(await answer(["passkeys", "rename", "laptop", "desk"])).toMatchObject({ name: "desk" })
    expect((await account(["passkeys", "remove", "laptop", "--password-file", "-"], password)).exitCode).toBe(
      5,
    )
    expect(
      (await account(["passkeys", "remove", "desk", "--password-file", "-"], "canary-wrong")).exitCode,
    ).toBe(4)
    await answer(["passkeys", "remove", "desk", "--password-file", "-"], password)
    expect(await answer(["passkeys", "list"])).toEqual([])
  })

  it("logging out ends the session on the server and forgets the login", async () => {
    const { domain, token } = await stored()
    expect((await as("person", ["logout"])).stdout).toContain(`Logged out of ${domain}`)
    await expect(stat(join(folder, "person/coffer/credentials.json"))).rejects.toThrow("ENOENT")
    const { ownAccount } = createClient({ baseUrl: domain, token })
    await expect(ownAccount.get()).rejects.toMatchObject({ kind: "unauthenticated" })
    expect((await as("person", ["logout"])).exitCode).toBe(3)
  })

  it("logging a machine out ends its token, and a server that is away does not keep the login here", async () => {
    const before = JSON.parse(await readFile(join(folder, "config/coffer/credentials.json"), "utf8"))
    expect((await runCoffer(["logout"], server.env)).exitCode).toBe(0)
    const { auth } = createClient({ baseUrl: before.domain, token: before.token })
    await expect(auth.organization()).rejects.toMatchObject({ kind: "unauthenticated" })
    await server.process().kill()
    const gone = await as("other", ["logout"])
    expect(gone).toMatchObject({ exitCode: 7, stderr: expect.stringContaining("could not be told") })
    await expect(stat(join(folder, "other/coffer/credentials.json"))).rejects.toThrow("ENOENT")
  })

  it("no output ever held a password", () => {
    expect(outputs.length).toBeGreaterThan(30)
    for (const output of outputs) expect(output).not.toMatch(/canary-/)
  })
})
