import { describeDatabase } from "@coffer/testkit"
import { sql } from "kysely"
import { expect, it } from "vitest"
import { aWorkbench, type Workbench } from "./workbench.ts"

/**
 * On SQLite as many as a project may have, with its roots and the one that holds them; on both more than a statement takes
 * parameters, which are twelve for a version of a folder: 32,766 and 65,535.
 */
const howMany = { sqlite: 19_996, postgres: 6_000 }

/** Puts folders below one that is there, past the API: it would take minutes. */
async function addFolders(bench: Workbench, parentId: string, count: number): Promise<void> {
  await bench.instance.test.storage.database.write(async ({ db }) => {
    await sql`
      insert into folder (id, project_id, environment_id, parent_id, name, version, revision, created_at, updated_at)
      with recursive series (n) as (select 1 union all select n + 1 from series where n < ${count})
      select 'folder-' || n, project_id, environment_id, id, 'f' || n, 1, revision, created_at, updated_at
      from folder cross join series where id = ${parentId}`.execute(db)
    await sql`
      insert into folder_version (folder_id, version, project_id, revision, op, environment_id, parent_id, name, actor_type, actor_id, at)
      select id, 1, project_id, revision, 'create', environment_id, parent_id, name, 'user', 'somebody', created_at
      from folder where parent_id = ${parentId}`.execute(db)
  })
}

/** Nine parameters for a change of a project. */
const manyChanges = 4_000
const timeoutMs = 120_000

/** A project with more folders than a statement takes parameters. */
export function describeManyFolders(kind: "sqlite" | "postgres"): void {
  const many = howMany[kind]
  describeDatabase(kind, "many folders", (open) => {
    it(
      "are listed, moved, deleted with what holds them, and listed in the trash",
      async () => {
        const bench = await aWorkbench(await open())
        const { folder } = await bench.folder("/all")
        await addFolders(bench, folder.id, many)
        // What was put there past the API is seen when the structure changes.
        await bench.ok("POST", `/v1/projects/${bench.project}/tags`, { slug: "seen" })
        if (kind === "sqlite") {
          const refused = await bench.call("POST", "/v1/folders", { name: "one-more", path: "/all" })
          const message = expect.stringMatching(/^The project has 20000 folders, which is the most/)
          expect(refused).toMatchObject({ status: 400, body: { message } })
        }
        await bench.put("INSIDE", "1", "/all/f7")
        const own = `/coffer/v1/projects/${bench.project}`
        const listIn = async (environment: string, of = "path=/all") => {
          const url = `/v2/folders?projectId=${bench.project}&environment=${environment}&${of}`
          return (await bench.ok("GET", url)).folders
        }
        expect(await listIn("prod")).toHaveLength(many)
        expect(await listIn("prod", "path=/&recursive=true")).toHaveLength(many + 1)
        expect((await bench.list("&recursive=true")).body.secrets).toHaveLength(1)
        const to = { destinationEnvironment: "dev", destinationPath: "/" }
        await bench.ok("POST", `${own}/folders/move`, { path: "/all", ...to })
        expect(await listIn("prod")).toEqual([])
        const moved = await listIn("dev")
        expect(moved).toHaveLength(many)
        expect(moved).toContainEqual(expect.objectContaining({ name: "f7", version: 2 }))
        const { environments } = (await bench.ok("GET", `/v1/projects/${bench.project}`)).project
        const { id } = environments.find((one: { slug: string }) => one.slug === "dev")
        await bench.ok("DELETE", `/v1/projects/${bench.project}/environments/${id}`)
        const trash = await bench.ok("GET", `${own}/trash?limit=1`)
        expect(trash).toMatchObject({ items: [{ kind: "environment" }], totalCount: 1 })
      },
      timeoutMs,
    )

    // Folders are made one by one: on PostgreSQL so many take longer than a write may.
    if (kind === "postgres") return
    it(
      "are copied at once, and so many changes told",
      async () => {
        const bench = await aWorkbench(await open())
        const { folder } = await bench.folder("/all")
        await addFolders(bench, folder.id, manyChanges)
        await bench.folder("/other")
        const { foldersCreated } = await bench.ok(
          "POST",
          `/coffer/v1/projects/${bench.project}/secrets/copy`,
          {
            sourceEnvironment: "prod",
            sourceSecretPath: "/all",
            recursive: true,
            destinationEnvironment: "dev",
            destinationSecretPath: "/",
          },
        )
        expect(foldersCreated).toHaveLength(manyChanges)
      },
      timeoutMs,
    )
  })
}
