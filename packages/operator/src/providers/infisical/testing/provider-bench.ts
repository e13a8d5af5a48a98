import { systemClock } from "@coffer/kube-runtime"
import { afterEach, beforeEach } from "vitest"
import { type SecretServer, startSecretServer } from "../../../testing/secret-server.ts"
import type { CredentialReader } from "../../credentials.ts"
import type { Provider, ReadContext, StoreToOpen } from "../../provider.ts"
import { createInfisicalProvider } from "../index.ts"

const bytes = (text: string) => new Uint8Array(Buffer.from(text))
export const text = (value: Uint8Array) => Buffer.from(value).toString()

/** A clock whose wall time tests move by hand. */
const movableClock = () => {
  let nowMs = 1_000_000
  return { ...systemClock, nowMs: () => nowMs, advance: (ms: number) => (nowMs += ms) }
}

const selector = (key: string, name = "credentials") => ({ name, namespace: "vault", key })

class ProviderBench {
  server!: SecretServer
  provider!: Provider & { close(): Promise<void> }
  clock = movableClock()
  /** Of the Secret with the credentials. */
  resourceVersion = "1"
  /** Name and outcome of each call to the server. */
  readonly calls: string[] = []
  readonly selector = selector

  async start(): Promise<void> {
    this.server = await startSecretServer({})
    this.clock = movableClock()
    this.resourceVersion = "1"
    this.calls.length = 0
    this.provider = createInfisicalProvider({
      credentials: this.#credentials,
      clock: this.clock,
      onCall: ({ name, outcome }) => this.calls.push(`${name} ${outcome}`),
    })
  }

  async stop(): Promise<void> {
    await this.provider.close()
    await this.server.close()
  }

  readonly #credentials: CredentialReader = {
    read: async (_kind, namespace, name) => {
      if (name === "missing")
        throw new Error(`cannot get Kubernetes secret "missing" from namespace "${namespace}"`)
      return {
        resourceVersion: this.resourceVersion,
        data: new Map([
          ["id", bytes("cid")],
          ["secret", bytes("csecret")],
          ["empty-token", bytes("static")],
        ]),
      }
    },
  }

  readonly settings = (scope: object = {}, more: object = {}) => ({
    hostAPI: `${this.server.url}/api`,
    auth: { universalAuthCredentials: { clientId: selector("id"), clientSecret: selector("secret") } },
    secretsScope: { projectSlug: "shop", environmentSlug: "prod", secretsPath: "/", ...scope },
    ...more,
  })

  readonly store = (
    value: unknown = this.settings(),
    kind: StoreToOpen["kind"] = "ClusterSecretStore",
  ): StoreToOpen => ({ kind, name: "infisical", namespace: "apps", settings: value })

  readonly context = (): ReadContext => ({
    signal: AbortSignal.timeout(10_000),
    notOlderThanMs: this.clock.nowMs(),
  })

  readonly open = (value?: unknown) => this.provider.open(this.store(value), this.context())
}

/** A provider and a server that it asks, anew for each test of the file. */
export function providerBench(): ProviderBench {
  const bench = new ProviderBench()
  beforeEach(() => bench.start())
  afterEach(() => bench.stop())
  return bench
}
