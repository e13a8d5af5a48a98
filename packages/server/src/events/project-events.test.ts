import { expect, it } from "vitest"
import type { FolderRecord, ProjectStructure } from "../cache/index.ts"
import { projectEventsOf } from "./project-events.ts"

const times = { createdAt: 0, updatedAt: 0 }

/** Folders of one environment; each imports the one that it names. */
function structureOf(imports: readonly (readonly [importer: string, source: string])[]): ProjectStructure {
  const folders = imports.map(([path], index): FolderRecord => {
    const of = { id: `folder-${index}`, environmentId: "dev", parentId: "root", version: 1, ...times }
    return { ...of, path, name: path.slice(1), description: null }
  })
  const records = imports.map(([, importPath], index) => {
    const id = `import-${index}`
    const of = { id, folderId: `folder-${index}`, position: 1, isReplication: false, version: 1, ...times }
    return { ...of, importEnvironmentId: "dev", importPath }
  })
  return {
    environments: [{ id: "dev", name: "dev", slug: "dev", position: 1, ...times }],
    folders: new Map(folders.map((folder) => [folder.id, folder])),
    imports: new Map(records.map((record) => [record.folderId, [record]])),
  } as unknown as ProjectStructure
}

const change = {
  ...{ revision: 7, ordinal: 0, kind: "secret:update", environmentId: "dev", folderId: "source" },
  ...{ path: "/source", keys: ["KEY"], at: 0 },
}

it("a change is told where it was made, and then once to every folder that imports it, also through others", () => {
  const structure = structureOf([
    ["/b", "/source"],
    ["/a", "/b"],
    ["/source", "/a"],
    ["/other", "/elsewhere"],
  ])
  const events = projectEventsOf(structure, [change])
  expect(events.map(({ event, path, index, keys }) => [event, path, index, keys])).toEqual([
    ["secret:update", "/source", 0, ["KEY"]],
    ["secret:import-mutation", "/a", 1, []],
    ["secret:import-mutation", "/b", 2, []],
  ])
  expect(events.map(({ isLastOfRevision }) => isLastOfRevision)).toEqual([false, false, true])
})

it("is told to all, also when more folders import it than a call takes arguments", () => {
  const many = 130_000
  const structure = structureOf(Array.from({ length: many }, (_, index) => [`/folder-${index}`, "/source"]))
  expect(projectEventsOf(structure, [change])).toHaveLength(many + 1)
})
