/** A real server that knows its own address, a real OpenID provider, and commands that log in with it. */
import { mkdtemp, readFile, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { reservePort } from "@coffer/control-plane"
import {
  ChildProcesses,
  type Environment,
  type RunningCommand,
  runCoffer,
} from "../apps/coffer/src/demo/processes.ts"
import { type RestartableServer, startServer } from "../apps/coffer/src/demo/restartable.ts"
import { OpenIdProvider } from "../packages/server/src/features/oidc-sign-on/testing/open-id-provider.ts"
import { bootstrapAsMachine } from "./machine-admin.ts"

export const email = "admin@coffer.test"
export const clientSecret = "canary-client-secret-0c9e"
export const password = "canary-password-55"
const waitMs = 60_000

export class SignOnStand {
  readonly server: RestartableServer
  readonly provider: OpenIdProvider
  /** Of the organization. */
  readonly slug: string
  readonly #folder: string
  readonly #processes: ChildProcesses

  private constructor(of: {
    readonly server: RestartableServer
    readonly provider: OpenIdProvider
    readonly slug: string
    readonly folder: string
    readonly processes: ChildProcesses
  }) {
    this.server = of.server
    this.provider = of.provider
    this.slug = of.slug
    this.#folder = of.folder
    this.#processes = of.processes
  }

  /** After the first run; single sign-on is not set up yet. */
  static async open(): Promise<SignOnStand> {
    const folder = await mkdtemp(join(tmpdir(), "coffer-sign-on-"))
    const processes = new ChildProcesses()
    const port = await reservePort()
    const siteUrl = `http://127.0.0.1:${port}`
    const provider = await OpenIdProvider.start({
      clientId: "coffer",
      clientSecret,
      redirectUrl: `${siteUrl}/api/coffer/v1/sso/oidc/callback`,
      people: {
        admin: { email, email_verified: true },
        stranger: { email: "stranger@coffer.test", email_verified: true },
      },
    })
    const server = await startServer(processes, folder, {
      PORT: String(port),
      SITE_URL: siteUrl,
      ALLOW_INTERNAL_IP_CONNECTIONS: "true",
    })
    await bootstrapAsMachine(server.env, { email, password })
    const status = await runCoffer(["login", "status", "--output", "json"], server.env)
    const { organizationSlug: slug } = JSON.parse(status.stdout)
    return new SignOnStand({ server, provider, slug, folder, processes })
  }

  /** The environment of somebody at a terminal. */
  person(name: string): Environment {
    return { ...this.server.env, XDG_CONFIG_HOME: join(this.#folder, name) }
  }

  /** The login that somebody's command keeps; `undefined` when it keeps none. */
  storedLogin(name: string): Promise<string | undefined> {
    return readFile(join(this.#folder, name, "coffer/credentials.json"), "utf8").catch(() => undefined)
  }

  /** Starts `coffer login` of a person, up to the page that it wants opened. */
  async begin(name: string, ...more: string[]): Promise<{ command: RunningCommand; page: string }> {
    const args = ["login", "--method", "oidc", "--organization-slug", this.slug, "--no-browser", ...more]
    const command = this.#processes.start(args, this.person(name))
    const [page] = await command.waitForLine(/http:\S+command-login\S+/, waitMs)
    return { command, page }
  }

  async close(): Promise<void> {
    await this.#processes.stopAll()
    await this.provider.stop()
    await rm(this.#folder, { recursive: true, force: true })
  }
}
