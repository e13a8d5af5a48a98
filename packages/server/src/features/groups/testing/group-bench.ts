import { aPerson, type Person } from "../../../testing/a-person.ts"
import {
  type Answer,
  anInstance,
  aProject,
  aSecret,
  type Instance,
  type TestApp,
} from "../../../testing/test-app.ts"

type Json = Readonly<Record<string, unknown>>
type Storage = Parameters<typeof anInstance>[0]

/** A project with secrets of three environments, and people who have nothing in it yet. */
export class GroupBench {
  readonly instance: Instance
  readonly project: string

  private constructor(instance: Instance, project: string) {
    this.instance = instance
    this.project = project
  }

  static async on(storage: Storage): Promise<GroupBench> {
    const instance = await anInstance(storage)
    const { id: project } = await aProject(instance)
    for (const environment of ["dev", "prod"]) {
      await aSecret(instance, { project, key: "KEY", value: "1", environment })
    }
    return new GroupBench(instance, project)
  }

  person(name: string, of: Partial<Parameters<typeof aPerson>[1]> = {}): Promise<Person> {
    return aPerson(this.instance, { email: `${name}@acme.test`, ...of })
  }

  call(method: string, url: string, body?: Json, token = this.instance.adminToken): Promise<Answer> {
    return this.instance.test.call(method, url, body === undefined ? { token } : { token, body })
  }

  async ok(method: string, url: string, body?: Json): Promise<Answer["body"]> {
    const answer = await this.call(method, url, body)
    if (answer.status !== 200) throw new Error(`${method} ${url}: ${answer.status} ${answer.text}`)
    return answer.body
  }

  /** A group with these people in it and, with `roles`, these roles in the project. */
  async group(
    name: string,
    of: { readonly people?: readonly string[]; readonly roles?: readonly Json[] } = {},
  ): Promise<string> {
    const { id } = await this.ok("POST", "/v1/groups", { name, slug: name })
    for (const person of of.people ?? []) await this.join(id, person)
    if (of.roles !== undefined) await this.ok("POST", this.inProject(id), { roles: of.roles })
    return id
  }

  join(group: string, person: string) {
    return this.ok("POST", `/v1/groups/${group}/users/${person}@acme.test`, {})
  }

  inProject(group = "") {
    return `/v1/projects/${this.project}/groups${group === "" ? "" : `/${group}`}`
  }

  async role(slug: string, permissions: readonly Json[]): Promise<void> {
    await this.ok("POST", `/v1/projects/${this.project}/roles`, { slug, name: slug, permissions })
  }

  /** Whether a person may read the secret of an environment, as a server says. */
  async mayRead(who: Person, environment = "prod", test: TestApp = this.instance.test): Promise<boolean> {
    const url = `/v4/secrets/KEY?projectId=${this.project}&environment=${environment}`
    const { status, text } = await test.call("GET", url, { token: who.token })
    if (status !== 200 && status !== 403) throw new Error(`${status} ${text}`)
    return status === 200
  }
}
