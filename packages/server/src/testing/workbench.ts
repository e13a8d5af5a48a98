import { anInstance, aProject, aSecret, type Instance } from "./test-app.ts"

type Json = Readonly<Record<string, unknown>>

/** A project to write into, with shortcuts that name it. */
export class Workbench {
  readonly instance: Instance
  readonly project: string

  constructor(instance: Instance, project: string) {
    this.instance = instance
    this.project = project
  }

  /** The same server with another project. */
  async another(name: string): Promise<Workbench> {
    return new Workbench(this.instance, (await aProject(this.instance, { name })).id)
  }

  call(method: string, url: string, body?: Json) {
    const place = { workspaceId: this.project, projectId: this.project, environment: "prod" }
    const token = this.instance.adminToken
    return this.instance.test.call(
      method,
      url,
      body === undefined ? { token } : { token, body: { ...place, ...body } },
    )
  }

  async ok(method: string, url: string, body?: Json) {
    const answer = await this.call(method, url, body)
    if (answer.status !== 200) throw new Error(`${method} ${url}: ${answer.status} ${answer.text}`)
    return answer.body
  }

  read(key: string, more = "") {
    return this.call("GET", `/v4/secrets/${key}?projectId=${this.project}&environment=prod${more}`)
  }

  list(more = "") {
    return this.call("GET", `/v4/secrets?projectId=${this.project}&environment=prod${more}`)
  }

  folder(path: string) {
    const slash = path.lastIndexOf("/")
    return this.ok("POST", "/v1/folders", { name: path.slice(slash + 1), path: path.slice(0, slash) || "/" })
  }

  put(key: string, value: string, path = "/", environment = "prod") {
    return aSecret(this.instance, { project: this.project, key, value, path, environment })
  }
}

/** A server after its first run, with one project. */
export async function aWorkbench(storage: Parameters<typeof anInstance>[0]): Promise<Workbench> {
  const instance = await anInstance(storage)
  return new Workbench(instance, (await aProject(instance)).id)
}
