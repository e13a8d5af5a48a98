import { expect, it } from "vitest"
import { counted } from "./counted.ts"

it.for([
  [0, "0 events"],
  [1, "1 event"],
  [2, "2 events"],
] as const)("%d is counted as %s", ([count, text]) => {
  expect(counted(count, "event")).toBe(text)
})
