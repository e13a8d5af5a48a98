/** The command as a user meets it: real processes, a real server, exit codes, JSON, second runs. */
import { mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import {
  ChildProcesses,
  type Environment,
  type Finished,
  runCoffer,
} from "../apps/coffer/src/demo/processes.ts"
import { type RestartableServer, startServer } from "../apps/coffer/src/demo/restartable.ts"

const PASSWORD = "canary-password-5f1c"
const VALUE = "canary-value-9a2b"

describe("the command", () => {
  let folder: string
  let server: RestartableServer
  let client: Environment
  const processes = new ChildProcesses()
  const everything: Finished[] = []

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "coffer-cli-"))
    server = await startServer(processes, folder)
    client = server.env
  })
  afterAll(async () => {
    await processes.stopAll()
    await rm(folder, { recursive: true, force: true })
  })

  const coffer = async (args: readonly string[], options: { env?: Environment; stdin?: string } = {}) => {
    const stdin = options.stdin === undefined ? {} : { stdin: options.stdin }
    const finished = await runCoffer(args, { ...client, ...options.env }, stdin)
    everything.push(finished)
    return finished
  }
  const json = async (...args: string[]) => {
    const { exitCode, stdout, stderr } = await coffer([...args, "--output", "json"])
    expect(stderr).toBe("")
    expect(exitCode).toBe(0)
    return JSON.parse(stdout) as unknown
  }
  const bootstrapArgs = ["bootstrap", "--email", "admin@coffer.test", "--organization", "Acme"]
  const prod = ["--project", "billing-api", "--env", "prod"]

  describe("before the first run", () => {
    it("an empty password is refused by its flag, and nothing is set up", async () => {
      const { exitCode, stderr } = await coffer([...bootstrapArgs, "--password-file", "-"], { stdin: "\n" })
      expect(exitCode).toBe(2)
      expect(stderr).toContain("--password-file is empty")
    })

    it("nobody to ask is an error that names the flag, not a prompt that hangs", async () => {
      const { exitCode, stderr } = await coffer(bootstrapArgs)
      expect(exitCode).toBe(2)
      expect(stderr).toContain("--password-file (or INFISICAL_ADMIN_PASSWORD) is missing")
    })

    it("a command without a login says how to log in", async () => {
      const { exitCode, stderr } = await coffer(["projects", "list"])
      expect(exitCode).toBe(3)
      expect(stderr).toContain("coffer login")
    })
  })

  describe("the first run", () => {
    it("bootstrap stores the login for its owner only and does not print it", async () => {
      const { exitCode, stdout } = await coffer([...bootstrapArgs, "--password-file", "-"], {
        stdin: PASSWORD,
      })
      expect(exitCode).toBe(0)
      const file = join(folder, "config/coffer/credentials.json")
      const { token } = JSON.parse(await readFile(file, "utf8")) as { token: string }
      expect(stdout).not.toContain(token)
      expect((await stat(file)).mode & 0o777).toBe(0o600)
    })

    it("a second bootstrap is a conflict", async () => {
      const { exitCode, stderr } = await coffer([...bootstrapArgs, "--password-file", "-"], {
        stdin: PASSWORD,
      })
      expect(exitCode).toBe(6)
      expect(stderr).toContain("Instance has already been set up")
    })

    it("--ignore-if-bootstrapped forgives that, and nothing else", async () => {
      const args = [...bootstrapArgs, "--password-file", "-", "--ignore-if-bootstrapped"]
      expect((await coffer(args, { stdin: PASSWORD })).exitCode).toBe(0)
      const away = [...args, "--domain", "http://127.0.0.1:1"]
      expect((await coffer(away, { stdin: PASSWORD })).exitCode).toBe(7)
    })
  })

  describe("a project and its identity", () => {
    it("a project is created once, with the slug that was asked for", async () => {
      const created = await json("projects", "create", "Billing API", "--slug", "billing-api")
      expect(created).toMatchObject({ slug: "billing-api", environments: ["dev", "staging", "prod"] })
      const again = await coffer(["projects", "create", "Billing API", "--slug", "billing-api"])
      expect(again.exitCode).toBe(6)
      expect(await json("projects", "list")).toMatchObject([{ slug: "billing-api" }])
    })

    it("a slug that breaks the rule is refused by field, and nothing is created", async () => {
      const { exitCode, stderr } = await coffer(["projects", "create", "X", "--slug", "Not A Slug"])
      expect(exitCode).toBe(2)
      expect(stderr).toContain("slug")
      expect(await json("projects", "list")).toHaveLength(1)
    })

    it("a viewer logs in with its client secret, reads, and may not write", async () => {
      await coffer(["secrets", "set", "--file", "-", ...prod], { stdin: "READABLE=yes\n" })
      const identity = (await json(
        ...["identities", "create", "reader", "--project", "billing-api", "--role", "viewer"],
      )) as { clientId: string; clientSecret: string }
      const env = { XDG_CONFIG_HOME: join(folder, "reader") }
      const secretFile = join(folder, "client-secret")
      await writeFile(secretFile, identity.clientSecret, { mode: 0o600 })
      const login = ["login", "--client-id", identity.clientId, "--client-secret-file", secretFile]
      expect((await coffer(login, { env })).stdout).toContain("as reader")
      expect((await coffer(["login", "status"], { env })).exitCode).toBe(0)
      const read = await coffer(["secrets", "get", "READABLE", "--plain", ...prod], { env })
      expect(read).toMatchObject({ exitCode: 0, stdout: "yes\n" })
      const write = await coffer(["secrets", "set", "READABLE=no", ...prod], { env })
      expect(write.exitCode).toBe(4)
      expect(write.stderr).toContain("not allowed")
      // What it points to can be typed as it stands, and holds no value.
      const hint = /\(why: coffer (access explain .*)\)/.exec(write.stderr)?.[1]?.split(" ") ?? []
      const where = "--project billing-api --env prod --path / --secret READABLE"
      expect(hint.join(" ")).toMatch(
        new RegExp(`^access explain --identity [0-9a-f-]{36} ${where} --subject secrets --action edit$`),
      )
      const why = await coffer(hint)
      expect(why.exitCode, why.stderr).toBe(0)
      expect(why.stdout).toMatch(/^reader may not edit secrets: no rule allows it/)
      const asked = await coffer(["trash", "list", "--project", "billing-api"], { env })
      expect(asked.stderr).not.toContain("access explain")
    })

    it("a list that holds nothing leaves stdout empty and says so, and is [] for programs", async () => {
      const webhooks = ["webhooks", "list", "--project", "billing-api"]
      expect(await coffer(webhooks)).toMatchObject({ exitCode: 0, stdout: "", stderr: "No webhooks yet.\n" })
      expect(await coffer([...webhooks, "--silent"])).toMatchObject({ stdout: "", stderr: "" })
      expect(await json(...webhooks)).toEqual([])
      const secrets = ["secrets", "--project", "billing-api", "--env", "staging"]
      expect(await coffer(secrets)).toMatchObject({ stdout: "", stderr: "No secrets in / of staging.\n" })
      expect(await coffer(["trash", "list", "--project", "billing-api"])).toMatchObject({
        stdout: "",
        stderr: "Nothing was deleted.\n",
      })
    })

    it("an identity is printed as the Secret that a store reads, and a name that Kubernetes refuses makes none", async () => {
      const create = ["identities", "create", "store", "--project", "billing-api", "--role", "viewer"]
      const place = ["--output", "k8-secret", "--k8-secret-namespace", "external-secrets"]
      const { exitCode, stdout } = await coffer([...create, ...place, "--silent"])
      expect(exitCode).toBe(0)
      expect(stdout).toMatch(/^apiVersion: v1\nkind: Secret\nmetadata:\n {2}name: infisical-credentials\n/)
      expect(stdout).toMatch(/\n {2}namespace: external-secrets\ntype: Opaque\nstringData:\n/)
      expect(stdout).toMatch(/\n {2}clientId: \S{36}\n {2}clientSecret: "?[0-9a-f]{64}"?\n$/)
      const refused = await coffer([...create, ...place, "--k8-secret-name", "Not_A_Name"])
      expect(refused).toMatchObject({ exitCode: 2, stdout: "" })
      expect(refused.stderr).toContain("--k8-secret-name")
    })

    it("a token that the server never issued is refused before it is stored, and not repeated", async () => {
      const env = { XDG_CONFIG_HOME: join(folder, "stranger") }
      const { exitCode, stderr } = await coffer(["login", "--token-file", "-"], {
        env,
        stdin: "canary-token",
      })
      expect(exitCode).toBe(3)
      expect(stderr).toContain("refuses this token")
      expect(stderr).not.toContain("canary-token")
      await expect(stat(join(folder, "stranger"))).rejects.toThrow()
    })

    it("a wrong client secret is unauthenticated, and the secret is not repeated", async () => {
      const env = { XDG_CONFIG_HOME: join(folder, "nobody") }
      const args = [
        "login",
        "--client-id",
        "00000000-0000-4000-8000-000000000000",
        "--client-secret-file",
        "-",
      ]
      const { exitCode, stderr } = await coffer(args, { env, stdin: "canary-wrong-secret" })
      expect(exitCode).toBe(3)
      expect(stderr).not.toContain("canary-wrong-secret")
    })

    it("login --plain prints a token alone and stores nothing", async () => {
      const identity = (await json(
        "identities",
        "create",
        "ci",
        "--project",
        "billing-api",
        "--role",
        "member",
      )) as {
        clientId: string
        clientSecret: string
      }
      const env = {
        XDG_CONFIG_HOME: join(folder, "plain"),
        INFISICAL_UNIVERSAL_AUTH_CLIENT_ID: identity.clientId,
        INFISICAL_UNIVERSAL_AUTH_CLIENT_SECRET: identity.clientSecret,
      }
      const { stdout } = await coffer(["login", "--plain", "--silent"], { env })
      expect(stdout).toMatch(/^eyJ[\w-]+\.[\w-]+\.[\w-]+\n$/)
      await expect(stat(join(folder, "plain"))).rejects.toThrow()
      const token = { XDG_CONFIG_HOME: join(folder, "plain"), INFISICAL_TOKEN: stdout.trim() }
      expect((await coffer(["projects", "list"], { env: token })).exitCode).toBe(0)
    })
  })

  describe("secrets", () => {
    it("are set, found unchanged the second time, read, listed and deleted", async () => {
      const assignment = `DATABASE_URL=${VALUE}`
      const status = async () => json("secrets", "set", assignment, ...prod)
      expect(await status()).toEqual([{ secretKey: "DATABASE_URL", status: "created" }])
      expect(await status()).toEqual([{ secretKey: "DATABASE_URL", status: "unchanged" }])
      const changed = await json("secrets", "set", "DATABASE_URL=other", ...prod)
      expect(changed).toEqual([{ secretKey: "DATABASE_URL", status: "updated" }])
      expect((await coffer(["secrets", "get", "DATABASE_URL", "--plain", ...prod])).stdout).toBe("other\n")
      expect(await json("secrets", ...prod)).toContainEqual(
        expect.objectContaining({ secretKey: "DATABASE_URL", secretValue: "other", version: 2 }),
      )
      expect((await coffer(["secrets", "delete", "DATABASE_URL", ...prod])).exitCode).toBe(0)
      const missing = await coffer(["secrets", "get", "DATABASE_URL", ...prod])
      expect(missing.exitCode).toBe(5)
      expect(missing.stderr).toContain("DATABASE_URL")
      expect(missing.stderr).toContain("--env prod --path /")
    })

    it("what was deleted before a name that is not there is told", async () => {
      await coffer(["secrets", "set", "FIRST=1", ...prod])
      const { exitCode, stderr } = await coffer(["secrets", "delete", "FIRST", "NEVER", ...prod])
      expect(exitCode).toBe(5)
      expect(stderr).toMatch(/'NEVER' not found \(looked in .*\); deleted before it: FIRST$/m)
    })

    it("a folder that holds something names the flag of this command", async () => {
      await coffer(["folders", "create", "/full/inner", ...prod])
      const { exitCode, stderr } = await coffer(["folders", "delete", "/full", ...prod])
      expect(exitCode).toBe(2)
      expect(stderr).toContain("Folder '/full' is not empty; --force deletes it with what it holds")
    })

    it("an export of nothing says so", async () => {
      const exported = await coffer(["export", ...prod, "--path", "/typo"])
      expect(exported).toMatchObject({ exitCode: 0, stdout: "", stderr: "No secrets in /typo of prod.\n" })
    })

    it("a value from a file keeps its lines", async () => {
      const file = join(folder, "tls.key")
      await writeFile(file, "line 1\nline 2\n")
      await coffer(["secrets", "set", `TLS_KEY=@${file}`, ...prod])
      expect((await coffer(["secrets", "get", "TLS_KEY", "--plain", ...prod])).stdout).toBe(
        "line 1\nline 2\n\n",
      )
    })

    it("a wrong environment is not found, and a wrong slug says which one was probably meant", async () => {
      expect((await coffer(["secrets", "--project", "billing-api", "--env", "production"])).exitCode).toBe(5)
      const { exitCode, stderr } = await coffer(["secrets", "--project", "billing-apy", "--env", "prod"])
      expect(exitCode).toBe(5)
      expect(stderr).toContain("billing-api")
    })

    it("no project at all lists the projects to choose from", async () => {
      const { exitCode, stderr } = await coffer(["secrets"])
      expect(exitCode).toBe(2)
      expect(stderr).toContain("--project is missing; yours: billing-api")
    })

    it("an argument without '=' is refused before anything is written", async () => {
      const { exitCode, stderr } = await coffer(["secrets", "set", "NEW=1", VALUE, ...prod])
      expect(exitCode).toBe(2)
      expect(stderr).not.toContain(VALUE)
      expect((await coffer(["secrets", "get", "NEW", ...prod])).exitCode).toBe(5)
    })
  })

  describe("failures", () => {
    it("a server that is away is unavailable, as one JSON object where JSON was asked for", async () => {
      const { exitCode, stderr } = await coffer(
        ["projects", "list", "--domain", "http://127.0.0.1:1", "--output", "json"],
        { env: { INFISICAL_TOKEN: "eyJ" } },
      )
      expect(exitCode).toBe(7)
      expect(JSON.parse(stderr)).toMatchObject({ error: { kind: "unavailable" } })
    })

    it("a token stays with the server that issued it", async () => {
      const { exitCode, stderr } = await coffer(["projects", "list", "--domain", "http://127.0.0.1:1"])
      expect(exitCode).toBe(3)
      expect(stderr).toContain("the stored login is for")
    })

    it("no output of this file ever held the password", () => {
      const printed = everything.map(({ stdout, stderr }) => stdout + stderr).join("\n")
      expect(printed).not.toContain(PASSWORD)
      expect(server.process().output()).not.toContain(PASSWORD)
      expect(server.process().output()).not.toContain(VALUE)
    })
  })

  it("SIGTERM ends the server in order, and the next start finds everything", async () => {
    await server.process().stop()
    expect(await server.process().ended).toBe(0)
    await server.start()
    expect(await json("projects", "list")).toMatchObject([{ slug: "billing-api" }])
  })

  it("a second server on the same data folder is refused and does not disturb the first", async () => {
    const { exitCode, stderr } = await coffer(["server", "--port", "0", "--data-dir", join(folder, "data")])
    expect(exitCode).toBe(7)
    expect(stderr).toContain("is in use by another coffer process")
    expect((await coffer(["projects", "list"])).exitCode).toBe(0)
  })

  it("a server with a wrong setting names every variable that is wrong", async () => {
    const { exitCode, stderr } = await coffer(["server"], { env: { PORT: "http", SITE_URL: "nowhere" } })
    expect(exitCode).toBe(2)
    expect(stderr).toMatch(/PORT must be .*SITE_URL must be /)
  })

  it("the audit log is intact beside the running server", async () => {
    const { exitCode, stdout } = await coffer(["audit", "verify", "--data-dir", join(folder, "data")])
    expect(stdout).toMatch(/^[1-9]\d* events in 1 log: intact\n$/)
    expect(exitCode).toBe(0)
  })
})
