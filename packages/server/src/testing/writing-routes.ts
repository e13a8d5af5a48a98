import { aSecret, type Instance } from "./test-app.ts"

export type Role = "admin" | "member" | "viewer" | "no-access"

export type WritingNames = {
  readonly project: string
  /** A secret of prod, and a folder of it. */
  readonly moved: string
  readonly folder: string
  /** A group in the project, and one that is not. */
  readonly group: string
  readonly newGroup: string
  readonly n: string
}

/** A route, and who may use it. */
export type RouteOf<Names> = {
  readonly does: string
  readonly method: string
  readonly url: (names: Names) => string
  readonly body?: (names: Names) => Readonly<Record<string, unknown>>
  readonly allowed: readonly Role[]
  /** What a refusal says; a project's stranger gets another text. */
  readonly denial: string
}

/** A public key whose secret half nobody has. */
const recipient = "age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p"
export const everyone: readonly Role[] = ["admin", "member", "viewer"]
export const writers: readonly Role[] = ["admin", "member"]
const place = ({ project }: WritingNames) => ({ workspaceId: project, environment: "prod" })

/** What the routes below work on. */
export async function aPlaceToWrite(
  instance: Instance,
  { project, n }: { readonly project: string; readonly n: string },
): Promise<Pick<WritingNames, "moved" | "folder" | "group" | "newGroup">> {
  const { test, adminToken: token } = instance
  await aSecret(instance, { project, key: "OLD", value: "1" })
  const { id: moved } = await aSecret(instance, { project, key: "MOVED", value: "1" })
  await test.ok("POST", `/v1/projects/${project}/tags`, { token, body: { slug: "team" } })
  const make = async (name: string): Promise<string> => {
    const body = { workspaceId: project, environment: "prod", name }
    return (await test.ok("POST", "/v1/folders", { token, body })).folder.id
  }
  await make(`away${n}`)
  const aGroup = async (name: string): Promise<string> =>
    (await test.ok("POST", "/v1/groups", { token, body: { name } })).id
  const [group, newGroup] = [await aGroup("in"), await aGroup("out")]
  await test.ok("POST", `/v1/projects/${project}/groups/${group}`, { token, body: {} })
  return { moved, folder: await make("batch"), group, newGroup }
}

/** Tags, moves, copies, files and groups: who may use which route. */
export const writingRoutes: readonly RouteOf<WritingNames>[] = [
  {
    does: "lists groups",
    method: "GET",
    url: (n) => `/v1/projects/${n.project}/groups`,
    allowed: everyone,
    denial: "read on groups",
  },
  {
    does: "lets a group in",
    method: "POST",
    url: (n) => `/v1/projects/${n.project}/groups/${n.newGroup}`,
    body: () => ({ role: "viewer" }),
    allowed: ["admin"],
    denial: "create on groups",
  },
  {
    does: "changes a group's roles",
    method: "PATCH",
    url: (n) => `/v2/workspace/${n.project}/groups/${n.group}`,
    body: () => ({ roles: [{ role: "viewer" }] }),
    allowed: ["admin"],
    denial: "edit on groups",
  },
  {
    does: "takes a group out",
    method: "DELETE",
    url: (n) => `/v1/projects/${n.project}/groups/${n.group}`,
    allowed: ["admin"],
    denial: "delete on groups",
  },
  {
    does: "lists tags",
    method: "GET",
    url: (n) => `/v1/projects/${n.project}/tags`,
    allowed: everyone,
    denial: "read on tags",
  },
  {
    does: "lists reminders",
    method: "GET",
    url: (n) => `/coffer/v1/projects/${n.project}/reminders`,
    allowed: everyone,
    denial: "describeSecret on secrets",
  },
  {
    does: "previews a restore",
    method: "GET",
    url: (n) => `/coffer/v1/projects/${n.project}/restore?environment=staging&revision=1`,
    allowed: everyone,
    denial: "read on secret-rollback",
  },
  {
    does: "lists the trash",
    method: "GET",
    url: (n) => `/coffer/v1/projects/${n.project}/trash`,
    allowed: everyone,
    denial: "read on secret-rollback",
  },
  {
    does: "reads a secret's history",
    method: "GET",
    url: (n) => `/coffer/v1/projects/${n.project}/history/secrets/${n.moved}`,
    allowed: everyone,
    denial: "read on secret-rollback",
  },
  {
    does: "sets how much of the past is kept",
    method: "PATCH",
    url: (n) => `/coffer/v1/projects/${n.project}/history`,
    body: () => ({ versionLimit: 50 }),
    allowed: ["admin"],
    denial: "edit on project",
  },
  {
    does: "exports a whole project",
    method: "GET",
    url: (n) => `/coffer/v1/projects/${n.project}/archive?recipient=${recipient}`,
    allowed: ["admin"],
    denial: "edit on project",
  },
  {
    does: "exports a folder",
    method: "GET",
    url: (n) => `/coffer/v1/projects/${n.project}/export?environment=prod`,
    allowed: everyone,
    denial: "describeSecret on secrets",
  },
  {
    does: "creates a tag",
    method: "POST",
    url: (n) => `/v1/workspace/${n.project}/tags`,
    body: (n) => ({ slug: `tag-${n.n}`, color: "" }),
    allowed: writers,
    denial: "create on tags",
  },
  {
    does: "tags a secret",
    method: "POST",
    url: () => "/v3/secrets/tags/KEY",
    body: (n) => ({ ...place(n), tagSlugs: ["team"] }),
    allowed: writers,
    denial: "edit on secrets",
  },
  {
    does: "takes a tag off a secret",
    method: "DELETE",
    url: () => "/v3/secrets/tags/KEY",
    body: (n) => ({ ...place(n), tagSlugs: ["team"] }),
    allowed: writers,
    denial: "edit on secrets",
  },
  {
    does: "moves a secret",
    method: "POST",
    url: () => "/v4/secrets/move",
    body: (n) => ({
      projectId: n.project,
      sourceEnvironment: "prod",
      destinationEnvironment: "dev",
      secretIds: [n.moved],
    }),
    allowed: writers,
    denial: "delete on secrets",
  },
  {
    does: "copies secrets",
    method: "POST",
    url: (n) => `/coffer/v1/projects/${n.project}/secrets/copy`,
    body: () => ({ sourceEnvironment: "prod", destinationEnvironment: "staging" }),
    allowed: writers,
    denial: "create on secrets",
  },
  {
    does: "renames a key everywhere",
    method: "POST",
    url: (n) => `/coffer/v1/projects/${n.project}/secrets/rename`,
    body: () => ({ secretKey: "OLD", newSecretKey: "RENAMED", environments: ["prod"] }),
    allowed: writers,
    denial: "edit on secrets",
  },
  {
    does: "imports a file",
    method: "POST",
    url: (n) => `/coffer/v1/projects/${n.project}/import`,
    body: (n) => ({ environment: "dev", format: "dotenv", content: `FILE${n.n}=1` }),
    allowed: writers,
    denial: "create on secrets",
  },
  {
    does: "previews a file",
    method: "POST",
    url: (n) => `/coffer/v1/projects/${n.project}/import`,
    body: () => ({ environment: "dev", format: "dotenv", content: "FILE=1", preview: true }),
    allowed: writers,
    denial: "create on secrets",
  },
  {
    does: "renames several folders",
    method: "PATCH",
    url: () => "/v2/folders/batch",
    body: (n) => ({
      projectId: n.project,
      folders: [{ id: n.folder, environment: "prod", path: "/", name: "batched" }],
    }),
    allowed: writers,
    denial: "edit on secret-folders",
  },
  {
    does: "moves a folder",
    method: "POST",
    url: (n) => `/coffer/v1/projects/${n.project}/folders/move`,
    body: (n) => ({
      environment: "prod",
      path: `/away${n.n}`,
      destinationEnvironment: "dev",
      destinationPath: "/",
    }),
    allowed: writers,
    denial: "delete on secret-folders",
  },
  {
    does: "reads a folder's history",
    method: "GET",
    url: (n) => `/coffer/v1/folders/${n.folder}/versions`,
    allowed: everyone,
    denial: "read on secret-folders",
  },
]
