/** The command line with a machine identity (tier T4): `login`, `secrets`, `run`, `export`, `folders`, the agent. */
import type { GoValue } from "./go-json.ts"
import { ClientRefusal, exchange, goPath, goQuery, type Reply, restyResult } from "./wire.ts"

const ownSecretType = {
  _id: "string",
  version: "int",
  workspace: "string",
  type: "string",
  environment: "string",
  secretKey: "string",
  secretValue: "string",
  secretComment: "string",
  secretPath: "string",
  skipMultilineEncoding: "bool",
  tags: [{ id: "string", name: "string", slug: "string" }],
} as const
const importedSecretType = { ...ownSecretType, id: "string" } as const
const listType = {
  secrets: [ownSecretType],
  imports: [
    { secretPath: "string", environment: "string", folderId: "string", secrets: [importedSecretType] },
  ],
} as const
const folderType = { id: "string", name: "string" } as const

export type CliSecret = GoValue<typeof ownSecretType>
type Json = Readonly<Record<string, unknown>>

export class InfisicalCli {
  readonly #origin: string
  token = ""

  constructor(origin: string) {
    this.#origin = origin
  }

  /** `login --method=universal-auth`; the agent and the proxy append a slash. */
  async login(clientId: string, clientSecret: string, slash = ""): Promise<string> {
    const body = { clientId, clientSecret }
    const reply = await exchange(this.#origin, "POST", `/api/v1/auth/universal-auth/login${slash}`, {
      headers: { "user-agent": "cli" },
      body,
    })
    if (reply.status >= 400) throw new ClientRefusal(reply)
    const type = {
      accessToken: "string",
      expiresIn: "int",
      accessTokenMaxTTL: "int",
      tokenType: "string",
    } as const
    this.token = restyResult(reply, type).accessToken
    return this.token
  }

  /** `login status`: the claims that it shows, and whether the server still honours the token. */
  async loginStatus(): Promise<{ claims: Json; isHonoured: boolean }> {
    const claims = JSON.parse(Buffer.from(this.token.split(".")[1] ?? "", "base64url").toString("utf8"))
    const reply = await this.#exchange("GET", "/v1/identities/details")
    return { claims, isHonoured: reply.status >= 200 && reply.status < 300 }
  }

  /** `secrets`, `run` and `export`: own secrets win, then the import that comes last. */
  async secrets(of: {
    readonly projectId: string
    readonly environment: string
    readonly path?: string
    readonly recursive?: boolean
  }): Promise<readonly CliSecret[]> {
    const { secrets, imports } = await this.#list(of, true)
    const merged = [...secrets]
    for (const imported of [...imports].reverse().flatMap((one) => one.secrets)) {
      if (!merged.some((secret) => secret.secretKey === imported.secretKey)) merged.push(imported)
    }
    return merged
  }

  /** `secrets set KEY=value`, with the tags that `--tags` names. */
  async set(
    of: { readonly projectId: string; readonly environment: string; readonly path: string },
    values: Readonly<Record<string, string>>,
    tagSlugs: readonly string[] = [],
  ): Promise<void> {
    const tagIds: string[] = []
    for (const slug of tagSlugs) tagIds.push(await this.#tagId(of.projectId, slug))
    const { secrets } = await this.#list(of, false)
    for (const [key, secretValue] of Object.entries(values)) {
      const current = secrets.find((secret) => secret.secretKey === key && secret.type === "shared")
      const body = {
        workspaceId: of.projectId,
        type: "shared",
        environment: of.environment,
        secretPath: of.path,
        secretValue,
        ...(tagIds.length === 0 ? {} : { tagIds }),
      }
      await this.send(current === undefined ? "POST" : "PATCH", `/v3/secrets/raw/${goPath(key)}`, body)
    }
  }

  /** `secrets delete KEY`, whose `--type` is `personal` unless told otherwise. */
  async delete(key: string, of: Json, type = "personal"): Promise<void> {
    await this.send("DELETE", `/v3/secrets/raw/${goPath(key)}`, { secretName: key, type, ...of })
  }

  async folders(projectId: string, environment: string, directory: string) {
    const query = goQuery({ environment, workspaceId: projectId, directory })
    const reply = await this.send("GET", `/v1/folders?${query}`)
    return restyResult(reply, { folders: [folderType] }).folders
  }

  async createFolder(body: Json) {
    return restyResult(await this.send("POST", "/v1/folders", body), { folder: folderType }).folder
  }

  /** By its name in the path, with `directory` and `folderName` in the body. */
  async deleteFolder(name: string, body: Json) {
    const reply = await this.send("DELETE", `/v1/folders/${name}`, { folderName: name, ...body })
    return restyResult(reply, { folder: folderType }).folder
  }

  /** The agent's `getSecretByName` in a template. */
  async agentSecret(key: string, of: Readonly<Record<string, string>>): Promise<CliSecret> {
    const more = { type: "shared", includeImports: "true", expandSecretReferences: "true" }
    const reply = await this.send("GET", `/v4/secrets/${goPath(key)}?${goQuery({ ...of, ...more })}`)
    return restyResult(reply, { secret: ownSecretType }).secret
  }

  /** The agent's list: the ETag is its mark of change. */
  async agentEtag(projectId: string, environment: string, secretPath: string): Promise<string> {
    const query = goQuery({ projectId, environment, secretPath, includeImports: "true" })
    return String((await this.send("GET", `/v4/secrets?${query}`)).headers["etag"] ?? "")
  }

  async #list(
    of: {
      readonly projectId: string
      readonly environment: string
      readonly path?: string
      readonly recursive?: boolean
    },
    forReading: boolean,
  ) {
    const query = goQuery({
      projectId: of.projectId,
      environment: of.environment,
      secretPath: of.path ?? "/",
      includeImports: String(forReading),
      recursive: String(of.recursive ?? false),
      expandSecretReferences: String(forReading),
      includePersonalOverrides: String(forReading),
    })
    return restyResult(await this.send("GET", `/v4/secrets?${query}`), listType)
  }

  /** Looks for the tag, and makes it when the answer is 404. */
  async #tagId(projectId: string, slug: string): Promise<string> {
    const tagType = { tag: { id: "string", slug: "string" } } as const
    const found = await this.#exchange("GET", `/v1/projects/${projectId}/tags/slug/${slug}`)
    if (found.status !== 404) return restyResult(found, tagType).tag.id
    const made = await this.send("POST", `/v1/projects/${projectId}/tags`, { slug, color: "" })
    return restyResult(made, tagType).tag.id
  }

  /** @throws ClientRefusal for an answer of 400 or more */
  async send(method: string, path: string, body?: Json): Promise<Reply> {
    const reply = await this.#exchange(method, path, body)
    if (reply.status >= 400) throw new ClientRefusal(reply)
    return reply
  }

  #exchange(method: string, path: string, body?: Json): Promise<Reply> {
    const headers = {
      "user-agent": "cli",
      accept: "application/json",
      authorization: `Bearer ${this.token}`,
    }
    return exchange(this.#origin, method, `/api${path}`, { headers, ...(body === undefined ? {} : { body }) })
  }
}
