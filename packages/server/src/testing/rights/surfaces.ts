/** Every answer of the server that shows secrets, their names or their past, as one caller gets it. */
import { environments, paths, tags } from "../../features/authorization/testing/arbitraries.ts"
import type { TestApp } from "../test-app.ts"
import type { WorldSecret } from "./world.ts"

export type Shown = {
  readonly what: string
  readonly status: number
  readonly text: string
  /** Names that the caller itself put into the request: an answer may repeat them. */
  readonly asked: readonly string[]
}

export class Caller {
  readonly #test: TestApp
  readonly #project: string
  readonly #token: string

  constructor(test: TestApp, project: string, token: string) {
    this.#test = test
    this.#project = project
    this.#token = token
  }

  /** A single read: 200 shows it, anything else refuses it. */
  async get(secret: WorldSecret, more: string) {
    const { environment, path, key } = secret
    const place = `projectId=${this.#project}&environment=${environment}&secretPath=${path}`
    const plain = "includeImports=false&expandSecretReferences=false"
    return await this.#call("GET", `/v4/secrets/${key}?${place}&${plain}${more}`)
  }

  async byId(secret: WorldSecret) {
    return await this.#call("GET", `/v4/secrets/id/${secret.id}?expandSecretReferences=false`)
  }

  async listed(of: { environment: string; path: string }, version: "v3" | "v4", more = "") {
    const place = `environment=${of.environment}&secretPath=${of.path}${more}`
    return version === "v3"
      ? await this.#call("GET", `/v3/secrets/raw?workspaceId=${this.#project}&${place}`)
      : await this.#call("GET", `/v4/secrets?projectId=${this.#project}&${place}`)
  }

  async search(body: object) {
    return await this.#call("POST", `/coffer/v1/projects/${this.#project}/search`, body)
  }

  /** Everything at once, for the question whether any of it shows too much. */
  async everything(secrets: readonly WorldSecret[]): Promise<readonly Shown[]> {
    const shown: Shown[] = []
    const look = async (what: string, url: string, asked: readonly string[] = [], body?: object) => {
      const { status, text } = await this.#call(body === undefined ? "GET" : "POST", url, body)
      shown.push({ what, status, text, asked })
    }
    for (const environment of environments) {
      for (const path of paths) await this.#lookAtFolder(look, environment, path)
    }
    const own = `/coffer/v1/projects/${this.#project}`
    await look("search for all names", `${own}/search`, [], { key: { contains: "_" } })
    await look("search for all values", `${own}/search`, [], { value: { contains: "end" } })
    await look("trash", `${own}/trash?all=true`)
    await look("trash of prod", `${own}/trash?environment=prod`)
    for (const secret of secrets) await this.#lookAtSecret(look, secret)
    return shown
  }

  async #lookAtFolder(look: Look, environment: string, path: string): Promise<void> {
    const v4 = `projectId=${this.#project}&environment=${environment}&secretPath=${path}`
    const v3 = `workspaceId=${this.#project}&environment=${environment}&secretPath=${path}`
    for (const recursive of ["true", "false"]) {
      const flags = `recursive=${recursive}&expandSecretReferences=false`
      await look("v4 list", `/v4/secrets?${v4}&${flags}&includeImports=true`)
      await look("v3 list", `/v3/secrets/raw?${v3}&${flags}&include_imports=true`)
      await look("v4 list, expanded", `/v4/secrets?${v4}&recursive=${recursive}`)
      const asFile = `environment=${environment}&secretPath=${path}&${flags}&format=json`
      await look("export", `/coffer/v1/projects/${this.#project}/export?${asFile}`)
    }
    await look("v4 list without values", `/v4/secrets?${v4}&viewSecretValue=false`)
    for (const tag of tags) {
      await look("v4 list by tag", `/v4/secrets?${v4}&expandSecretReferences=false&tagSlugs=${tag}`)
    }
    const imports = `projectId=${this.#project}&environment=${environment}&path=${path}`
    await look("imported secrets", `/v2/secret-imports/secrets?${imports}`)
    const past = `environment=${environment}&path=${path}&revision=0`
    await look("restore preview", `/coffer/v1/projects/${this.#project}/restore?${past}`)
  }

  async #lookAtSecret(look: Look, secret: WorldSecret): Promise<void> {
    const { id, key, environment, path } = secret
    const place = `projectId=${this.#project}&environment=${environment}&secretPath=${path}`
    await look("get", `/v4/secrets/${key}?${place}`, [key])
    await look("get without the value", `/v4/secrets/${key}?${place}&viewSecretValue=false`, [key])
    await look("get by id", `/v4/secrets/id/${id}`)
    for (const version of [1, 2]) {
      const plain = "expandSecretReferences=false"
      await look("get of a version", `/v4/secrets/${key}?${place}&${plain}&version=${version}`, [key])
    }
    await look("versions", `/v1/secret/${id}/secret-versions?offset=0&limit=20`)
    await look("versions for the dashboard", `/v1/dashboard/secret-versions/${id}?offset=0&limit=20`)
    const history = `/coffer/v1/projects/${this.#project}/history/secrets/${id}`
    await look("history", history)
    await look("history with values", `${history}?includeValue=true`)
    await look("diff", `${history}/diff?from=1&to=2&includeValue=true`)
    await look("references backwards", `/v4/secrets/${key}/secret-references?${place}`, [key])
    await look("reference tree", `/v4/secrets/${key}/secret-reference-tree?${place}`, [key])
  }

  async #call(method: string, url: string, body?: object) {
    const answer = await this.#test.call(method, url, {
      token: this.#token,
      ...(body === undefined ? {} : { body: body as Readonly<Record<string, unknown>> }),
    })
    // A 403 quotes the caller's own rules, which may name anything.
    const { details: _, ...refusal } = answer.status === 403 ? answer.body : {}
    const text = answer.status === 403 ? JSON.stringify(refusal) : answer.text
    return { status: answer.status, body: answer.body, text }
  }
}

type Look = (what: string, url: string, asked?: readonly string[], body?: object) => Promise<void>
