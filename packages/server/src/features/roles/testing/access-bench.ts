import type { PermissionRule } from "@coffer/contract"
import type { TestStorage } from "@coffer/testkit"
import {
  aMachine,
  anInstance,
  aProject,
  aSecret,
  type Instance,
  type Machine,
} from "../../../testing/test-app.ts"

type Json = Readonly<Record<string, unknown>>

/** A project whose members hold rules that the tests write. */
export class AccessBench {
  readonly instance: Instance
  readonly project: string
  readonly slug: string

  constructor(instance: Instance, project: { readonly id: string; readonly slug: string }) {
    this.instance = instance
    this.project = project.id
    this.slug = project.slug
  }

  call(token: string, method: string, url: string, body?: Json) {
    return this.instance.test.call(method, url, body === undefined ? { token } : { token, body })
  }

  asAdmin(method: string, url: string, body?: Json) {
    const { adminToken: token } = this.instance
    return this.instance.test.ok(method, url, body === undefined ? { token } : { token, body })
  }

  async role(slug: string, permissions: readonly PermissionRule[]) {
    const body = { slug, name: slug, permissions }
    return (await this.asAdmin("POST", `/v1/projects/${this.project}/roles`, body)).role
  }

  changeRole(id: string, change: Json) {
    return this.asAdmin("PATCH", `/v1/projects/${this.project}/roles/${id}`, change)
  }

  member(role: string): Promise<Machine> {
    return aMachine(this.instance, { project: this.project, role })
  }

  /** A member that holds a role with these rules and nothing else. */
  async memberWith(slug: string, permissions: readonly PermissionRule[]): Promise<Machine> {
    await this.role(slug, permissions)
    return await this.member(slug)
  }

  async folder(path: string, environment = "prod") {
    const slash = path.lastIndexOf("/")
    const place = { workspaceId: this.project, environment }
    const folder = { name: path.slice(slash + 1), path: path.slice(0, slash) || "/" }
    await this.asAdmin("POST", "/v1/folders", { ...place, ...folder })
  }

  put(key: string, path = "/", environment = "prod") {
    return aSecret(this.instance, { project: this.project, key, value: `v-${key}`, path, environment })
  }

  read(token: string, key: string, path = "/", environment = "prod") {
    const query = `projectId=${this.project}&environment=${environment}&secretPath=${encodeURIComponent(path)}`
    return this.call(token, "GET", `/v4/secrets/${encodeURIComponent(key)}?${query}`)
  }

  list(token: string, path = "/", more = "", environment = "prod") {
    const query = `projectId=${this.project}&environment=${environment}&secretPath=${encodeURIComponent(path)}`
    return this.call(token, "GET", `/v4/secrets?${query}${more}`)
  }
}

export async function anAccessBench(storage: TestStorage): Promise<AccessBench> {
  const instance = await anInstance(storage)
  return new AccessBench(instance, await aProject(instance))
}
