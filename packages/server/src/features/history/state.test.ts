import { expect, it } from "vitest"
import { type FolderState, withDescendants } from "./state.ts"

function foldersOf(parents: Readonly<Record<string, string | null>>): Map<string, FolderState> {
  const folders = Object.entries(parents).map(([id, parentId]): [string, FolderState] => {
    return [id, { id, environmentId: "dev", parentId, name: id, description: null }]
  })
  return new Map(folders)
}

const idsOf = (folders: ReadonlyMap<string, FolderState>, topId: string) =>
  withDescendants({ folders }, topId).map(({ id }) => id)

it("a folder comes with everything below it, parents first, and with nothing beside it", () => {
  const folders = foldersOf({ root: null, b: "a", a: "root", c: "b", beside: "root" })
  expect(idsOf(folders, "a")).toEqual(["a", "b", "c"])
  expect(idsOf(folders, "root")).toEqual(["root", "a", "beside", "b", "c"])
  expect(idsOf(folders, "gone")).toEqual([])
})

it("a folder that holds more folders than a call takes arguments comes with all of them", () => {
  const many = 130_000
  const below = Array.from({ length: many }, (_, index) => [`folder-${index}`, "root"])
  const folders = foldersOf({ root: null, ...Object.fromEntries(below) })
  expect(idsOf(folders, "root")).toHaveLength(many + 1)
})
