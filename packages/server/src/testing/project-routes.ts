/** Every route that reads or changes a project, with the roles that may. */
import { aMachine, aProject, aSecret, type Instance } from "./test-app.ts"
import {
  aPlaceToWrite,
  everyone,
  type RouteOf,
  type WritingNames,
  writers,
  writingRoutes,
} from "./writing-routes.ts"

type Names = WritingNames & {
  readonly project: string
  readonly other: string
  readonly environment: string
  readonly secret: string
  /** Imports of the root folder: one that stays, and one to delete. */
  readonly imported: string
  readonly spare: string
  readonly n: string
}
const place = ({ project }: Names) => ({ workspaceId: project, environment: "prod" })
const placeV4 = ({ project }: Names) => ({ projectId: project, environment: "prod" })
const query = ({ project }: Names) => `environment=prod&workspaceId=${project}`

/** Contract 4.2, on every route that reads or changes a project. `n` makes names unique per role. */
export const projectRoutes: readonly RouteOf<Names>[] = [
  ...writingRoutes,
  {
    does: "lists secrets",
    method: "GET",
    url: (n) => `/v3/secrets/raw?${query(n)}`,
    allowed: everyone,
    denial: "describeSecret on secrets",
  },
  {
    does: "reads a secret",
    method: "GET",
    url: (n) => `/v3/secrets/raw/KEY?${query(n)}`,
    allowed: everyone,
    denial: "describeSecret on secrets",
  },
  {
    does: "lists secrets, v4",
    method: "GET",
    url: (n) => `/v4/secrets?environment=prod&projectId=${n.project}`,
    allowed: everyone,
    denial: "describeSecret on secrets",
  },
  {
    does: "reads a secret, v4",
    method: "GET",
    url: (n) => `/v4/secrets/KEY?environment=prod&projectId=${n.project}`,
    allowed: everyone,
    denial: "describeSecret on secrets",
  },
  {
    does: "lists folders",
    method: "GET",
    url: (n) => `/v1/folders?${query(n)}`,
    allowed: everyone,
    denial: "read on secret-folders",
  },
  {
    does: "reads an environment",
    method: "GET",
    url: (n) => `/v1/projects/${n.project}/environments/${n.environment}`,
    allowed: everyone,
    denial: "read on environments",
  },
  {
    does: "lists identities",
    method: "GET",
    url: (n) => `/v1/projects/${n.project}/memberships/identities`,
    allowed: everyone,
    denial: "read on identity",
  },
  {
    does: "reads the audit log",
    method: "GET",
    url: (n) => `/v1/organization/audit-logs?projectId=${n.project}`,
    allowed: everyone,
    denial: "read on audit-logs",
  },
  {
    does: "creates a secret",
    method: "POST",
    url: (n) => `/v3/secrets/raw/NEW${n.n}`,
    body: (n) => ({ ...place(n), secretValue: "1" }),
    allowed: writers,
    denial: "create on secrets",
  },
  {
    does: "creates a secret, v4",
    method: "POST",
    url: (n) => `/v4/secrets/NEW4${n.n}`,
    body: (n) => ({ ...placeV4(n), secretValue: "1" }),
    allowed: writers,
    denial: "create on secrets",
  },
  {
    does: "creates a batch",
    method: "POST",
    url: () => "/v3/secrets/batch/raw",
    body: (n) => ({ ...place(n), secrets: [{ secretKey: `B${n.n}`, secretValue: "1" }] }),
    allowed: writers,
    denial: "create on secrets",
  },
  {
    does: "changes a secret",
    method: "PATCH",
    url: () => "/v3/secrets/raw/KEY",
    body: (n) => ({ ...place(n), secretValue: "2" }),
    allowed: writers,
    denial: "edit on secrets",
  },
  {
    does: "changes a batch",
    method: "PATCH",
    url: () => "/v4/secrets/batch",
    body: (n) => ({ ...placeV4(n), secrets: [{ secretKey: "KEY", secretValue: "3" }] }),
    allowed: writers,
    denial: "edit on secrets",
  },
  {
    does: "deletes a secret",
    method: "DELETE",
    url: (n) => `/v3/secrets/raw/GONE${n.n}`,
    body: place,
    allowed: writers,
    denial: "delete on secrets",
  },
  {
    does: "deletes a batch",
    method: "DELETE",
    url: () => "/v4/secrets/batch",
    body: (n) => ({ ...placeV4(n), secrets: [{ secretKey: `GONEB${n.n}` }] }),
    allowed: writers,
    denial: "delete on secrets",
  },
  {
    does: "reads a secret by its id",
    method: "GET",
    url: (n) => `/v4/secrets/id/${n.secret}`,
    allowed: everyone,
    denial: "describeSecret on secrets",
  },
  {
    does: "reads what a secret refers to",
    method: "GET",
    url: (n) => `/v4/secrets/KEY/secret-reference-tree?environment=prod&projectId=${n.project}`,
    allowed: everyone,
    denial: "describeSecret on secrets",
  },
  {
    does: "reads what refers to a secret",
    method: "GET",
    url: (n) => `/v4/secrets/KEY/secret-references?environment=prod&projectId=${n.project}`,
    allowed: everyone,
    denial: "describeSecret on secrets",
  },
  {
    does: "searches",
    method: "POST",
    url: (n) => `/coffer/v1/projects/${n.project}/search`,
    body: () => ({ value: { contains: "1" } }),
    allowed: everyone,
    denial: "describeSecret on secrets",
  },
  {
    does: "lists imports",
    method: "GET",
    url: (n) => `/v2/secret-imports?environment=prod&projectId=${n.project}`,
    allowed: everyone,
    denial: "read on secret-imports",
  },
  {
    does: "reads imported secrets",
    method: "GET",
    url: (n) => `/v1/secret-imports/secrets?${query(n)}`,
    allowed: everyone,
    denial: "read on secret-imports",
  },
  {
    does: "reads an import",
    method: "GET",
    url: (n) => `/v2/secret-imports/${n.imported}`,
    allowed: everyone,
    denial: "read on secret-imports",
  },
  {
    does: "creates an import",
    method: "POST",
    url: () => "/v2/secret-imports",
    body: (n) => ({ ...placeV4(n), import: { environment: "prod", path: `/mine${n.n}` } }),
    allowed: writers,
    denial: "create on secret-imports",
  },
  {
    does: "moves an import",
    method: "PATCH",
    url: (n) => `/v1/secret-imports/${n.imported}`,
    body: (n) => ({ ...place(n), import: { position: 2 } }),
    allowed: writers,
    denial: "edit on secret-imports",
  },
  {
    does: "deletes an import",
    method: "DELETE",
    url: (n) => `/v2/secret-imports/${n.spare}`,
    body: placeV4,
    allowed: writers,
    denial: "delete on secret-imports",
  },
  {
    does: "creates a folder",
    method: "POST",
    url: () => "/v1/folders",
    body: (n) => ({ ...place(n), name: `f${n.n}` }),
    allowed: writers,
    denial: "create on secret-folders",
  },
  {
    does: "renames a folder",
    method: "PATCH",
    url: (n) => `/v1/folders/mine${n.n}`,
    body: (n) => ({ ...place(n), name: `renamed${n.n}` }),
    allowed: writers,
    denial: "edit on secret-folders",
  },
  {
    does: "deletes a folder",
    method: "DELETE",
    url: (n) => `/v1/folders/gone${n.n}`,
    body: place,
    allowed: writers,
    denial: "delete on secret-folders",
  },
  {
    does: "creates an environment",
    method: "POST",
    url: (n) => `/v1/projects/${n.project}/environments`,
    body: (n) => ({ name: "E", slug: `env-${n.n}` }),
    allowed: writers,
    denial: "create on environments",
  },
  {
    does: "changes an environment",
    method: "PATCH",
    url: (n) => `/v1/workspace/${n.project}/environments/${n.environment}`,
    body: () => ({ name: "Production" }),
    allowed: writers,
    denial: "edit on environments",
  },
  {
    does: "lets an identity in",
    method: "POST",
    url: (n) => `/v1/projects/${n.project}/memberships/identities/${n.other}`,
    body: () => ({ role: "viewer" }),
    allowed: writers,
    denial: "create on identity",
  },
  {
    does: "changes an identity's roles",
    method: "PATCH",
    url: (n) => `/v1/projects/${n.project}/memberships/identities/${n.other}`,
    body: () => ({ roles: [{ role: "viewer" }] }),
    allowed: ["admin"],
    denial: "on identity",
  },
  {
    does: "adds a person",
    method: "POST",
    url: (n) => `/v2/workspace/${n.project}/memberships`,
    body: () => ({ emails: ["root@acme.test"], roleSlugs: ["viewer"] }),
    allowed: writers,
    denial: "create on member",
  },
  {
    does: "changes the project",
    method: "PATCH",
    url: (n) => `/v1/projects/${n.project}`,
    body: () => ({ description: "d" }),
    allowed: ["admin"],
    denial: "edit on project",
  },
]

/** A project with one of everything that the routes are about. */
export async function aProjectToTry(instance: Instance, n: string): Promise<Names> {
  const { test, adminToken: token } = instance
  const { id: project } = await aProject(instance)
  for (const key of ["KEY", `GONE${n}`, `GONEB${n}`]) await aSecret(instance, { project, key, value: "1" })
  for (const name of [`mine${n}`, `gone${n}`]) {
    await test.ok("POST", "/v1/folders", { token, body: { workspaceId: project, environment: "prod", name } })
  }
  const { environments } = await test.ok("GET", `/v2/workspace/${await slugOf(instance, project)}`, { token })
  const environment = environments.find((one: { slug: string }) => one.slug === "prod").id
  const { id: other } = await aMachine(instance)
  const { id: secret } = await aSecret(instance, { project, key: "BY_ID", value: "1" })
  const importOf = async (slug: string): Promise<string> => {
    const body = { projectId: project, environment: "prod", import: { environment: slug, path: "/" } }
    return (await test.ok("POST", "/v2/secret-imports", { token, body })).secretImport.id
  }
  const [imported, spare] = [await importOf("dev"), await importOf("staging")]
  const writing = await aPlaceToWrite(instance, { project, n })
  return { project, other, environment, secret, imported, spare, n, ...writing }
}

async function slugOf({ test, adminToken }: Instance, project: string): Promise<string> {
  return (await test.ok("GET", `/v1/projects/${project}`, { token: adminToken })).project.slug
}
