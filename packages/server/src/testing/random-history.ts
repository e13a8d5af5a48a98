/** Random histories of a project, and what is looked at after each step. */
import fc from "fast-check"
import type { Workbench } from "./workbench.ts"

const keys = ["A", "B", "C"]
const paths = ["/", "/x", "/x/y", "/z"]
const key = fc.constantFrom(...keys)
const path = fc.constantFrom(...paths)
const environment = fc.constantFrom("prod", "dev")
/** One step of a random history: secrets, folders and imports of prod and dev. */
export const operation = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({
      does: fc.constant("put" as const),
      key,
      path,
      value: fc.string({ maxLength: 5 }),
    }),
  },
  { weight: 2, arbitrary: fc.record({ does: fc.constant("rename" as const), key, path, to: key }) },
  { weight: 2, arbitrary: fc.record({ does: fc.constant("move" as const), key, path, to: path }) },
  { weight: 2, arbitrary: fc.record({ does: fc.constant("delete" as const), key, path }) },
  { weight: 3, arbitrary: fc.record({ does: fc.constant("folder" as const), path }) },
  {
    weight: 1,
    arbitrary: fc.record({
      does: fc.constant("rename-folder" as const),
      path,
      name: fc.constantFrom("x", "y", "z", "w"),
    }),
  },
  { weight: 1, arbitrary: fc.record({ does: fc.constant("delete-folder" as const), path }) },
  { weight: 1, arbitrary: fc.record({ does: fc.constant("import" as const), path, from: path }) },
  { weight: 1, arbitrary: fc.record({ does: fc.constant("move-folder" as const), path, from: environment }) },
)
export type Operation = typeof operation extends fc.Arbitrary<infer T> ? T : never

/** Does it. Whether it succeeds depends on what is there; both are fine. */
export async function perform(bench: Workbench, one: Operation): Promise<void> {
  const at = { secretPath: one.path }
  switch (one.does) {
    case "put":
      await bench.call("PATCH", "/v4/secrets/batch", {
        ...at,
        mode: "upsert",
        secrets: [{ secretKey: one.key, secretValue: one.value, secretComment: `about ${one.value}` }],
      })
      return
    case "rename":
      await bench.call("PATCH", `/v4/secrets/${one.key}`, { ...at, newSecretName: one.to })
      return
    case "move": {
      const found = await bench.read(one.key, `&secretPath=${one.path}`)
      await bench.call("POST", "/v4/secrets/move", {
        sourceEnvironment: "prod",
        sourceSecretPath: one.path,
        destinationEnvironment: "prod",
        destinationSecretPath: one.to,
        secretIds: [found.body.secret?.id ?? "none"],
        shouldOverwrite: true,
      })
      return
    }
    case "delete":
      await bench.call("DELETE", `/v4/secrets/${one.key}`, at)
      return
    case "folder":
      if (one.path !== "/") await bench.folder(one.path)
      return
    case "rename-folder":
      await bench.call("PATCH", `/v1/folders/${nameOf(one.path)}`, { path: above(one.path), name: one.name })
      return
    case "delete-folder":
      await bench.call("DELETE", `/v1/folders/${nameOf(one.path)}`, {
        path: above(one.path),
        forceDelete: true,
      })
      return
    case "move-folder":
      await bench.call("POST", `/coffer/v1/projects/${bench.project}/folders/move`, {
        environment: one.from,
        path: one.path,
        destinationEnvironment: one.from === "prod" ? "dev" : "prod",
        destinationPath: "/",
      })
      return
    case "import":
      await bench.call("POST", "/v2/secret-imports", {
        path: one.path,
        import: { environment: "prod", path: one.from },
      })
  }
}

const nameOf = (path: string) => path.slice(path.lastIndexOf("/") + 1) || "none"
const above = (path: string) => path.slice(0, path.lastIndexOf("/")) || "/"

/** Everything of an environment that a restore must bring back: ids, names, places, values, comments, imports. */
export async function stateOf(bench: Workbench): Promise<unknown> {
  const { secrets } = (await bench.list("&recursive=true&expandSecretReferences=false&includeImports=false"))
    .body
  const query = `projectId=${bench.project}&workspaceId=${bench.project}&environment=prod&recursive=true&path=/`
  const { folders } = (await bench.call("GET", `/v1/folders?${query}`)).body
  const imports = await bench.instance.test.storage.database.reader
    .selectFrom("secret_import as i")
    .innerJoin("folder as f", "f.id", "i.folder_id")
    .select(["i.id", "i.folder_id", "i.import_path", "i.position"])
    .where("i.project_id", "=", bench.project)
    .orderBy("i.id")
    .execute()
  return {
    secrets: secrets
      .map((one: Record<string, unknown>) => [
        one["id"],
        one["secretPath"],
        one["secretKey"],
        one["secretValue"],
        one["secretComment"],
      ])
      .sort(),
    folders: folders.map((one: Record<string, unknown>) => [one["id"], one["path"], one["parentId"]]).sort(),
    imports,
  }
}

/** The revision of the last write. */
export async function revisionOf(bench: Workbench): Promise<number> {
  const { revision } = await bench.instance.test.storage.database.reader
    .selectFrom("project")
    .select("revision")
    .where("id", "=", bench.project)
    .executeTakeFirstOrThrow()
  return revision
}

/** Where prod is restored. */
export const restoreUrl = (bench: Workbench) => `/coffer/v1/projects/${bench.project}/restore`

export async function previewOf(bench: Workbench, more: string) {
  return (await bench.ok("GET", `${restoreUrl(bench)}?environment=prod&${more}`)).restore
}
