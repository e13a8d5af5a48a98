/**
 * The Infisical operator (tier T5): v1alpha1 and its push secrets stand on the Go SDK, v1beta1 has calls of its own.
 * Its `retry-after` rule and its reader of server-sent events are its own too.
 */
import { GoSdk, type GoSecret } from "./go-sdk.ts"
import { ClientRefusal, exchange, goQuery, type Reply, restyResult } from "./wire.ts"

const userAgent = "k8-operator/v0.10.2"
const secretType = {
  id: "string",
  type: "string",
  secretKey: "string",
  environment: "string",
  secretValue: "string",
  secretPath: "string",
} as const

/** v1alpha1: `InfisicalSecret`. */
export class InfisicalSecretReconciler {
  readonly sdk: GoSdk
  #etag: string | undefined

  constructor(origin: string) {
    this.sdk = new GoSdk(origin, userAgent)
  }

  /** The project's id from its slug; the answer is the bare project. */
  async projectId(slug: string): Promise<string> {
    const reply = await this.sdk.send("GET", `/v2/workspace/${slug}`)
    const project = restyResult(reply, { id: "string", slug: "string" })
    if (project.slug !== slug) throw new Error("the answer is not the bare project")
    return project.id
  }

  /** Undefined when nothing changed since the last call, by 304. */
  async reconcile(projectId: string, environment: string, secretPath: string) {
    const place = { projectId, environment, secretPath, expand: true, includeImports: true }
    const conditional = this.#etag === undefined ? place : { ...place, ifNoneMatch: this.#etag }
    const list = await this.sdk.listSecrets(conditional)
    if (list !== undefined) this.#etag = list.etag
    return list?.secrets
  }
}

/** v1alpha1: `InfisicalPushSecret` with the policy `Replace`. Its status maps ids to keys. */
export class InfisicalPushSecretReconciler {
  readonly sdk: GoSdk
  readonly managed = new Map<string, string>()
  readonly #place: { readonly workspaceId: string; readonly environment: string; readonly secretPath: string }

  constructor(sdk: GoSdk, projectId: string, environment: string, secretPath: string) {
    this.sdk = sdk
    this.#place = { workspaceId: projectId, environment, secretPath }
  }

  /** Answers with the writes that it made. */
  async reconcile(wanted: Readonly<Record<string, string>>): Promise<readonly string[]> {
    const existing = await this.#list()
    const writes: string[] = []
    for (const [id, key] of this.managed) {
      const renamed = existing.find((secret) => secret.id === id && secret.secretKey !== key)
      if (renamed === undefined) continue
      const deleted = await this.sdk.delete(renamed.secretKey, this.#place)
      const made = await this.sdk.create(key, { ...this.#place, secretValue: renamed.secretValue })
      this.managed.delete(deleted.id)
      this.managed.set(made.id, key)
      writes.push(`renamed back ${key}`)
    }
    for (const key of [...this.managed.values()].filter((key) => !(key in wanted))) {
      const deleted = await this.sdk.delete(key, this.#place)
      this.managed.delete(deleted.id)
      writes.push(`deleted ${key}`)
    }
    const now = await this.#list()
    for (const [key, secretValue] of Object.entries(wanted)) {
      const current = now.find((secret) => secret.secretKey === key)
      if (current?.secretValue === secretValue) continue
      const body = { ...this.#place, secretValue }
      const written = current ? await this.sdk.update(key, body) : await this.sdk.create(key, body)
      this.managed.set(written.id, key)
      writes.push(`${current ? "updated" : "created"} ${key}`)
    }
    return writes
  }

  async #list(): Promise<readonly GoSecret[]> {
    const { workspaceId: projectId, environment, secretPath } = this.#place
    return (await this.sdk.listSecrets({ projectId, environment, secretPath }))?.secrets ?? []
  }
}

/** v1beta1: `InfisicalConnection`, `InfisicalAuth` and `InfisicalStaticSecret`; the address is without `/api`. */
export class StaticSecretReconciler {
  readonly #origin: string
  token = ""

  constructor(origin: string) {
    this.#origin = origin
  }

  /** The connection is ready on 200 with the message `Ok`, in exactly this case. */
  async isConnected(): Promise<boolean> {
    const reply = await exchange(this.#origin, "GET", "/api/status", { headers: { "user-agent": userAgent } })
    return reply.status === 200 && restyResult(reply, { message: "string" }).message === "Ok"
  }

  async login(clientId: string, clientSecret: string): Promise<void> {
    const sdk = new GoSdk(this.#origin, userAgent)
    await sdk.login(clientId, clientSecret)
    this.token = sdk.token
  }

  async projectId(slug: string): Promise<string> {
    return restyResult(await this.#get(`/api/v1/projects/slug/${slug}`), { id: "string" }).id
  }

  /** Leans on the defaults of v4: imports and expansion are on. Of imports, the first that holds a key wins. */
  async list(of: {
    readonly projectId: string
    readonly environment: string
    readonly secretPath: string
    readonly tags?: readonly string[]
    readonly recursive?: boolean
  }): Promise<ReadonlyMap<string, string>> {
    const query = {
      projectId: of.projectId,
      environment: of.environment,
      secretPath: of.secretPath,
      recursive: String(of.recursive ?? false),
      ...(of.tags === undefined ? {} : { tagSlugs: of.tags.join(",") }),
    }
    const reply = await this.#get(`/api/v4/secrets?${goQuery(query)}`)
    const importType = {
      secretPath: "string",
      environment: "string",
      folderId: "string",
      secrets: [secretType],
    } as const
    const { secrets, imports } = restyResult(reply, { secrets: [secretType], imports: [importType] })
    const values = new Map(secrets.map((secret) => [secret.secretKey, secret.secretValue]))
    for (const { secretKey, secretValue } of imports.flatMap((one) => one.secrets)) {
      if (!values.has(secretKey)) values.set(secretKey, secretValue)
    }
    return values
  }

  /** Its order of checks: 401 and 403 drop the login, `retry-after` on any other status means "too many". */
  async #get(target: string): Promise<Reply> {
    const headers = { "user-agent": userAgent, authorization: `Bearer ${this.token}` }
    const reply = await exchange(this.#origin, "GET", target, { headers })
    if (reply.status === 401 || reply.status === 403) {
      this.token = ""
      throw new ClientRefusal(reply)
    }
    const retryAfter = reply.headers["retry-after"]
    if (retryAfter !== undefined) throw new Error(`too many requests, again after ${retryAfter}`)
    if (reply.status >= 400) throw new ClientRefusal(reply)
    return reply
  }
}

/**
 * The operator's reader of server-sent events: line by line, at most 64 KiB each. A frame counts only when it had an
 * `event:` line; the data of one that had none leaks into the next.
 *
 * @returns what it would have dispatched
 */
export function scanEvents(raw: string): readonly { readonly event: string; readonly data: string }[] {
  const dispatched: { event: string; data: string }[] = []
  let event = ""
  let data = ""
  for (const line of raw.split("\n")) {
    if (line.length > 65_536) throw new Error("bufio.Scanner: token too long")
    if (line.startsWith("event:")) event = line.slice("event:".length).trim()
    else if (line.startsWith("data:")) data += line.slice("data:".length).trim()
    else if (line === "" && event !== "") {
      dispatched.push({ event, data })
      event = ""
      data = ""
    }
  }
  return dispatched
}
