import { readFile } from "node:fs/promises"
import { PassThrough } from "node:stream"
import { describe, expect, it } from "vitest"
import { readConfig } from "./config.ts"
import { exitCodes } from "./exit-codes.ts"
import { runCommandLine } from "./program.ts"
import { createTerminal } from "./terminal.ts"

type Run = { readonly exitCode: number; readonly stdout: string; readonly stderr: string }

/** One run without a terminal, a network that refuses everything, and no login. */
async function run(...args: string[]): Promise<Run> {
  return await runWith(new PassThrough().end() as unknown as NodeJS.ReadStream, args)
}

async function runWith(stdin: NodeJS.ReadStream, args: readonly string[]): Promise<Run> {
  const texts = { stdout: "", stderr: "" }
  const collect = (name: keyof typeof texts) =>
    new PassThrough({ encoding: "utf8" }).on("data", (text: string) => {
      texts[name] += text
    })
  const streams = {
    stdin,
    stdout: collect("stdout"),
    stderr: collect("stderr"),
  }
  const { signal } = new AbortController()
  const exitCode = await runCommandLine(args, {
    config: readConfig({ HOME: "/nowhere" }),
    terminal: createTerminal(streams, signal),
    fetch: () => Promise.reject(new TypeError("fetch failed")),
    clock: () => 0,
    random: () => 0,
    randomBytes: (size) => new Uint8Array(size),
    openBrowser: () => false,
    newId: () => "id",
    signal,
  })
  await new Promise(setImmediate)
  return { exitCode, ...texts }
}

const commands = [
  [],
  ["server"],
  ["server", "config"],
  ["server", "config", "print"],
  ["operator"],
  ["bootstrap"],
  ["login"],
  ["login", "status"],
  ["secrets"],
  ["secrets", "list"],
  ["secrets", "get"],
  ["secrets", "set"],
  ["secrets", "delete"],
  ["projects"],
  ["projects", "list"],
  ["projects", "create"],
  ...["show", "rename", "protect", "delete", "export", "import"].map((name) => ["projects", name]),
  ["environments"],
  ...["list", "create", "rename", "reorder", "delete"].map((name) => ["environments", name]),
  ["folders"],
  ...["list", "create", "rename", "delete"].map((name) => ["folders", name]),
  ["roles"],
  ...["list", "show", "create", "update", "delete"].map((name) => ["roles", name]),
  ["webhooks"],
  ...["list", "create", "enable", "disable", "delete", "test", "deliveries"].map((name) => [
    "webhooks",
    name,
  ]),
  ["users"],
  ["users", "list"],
  ["users", "sessions"],
  ["users", "set-password"],
  ["account"],
  ...["show", "set-password", "totp", "recovery-codes", "passkeys", "sessions"].map((name) => [
    "account",
    name,
  ]),
  ...["enrol", "confirm", "remove"].map((name) => ["account", "totp", name]),
  ...["add", "list", "rename", "remove"].map((name) => ["account", "passkeys", name]),
  ...["list", "end"].map((name) => ["account", "sessions", name]),
  ["account", "recovery-codes", "renew"],
  ["logout"],
  ["sso"],
  ...["show", "set", "test", "enable", "disable", "remove"].map((name) => ["sso", name]),
  ["identities"],
  ...["list", "show", "create", "rename", "role", "unlock", "delete", "client-secrets"].map((name) => [
    "identities",
    name,
  ]),
  ...["list", "create", "revoke"].map((name) => ["identities", "client-secrets", name]),
  ["smoke-test"],
  ["audit"],
  ["audit", "verify"],
  ["audit", "checkpoint"],
  ["audit", "streams"],
  ["audit", "streams", "list"],
  ["audit", "streams", "add"],
  ["audit", "streams", "remove"],
  ["audit", "streams", "test"],
  ["audit", "streams", "enable"],
  ["audit", "streams", "disable"],
]

describe("--help", () => {
  it.for(commands)("coffer %s explains itself on stdout and succeeds", async (path) => {
    const { exitCode, stdout, stderr } = await run(...path, "--help")
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: "" })
    expect(stdout).toContain(`Usage: ${["coffer", ...path].join(" ")}`)
    expect(stdout, "what it does").toMatch(/^Usage: .*\n(?: .*\n)*\n[A-Z][^\n]+[^:]\n/)
  })

  it.for(commands.filter((path) => path.length === 1))("coffer %s gives examples", async (path) => {
    expect((await run(...path, "--help")).stdout).toContain("Examples:")
  })

  it("coffer help names every command and every exit code", async () => {
    const { stdout } = await run("--help")
    for (const [name] of commands.filter((path) => path.length === 1)) expect(stdout).toMatch(`  ${name} `)
    for (const { code, meaning } of Object.values(exitCodes)) expect(stdout).toContain(`${code}  ${meaning}`)
  })
})

it("docs/command-line.md has every exit code with its name and meaning", async () => {
  const page = await readFile(new URL("../../../docs/command-line.md", import.meta.url), "utf8")
  for (const [kind, { code, meaning }] of Object.entries(exitCodes)) {
    expect(page).toContain(`| ${code} | \`${kind}\` | ${meaning} |`)
  }
})

describe("a command line that is wrong", () => {
  it.for([
    [["nonsense"], "unknown command 'nonsense'; see 'coffer --help'"],
    [["secrts"], "(Did you mean secrets?)"],
    [["secrets", "--nonsense"], "unknown option '--nonsense'; see 'coffer secrets --help'"],
    [
      ["invitations", "revoke", "-dashed"],
      `unknown option '-dashed'; what begins with a dash and is no option comes after "--"; see 'coffer invitations revoke --help'`,
    ],
    [["secrets", "NAME"], "there is no command 'NAME'; a secret is read by 'coffer secrets get'"],
    [["audit", "export", "--type", "get-secretz"], "--type: there are no events of type get-secretz; there"],
    [["trash", "restore", "sekret", "A"], "Allowed choices are secret, folder, environment"],
    [["secrets", "get"], "missing required argument 'names'; see 'coffer secrets get --help'"],
    [["secrets", "set", "--type", "public"], "Allowed choices are shared, personal"],
    [["projects", "list", "--output", "xml"], "Allowed choices are table, json"],
    [["identities", "create", "x", "--k8-secret-name", "A/B"], "--k8-secret-name: expected a name"],
    [["bootstrap", "--k8-secret-namespace", "a.b"], "--k8-secret-namespace: expected a name"],
    [["secrets", "--silent", "--token", "t", "--projectId", "billing-api"], "--projectId: expected an id"],
    [
      ["identities", "create", "x", "--client-secret-ttl", "1 month"],
      "--client-secret-ttl: expected a lifetime such as 90d, 12h",
    ],
    [["identities", "client-secrets", "create", "x", "--ttl", "3651d"], "--ttl: expected a lifetime such as"],
    [
      ["identities", "client-secrets", "create", "x", "--max-uses", "-1"],
      "--max-uses: expected a whole number",
    ],
    [["identities", "client-secrets", "create", "x", "--output", "table"], "Allowed choices are plain, json"],
    [
      ["identities", "client-secrets", "create", "x", "--k8-secret-name", "A/B"],
      "--k8-secret-name: expected",
    ],
    [["identities", "client-secrets", "revoke", "x", "9b1f"], "<id>: expected the id of a client secret, as"],
    [["identities", "role", "x", "viewer"], "<role> must be admin, member or no-access"],
    [["projects", "create", "Billing", "--slug", "bill"], "--slug: expected 5 to 36 lower-case letters"],
    [["projects", "create", "Billing", "--slug", "a_billing"], "with single dashes between them"],
    [["projects", "rename", "x", "--slug", "A"], "--slug: expected at most 64 lower-case letters and digits"],
    [["projects", "import", "f.age", "--slug", "copy"], "--slug: expected 5 to 36 lower-case letters"],
    [["environments", "create", "QA"], "<slug>: expected at most 64 lower-case letters and digits"],
    [["environments", "rename", "qa", "--slug", "q a"], "--slug: expected at most 64 lower-case letters"],
    [["groups", "create", "x", "--slug", "s--r"], "--slug: expected at most 64 lower-case letters"],
    [["projects", "rename", "billing-api"], "say what changes: --slug, --name or --description"],
    [["environments", "create", "qa", "--position", "0"], "expected a whole number from 1"],
    [["environments", "reorder", "dev", "dev"], "'dev' is named more than once"],
    [["roles", "create"], "required option '-f, --file <file>' not specified"],
    [["roles", "create", "--file", "/nowhere.yaml"], "/nowhere.yaml cannot be read: there is no such file"],
    [["webhooks", "create"], "--url-file (or --url) is missing"],
    [["webhooks", "create", "--type", "pigeon"], "Allowed choices are general, slack, microsoft-teams"],
    [["webhooks", "deliveries", "x", "--limit", "1000"], "expected a whole number from 1 to 100"],
    [["projects", "import", "/nowhere.age"], "/nowhere.age cannot be read: there is no such file"],
    [["login", "--method", "oidc", "--port", "80"], "--port: expected a port from 1024 to 65535"],
    [["login", "--method", "oidc", "--timeout", "0"], "--timeout: expected a whole number of seconds"],
    [["login", "--method", "oidc"], "--organization-slug is missing"],
    [["account", "sessions", "end"], "name either a session or --others"],
    [["account", "sessions", "end", "x", "--others"], "name either a session or --others"],
    [["account", "passkeys", "add"], "--code-file is missing and nobody is there to ask"],
    [
      ["account", "passkeys", "add", "--code-file", "-", "--name", "x".repeat(101)],
      "--name: expected 1 to 100 characters",
    ],
    [["account", "passkeys", "add", "--code-file", "-", "--name", " "], "--name: expected 1 to 100"],
    [["sso", "set", "--any-domain", "--allowed-domain", "x.test"], "cannot be used with option"],
    [["sso", "set", "--default-role", "owner"], "Allowed choices are admin, member, no-access"],
    [["projects", "list", "--domain", "localhost"], "--domain: the server address must look like"],
  ] as const)("%j is refused in one line that says what is wrong", async ([args, text]) => {
    const { exitCode, stdout, stderr } = await run(...args)
    expect({ exitCode, stdout }).toEqual({ exitCode: exitCodes.invalid.code, stdout: "" })
    expect(stderr.replace(/\s+/g, " ")).toContain(text)
    expect(stderr.trim().split("\n")).toHaveLength(1)
  })

  it("without a login it says how to log in", async () => {
    const { exitCode, stderr } = await run("projects", "list")
    expect(exitCode).toBe(exitCodes.unauthenticated.code)
    expect(stderr).toBe(
      "error: not logged in; run 'coffer login' (also with --method passkey or oidc), or set INFISICAL_TOKEN\n",
    )
  })

  it("a token in an argument is warned about and not repeated", async () => {
    const { exitCode, stderr } = await run("projects", "list", "--token", "canary-token")
    expect(exitCode).toBe(exitCodes.unavailable.code)
    expect(stderr).toContain("warning: other users of this machine can see --token")
    expect(stderr).not.toContain("canary-token")
  })
})

it("at a terminal, coffer login alone takes who types for a person, and shows no password", async () => {
  const stdin = Object.assign(new PassThrough(), { isTTY: true }) as unknown as NodeJS.ReadStream &
    PassThrough
  const running = runWith(stdin, ["login"])
  for (const line of ["me@example.test", "canary-password"]) {
    await new Promise((resolve) => stdin.once("resume", resolve))
    stdin.write(`${line}\n`)
  }
  const { exitCode, stderr } = await running
  expect(exitCode).toBe(exitCodes.unavailable.code)
  expect(stderr).toMatch(/E-mail: [\s\S]*Password: /)
  expect(stderr).not.toContain("canary")
})

it("coffer --version prints the version alone", async () => {
  expect((await run("--version")).stdout).toMatch(/^\d+\.\d+\.\d+\n$/)
})

it("coffer server config print tells a flag from a default", async () => {
  const { exitCode, stdout } = await run("server", "--port", "9000", "config", "print", "--output", "json")
  expect(exitCode).toBe(0)
  expect(JSON.parse(stdout)).toEqual(
    expect.arrayContaining([
      { group: "Server", name: "COFFER_PORT", value: "9000", source: "--port" },
      { group: "Server", name: "COFFER_HOST", value: "127.0.0.1", source: null },
    ]),
  )
})
