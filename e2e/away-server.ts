/** A server with a project, for tests that take its database away; every answer is kept as it came. */
import { type CofferClient, createClient, type FolderPlace } from "@coffer/client"
import { readStoredLogin } from "../apps/coffer/src/credentials-file.ts"
import { type ChildProcesses, type Environment, runCoffer } from "../apps/coffer/src/demo/processes.ts"
import { type RestartableServer, startServer } from "../apps/coffer/src/demo/restartable.ts"

const adminEmail = "admin@coffer.test"
const adminPassword = "away-password-of-the-tests"

export type Answered = {
  readonly status: number
  readonly retryAfter: string | null
  // biome-ignore lint/suspicious/noExplicitAny: tests look into answers of every shape
  readonly body: any
  readonly tookMs: number
}

export class AwayServer {
  readonly server: RestartableServer
  readonly client: CofferClient
  readonly place: FolderPlace
  /** What it was started with, beside its own. */
  readonly settings: Environment
  readonly token: string

  private constructor(
    server: RestartableServer,
    settings: Environment,
    { token, place }: { readonly token: string; readonly place: FolderPlace },
  ) {
    this.server = server
    this.settings = settings
    this.token = token
    this.place = place
    this.client = createClient({ baseUrl: server.url, token, timeoutMs: 30_000 })
  }

  static async start(
    processes: ChildProcesses,
    folder: string,
    settings: Environment = {},
  ): Promise<AwayServer> {
    const server = await startServer(processes, folder, settings)
    const bootstrap = ["bootstrap", "--email", adminEmail, "--organization", "Acme"]
    const done = await runCoffer([...bootstrap, "--password-file", "-"], server.env, {
      stdin: adminPassword,
    })
    if (done.exitCode !== 0) throw new Error(done.stderr)
    const login = await readStoredLogin(`${server.env["XDG_CONFIG_HOME"]}/coffer/credentials.json`)
    const token = login?.token.reveal() ?? ""
    const client = createClient({ baseUrl: server.url, token, timeoutMs: 30_000 })
    const project = await client.projects.create({ projectName: "Away" })
    const place = { projectId: project.id, environment: "prod", secretPath: "/" }
    return new AwayServer(server, settings, { token, place })
  }

  async ask(method: string, path: string, body?: object): Promise<Answered> {
    const startedMs = performance.now()
    const answer = await fetch(`${this.server.url}/api${path}`, {
      method,
      headers: { authorization: `Bearer ${this.token}`, "content-type": "application/json" },
      ...(body === undefined ? {} : { body: JSON.stringify({ ...this.place, ...body }) }),
      signal: AbortSignal.timeout(60_000),
    })
    const text = await answer.text()
    return {
      status: answer.status,
      retryAfter: answer.headers.get("retry-after"),
      body: text === "" ? undefined : JSON.parse(text),
      tookMs: performance.now() - startedMs,
    }
  }

  /** The body of an answer that must be 200. */
  async must(method: string, path: string, body?: object): Promise<Answered["body"]> {
    const answer = await this.ask(method, path, body)
    if (answer.status !== 200) throw new Error(`${method} ${path}: ${JSON.stringify(answer.body)}`)
    return answer.body
  }

  read(key: string): Promise<Answered> {
    const { projectId, environment } = this.place
    return this.ask("GET", `/v4/secrets/${key}?projectId=${projectId}&environment=${environment}`)
  }

  list(): Promise<Answered> {
    const { projectId, environment } = this.place
    return this.ask("GET", `/v4/secrets?projectId=${projectId}&environment=${environment}`)
  }

  create(key: string, secretValue: string): Promise<Answered> {
    return this.ask("POST", `/v4/secrets/${key}`, { secretValue })
  }

  /** Keeps asking until the answer is 200, for at most `limitMs`. */
  async untilBack(ask: () => Promise<Answered>, limitMs: number): Promise<Answered> {
    const endsAt = performance.now() + limitMs
    for (;;) {
      const answer = await ask()
      if (answer.status === 200 || performance.now() > endsAt) return answer
    }
  }

  /** The command, with the server's own settings. */
  verifyAudit(...more: readonly string[]) {
    const args = ["audit", "verify", "--data-dir", this.dataFolder, ...more]
    return runCoffer(args, { ...this.server.env, ...this.settings })
  }

  get dataFolder(): string {
    return this.settings["COFFER_DATA_DIR"] ?? this.server.dataFolder
  }
}
