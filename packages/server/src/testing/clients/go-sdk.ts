/** The Go SDK's calls as it sends them (contract 1.3, 1.5, 1.6, 1.7, 2.1 to 2.4; tier T3, and the base of T1 and T5). */
import type { GoValue } from "./go-json.ts"
import { ClientRefusal, exchange, goPath, goQuery, type Reply, restyResult } from "./wire.ts"

const secretType = {
  id: "string",
  workspace: "string",
  environment: "string",
  version: "int",
  type: "string",
  secretKey: "string",
  secretValue: "string",
  secretComment: "string",
  secretPath: "string",
  secretMetadata: [{ key: "string", value: "string" }],
} as const
const folderType = {
  id: "string",
  name: "string",
  version: "int",
  createdAt: "time",
  updatedAt: "time",
  envId: "string",
  parentId: "string",
  isReserved: "bool",
} as const
const loginType = {
  accessToken: "string",
  expiresIn: "int",
  accessTokenMaxTTL: "int",
  tokenType: "string",
} as const
const listType = {
  secrets: [secretType],
  imports: [{ secretPath: "string", environment: "string", folderId: "string", secrets: [secretType] }],
} as const

export type GoSecret = GoValue<typeof secretType>
type Json = Readonly<Record<string, unknown>>

export type ListOptions = {
  readonly projectId?: string
  readonly projectSlug?: string
  readonly environment: string
  readonly secretPath?: string
  readonly expand?: boolean
  readonly includeImports?: boolean
  readonly recursive?: boolean
  readonly ifNoneMatch?: string
}

export class GoSdk {
  readonly origin: string
  readonly userAgent: string
  token = ""

  constructor(origin: string, userAgent = "infisical-go-sdk") {
    this.origin = origin
    this.userAgent = userAgent
  }

  async login(clientId: string, clientSecret: string): Promise<GoValue<typeof loginType>> {
    this.token = ""
    const reply = await this.send("POST", "/v1/auth/universal-auth/login", { clientId, clientSecret })
    const login = restyResult(reply, loginType)
    this.token = login.accessToken
    return login
  }

  async renew(): Promise<GoValue<typeof loginType>> {
    const reply = await this.send("POST", "/v1/auth/token/renew", { accessToken: this.token })
    const login = restyResult(reply, loginType)
    this.token = login.accessToken
    return login
  }

  async revoke(): Promise<string> {
    const reply = await this.send("POST", "/v1/auth/token/revoke", { accessToken: this.token })
    return restyResult(reply, { message: "string" }).message
  }

  /** Undefined when the answer was 304. Own secrets win; of the imports, the first that holds a key. */
  async listSecrets(options: ListOptions): Promise<{ secrets: GoSecret[]; etag: string } | undefined> {
    const query = goQuery({
      workspaceId: options.projectId ?? "",
      workspaceSlug: options.projectSlug ?? "",
      environment: options.environment,
      secretPath: options.secretPath ?? "/",
      expandSecretReferences: String(options.expand ?? false),
      include_imports: String(options.includeImports ?? false),
      recursive: String(options.recursive ?? false),
    })
    const headers = options.ifNoneMatch === undefined ? {} : { "if-none-match": options.ifNoneMatch }
    const reply = await this.send("GET", `/v3/secrets/raw?${query}`, undefined, headers)
    if (reply.status === 304) return undefined
    const { secrets, imports } = restyResult(reply, listType)
    // Of a recursive list, the last element of a key survives.
    const own = options.recursive
      ? [...new Map(secrets.map((secret) => [secret.secretKey, secret])).values()]
      : [...secrets]
    for (const imported of options.includeImports ? imports.flatMap((one) => one.secrets) : []) {
      if (!own.some((secret) => secret.secretKey === imported.secretKey)) own.push(imported)
    }
    const sorted = own.sort((a, b) => (a.secretKey < b.secretKey ? -1 : 1))
    return { secrets: sorted, etag: String(reply.headers["etag"] ?? "") }
  }

  async retrieve(key: string, query: Readonly<Record<string, string>>): Promise<GoSecret> {
    const reply = await this.send("GET", `/v3/secrets/raw/${goPath(key)}?${goQuery(query)}`)
    return restyResult(reply, { secret: secretType }).secret
  }

  create(key: string, body: Json): Promise<GoSecret> {
    return this.#write("POST", key, { skipMultilineEncoding: false, ...body })
  }

  /** An empty value is left out of the body (`omitempty`). */
  update(key: string, { secretValue, ...body }: Json): Promise<GoSecret> {
    return this.#write("PATCH", key, secretValue === "" ? body : { ...body, secretValue })
  }

  delete(key: string, body: Json): Promise<GoSecret> {
    return this.#write("DELETE", key, body)
  }

  async batchCreate(body: Json): Promise<readonly GoSecret[]> {
    const reply = await this.send("POST", "/v3/secrets/batch/raw", body)
    return restyResult(reply, { secrets: [secretType] }).secrets
  }

  async listFolders(query: Readonly<Record<string, string>>) {
    const reply = await this.send("GET", `/v1/folders?${goQuery(query)}`)
    return restyResult(reply, { folders: [folderType] }).folders
  }

  async writeFolder(method: "POST" | "PATCH" | "DELETE", idOrName: string, body: Json) {
    const reply = await this.send(method, `/v1/folders${idOrName === "" ? "" : `/${idOrName}`}`, body)
    return restyResult(reply, { folder: folderType }).folder
  }

  async #write(method: string, key: string, body: Json): Promise<GoSecret> {
    const reply = await this.send(method, `/v3/secrets/raw/${goPath(key)}`, body)
    return restyResult(reply, { secret: secretType }).secret
  }

  /** @throws ClientRefusal for an answer of 400 or more */
  async send(
    method: string,
    path: string,
    body?: Json,
    headers: Readonly<Record<string, string>> = {},
  ): Promise<Reply> {
    const reply = await exchange(this.origin, method, `/api${path}`, {
      headers: {
        "user-agent": this.userAgent,
        ...(this.token === "" ? {} : { authorization: `Bearer ${this.token}` }),
        ...headers,
      },
      ...(body === undefined ? {} : { body }),
    })
    if (reply.status >= 400) throw new ClientRefusal(reply)
    return reply
  }
}
