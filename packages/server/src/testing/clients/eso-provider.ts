/**
 * The External Secrets Operator's Infisical provider (tier T1): the Go SDK with its own order of calls. It logs in
 * for each reconcile and revokes the token at the end.
 */
import { GoSdk } from "./go-sdk.ts"
import { ClientRefusal, exchange, restyResult } from "./wire.ts"

export type EsoStore = {
  readonly origin: string
  readonly clientId: string
  readonly clientSecret: string
  readonly projectSlug: string
  readonly environment: string
  readonly secretsPath: string
  readonly expand: boolean
  readonly recursive: boolean
}

/** Project ids by slug, kept as long as the controller's process lives. */
export type EsoProjectIds = Map<string, string>

export class EsoProvider {
  readonly sdk: GoSdk
  readonly #store: EsoStore
  readonly #projectIds: EsoProjectIds

  private constructor(store: EsoStore, projectIds: EsoProjectIds) {
    this.#store = store
    this.#projectIds = projectIds
    this.sdk = new GoSdk(store.origin)
  }

  static async open(store: EsoStore, projectIds: EsoProjectIds = new Map()): Promise<EsoProvider> {
    const provider = new EsoProvider(store, projectIds)
    await provider.sdk.login(store.clientId, store.clientSecret)
    return provider
  }

  /** Runs one reconcile from login to revocation. */
  static async reconcile<T>(
    store: EsoStore,
    work: (provider: EsoProvider) => Promise<T>,
    projectIds?: EsoProjectIds,
  ): Promise<T> {
    const provider = await EsoProvider.open(store, projectIds)
    const result = await work(provider)
    await provider.sdk.revoke()
    return result
  }

  /** Undefined is "no secret": the answer was 404, whatever it said. */
  async getSecret(key: string, includeImports = true): Promise<string | undefined> {
    const { name, path } = this.#locate(key)
    try {
      const { secretValue } = await this.sdk.retrieve(name, {
        workspaceSlug: this.#store.projectSlug,
        environment: this.#store.environment,
        secretPath: path,
        type: "shared",
        include_imports: String(includeImports),
        expandSecretReferences: String(this.#store.expand),
      })
      return secretValue
    } catch (error) {
      if (error instanceof ClientRefusal && error.status === 404) return undefined
      throw error
    }
  }

  /** `dataFrom.find`: everything of the scope. */
  async findAll(): Promise<Readonly<Record<string, string>>> {
    const list = await this.sdk.listSecrets({ ...this.#scope(), includeImports: true })
    return Object.fromEntries((list?.secrets ?? []).map((secret) => [secret.secretKey, secret.secretValue]))
  }

  /** What decides whether the store is ready. */
  async validate(): Promise<void> {
    await this.sdk.listSecrets({ ...this.#scope(), includeImports: false })
  }

  /** Answers with what it did. */
  async push(key: string, value: string): Promise<"unchanged" | "created" | "updated"> {
    const current = await this.getSecret(key, false)
    if (current === value) return "unchanged"
    const { name, path } = this.#locate(key)
    await this.#withProjectId(async (workspaceId) => {
      const place = { workspaceId, environment: this.#store.environment, secretPath: path }
      const body = { ...place, secretValue: value, skipMultilineEncoding: true }
      if (current === undefined) await this.sdk.create(name, body)
      else await this.sdk.update(name, body)
    })
    return current === undefined ? "created" : "updated"
  }

  async remove(key: string): Promise<void> {
    const { name, path } = this.#locate(key)
    if ((await this.getSecret(key, false)) === undefined) return
    await this.#withProjectId(async (workspaceId) => {
      await this.sdk.delete(name, { workspaceId, environment: this.#store.environment, secretPath: path })
    })
  }

  /** Retries once with a fresh id when a cached one met a 404. */
  async #withProjectId(write: (projectId: string) => Promise<void>): Promise<void> {
    const cached = this.#projectIds.get(this.#store.projectSlug)
    try {
      await write(cached ?? (await this.#resolve()))
    } catch (error) {
      if (cached === undefined || !(error instanceof ClientRefusal) || error.status !== 404) throw error
      await write(await this.#resolve())
    }
  }

  async #resolve(): Promise<string> {
    const { projectSlug, origin } = this.#store
    for (const path of ["/v1/projects/slug/", "/v1/workspace/slug/"]) {
      const headers = { "user-agent": "Go-http-client/1.1", authorization: `Bearer ${this.sdk.token}` }
      const reply = await exchange(origin, "GET", `/api${path}${projectSlug}`, { headers })
      if (reply.status === 404) continue
      if (reply.status < 200 || reply.status > 299) throw new ClientRefusal(reply)
      const { id } = restyResult(reply, { id: "string" })
      if (id === "") throw new Error("the project has no id")
      this.#projectIds.set(projectSlug, id)
      return id
    }
    throw new Error(`no project with slug ${projectSlug}`)
  }

  #scope() {
    const { projectSlug, environment, secretsPath, expand, recursive } = this.#store
    return { projectSlug, environment, secretPath: secretsPath, expand, recursive }
  }

  /** A key with slashes is a path and a name; an absolute one replaces the store's path. */
  #locate(key: string): { readonly name: string; readonly path: string } {
    const slash = key.lastIndexOf("/")
    if (slash < 0) return { name: key, path: this.#store.secretsPath }
    const folder = key.slice(0, slash)
    const path = key.startsWith("/") ? folder : `${this.#store.secretsPath}/${folder}`.replace("//", "/")
    return { name: key.slice(slash + 1), path: path === "" ? "/" : path }
  }
}
