import { expect, it } from "vitest"
import { UndoStack } from "./undo-stack.ts"

it("what was made last is taken back first", async () => {
  const undone: string[] = []
  const stack = new UndoStack()
  stack.push("namespace", async () => void undone.push("namespace"))
  stack.push("object", async () => void undone.push("object"))
  await expect(stack.unwind()).resolves.toEqual([])
  expect(undone).toEqual(["object", "namespace"])
})

it("a step that fails is named and does not keep the others from running", async () => {
  const undone: string[] = []
  const stack = new UndoStack()
  stack.push("key", async () => void undone.push("key"))
  stack.push("namespace", () => Promise.reject(new Error("forbidden")))
  await expect(stack.unwind()).resolves.toEqual(["namespace (forbidden)"])
  expect(undone).toEqual(["key"])
})

it("nothing is taken back twice", async () => {
  let times = 0
  const stack = new UndoStack()
  stack.push("key", async () => {
    times += 1
  })
  await stack.unwind()
  await stack.unwind()
  expect(times).toBe(1)
})
