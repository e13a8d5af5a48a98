/** One of everything that a request can name, and the four who ask. */
import type { TestStorage } from "@coffer/testkit"
import { aStranger } from "../a-stranger.ts"
import { aMachine, anInstance, aProject, aSecret, type Instance } from "../test-app.ts"

export type Caller = "nobody" | "stranger" | "viewer" | "admin"
export const callers: readonly Caller[] = ["nobody", "stranger", "viewer", "admin"]

/** What fields and parameters may plausibly hold, by their names. */
export type Names = {
  /** Ids of things that belong to the organization and are known to its members only. */
  readonly ids: readonly string[]
  readonly all: readonly string[]
  of(field: string): string
}

export type World = {
  readonly instance: Instance
  readonly names: Names
  readonly tokens: Readonly<Record<Exclude<Caller, "nobody">, string>>
  /** Values that neither nobody nor the stranger may see. */
  readonly canaries: readonly string[]
  /** Values that the viewer may not see either: of a project where it is no member. */
  readonly hidden: readonly string[]
  /** Ids that the caller of this world has named so far. */
  readonly named: Set<string>
  /** Those of them that it may have given to things of its own, as names. */
  readonly given: Set<string>
  /** Where it listens; it begins to when first asked. */
  address(): Promise<string>
}

const canary = (what: string) => `CANARY-${what}-91be44`

export async function aWorld(storage: TestStorage): Promise<World> {
  const instance = await anInstance(storage)
  const { adminToken: token } = instance
  const project = await aProject(instance, { name: "Billing", slug: "billing-x1" })
  const other = await aProject(instance, { name: canary("project"), slug: "hidden-x1" })
  const secret = await aFilledProject(instance, project.id, "value")
  const unnamed = await aFilledProject(instance, other.id, "hidden")
  const machine = await aMachine(instance, { project: project.id, role: "viewer" })
  const things = await thingsOf(instance, project, machine.id)
  const stranger = await aStranger(instance)
  const ids: Readonly<Record<string, string>> = {
    projectId: project.id,
    workspaceId: project.id,
    secretId: secret.id,
    secretIds: secret.id,
    identityId: machine.id,
    actorId: machine.id,
    clientSecretId: machine.clientSecretId,
    organizationId: instance.orgId,
    orgId: instance.orgId,
    ...things,
  }
  const spare = { other: other.id, admin: instance.adminId }
  let address: Promise<string> | undefined
  return {
    instance,
    address: () => {
      address ??= instance.test.app.http.listen({ host: "127.0.0.1", port: 0 })
      return address
    },
    tokens: { admin: token, viewer: machine.token, stranger: stranger.token },
    names: namesOf(ids, Object.values(spare)),
    canaries: [canary("value"), canary("value-comment"), canary("hidden"), canary("project"), unnamed.id],
    named: new Set(),
    given: new Set(),
    hidden: [unnamed.id, canary("hidden"), canary("hidden-comment"), canary("project")],
  }
  function namesOf(byField: Readonly<Record<string, string>>, more: readonly string[]): Names {
    const known = new Map(Object.entries({ ...byField, ...words }))
    const all = [...new Set([...known.values(), ...more, "/", "sub", "viewer"])]
    return {
      ids: [...new Set([...Object.values(ids), ...more])].filter((id) => id.length === 36),
      all,
      of: (field) => known.get(field) ?? "KEY",
    }
  }
}

/** Fields that hold a word rather than an id. */
const words: Readonly<Record<string, string>> = {
  slug: "billing-x1",
  projectSlug: "billing-x1",
  workspaceSlug: "billing-x1",
  environment: "prod",
  environments: "prod",
  sourceEnvironment: "prod",
  destinationEnvironment: "dev",
  secretPath: "/",
  path: "/sub",
  destinationPath: "/",
  idOrName: "sub",
  tagSlug: "team",
  tagSlugs: "team",
  roleSlug: "reader",
  role: "viewer",
  subject: "secrets",
  action: "readValue",
  actorType: "identity",
  events: "secret:create",
  offset: "0",
  limit: "10",
  version: "1",
  revision: "1",
  from: "1",
  to: "1",
  name: "swagger-ui.css",
  webhookUrl: "https://hooks.acme.invalid/x",
  ipAddress: "0.0.0.0/0",
  email: "someone@acme.test",
  emails: "someone@acme.test",
  content: "A=1",
}

async function aFilledProject({ test, adminToken: token }: Instance, project: string, what: string) {
  const place = { workspaceId: project, environment: "prod" }
  await test.ok("POST", "/v1/folders", { token, body: { ...place, name: "sub" } })
  await aSecret(
    { test, adminToken: token, adminId: "", orgId: "" },
    { project, key: "OTHER", value: "${KEY}" },
  )
  const body = {
    ...place,
    secretPath: "/sub",
    secretValue: canary(what),
    secretComment: canary(`${what}-comment`),
  }
  await test.ok("POST", "/v3/secrets/raw/KEY", { token, body })
  return (await test.ok("POST", "/v3/secrets/raw/KEY", { token, body: { ...body, secretPath: "/" } })).secret
}

/** Folder, environment, tag, role, import, webhook, token and privilege of the project. */
async function thingsOf(
  { test, adminToken: token }: Instance,
  { id: projectId, slug }: { readonly id: string; readonly slug: string },
  identityId: string,
): Promise<Readonly<Record<string, string>>> {
  const post = (url: string, body: Readonly<Record<string, unknown>>) => test.ok("POST", url, { token, body })
  const { environments } = await test.ok("GET", `/v2/workspace/${slug}`, { token })
  const environmentId = environments.find((one: { slug: string }) => one.slug === "prod").id
  const place = { projectId, environment: "prod" }
  const { folder } = await post("/v2/folders", { ...place, name: "more" })
  const { tag } = await post(`/v1/projects/${projectId}/tags`, { slug: "team" })
  const permissions = [{ subject: "secrets", action: ["describeSecret"] }]
  const { role } = await post(`/v1/projects/${projectId}/roles`, {
    slug: "reader",
    name: "Reader",
    permissions,
  })
  const { secretImport } = await post("/v2/secret-imports", {
    ...place,
    import: { environment: "dev", path: "/" },
  })
  const { webhook } = await post("/v1/webhooks", { ...place, webhookUrl: words["webhookUrl"] })
  const tokenAuth = `/v1/auth/token-auth/identities/${identityId}`
  await post(tokenAuth, {})
  const { tokenData } = await post(`${tokenAuth}/tokens`, { name: "ci" })
  const privilege = { projectId, identityId, slug: "more", permissions, type: { isTemporary: false } }
  const made = await post("/v2/identity-project-additional-privilege", privilege)
  return {
    environmentId,
    folderId: folder.id,
    tagId: tag.id,
    tagIds: tag.id,
    roleId: role.id,
    secretImportId: secretImport.id,
    id: webhook.id,
    tokenId: tokenData.id,
    privilegeId: made.privilege.id,
  }
}
