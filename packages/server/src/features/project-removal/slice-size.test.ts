import { describe, expect, it } from "vitest"
import { SliceSize } from "./slice-size.ts"

const after = (...took: readonly number[]) => {
  const size = new SliceSize()
  for (const tookMs of took) size.note(tookMs)
  return size.rows
}

describe("the size of a slice", () => {
  it.for([
    { what: "is small before anything is known", took: [], rows: 100 },
    { what: "stays while slices take as long as they may", took: [15, 15], rows: 100 },
    { what: "grows slowly", took: [1, 0], rows: 225 },
    { what: "shrinks at once", took: [60], rows: 25 },
    { what: "never grows beyond what is easy to wait for", took: Array(50).fill(0), rows: 2_000 },
    { what: "never stands still", took: [5_000, 5_000], rows: 10 },
    { what: "grows where it is not the rows that take long", took: Array(15).fill(60), rows: 55 },
    { what: "shrinks again where it is", took: [...Array(15).fill(60), 180], rows: 19 },
  ])("$what", ({ took, rows }) => {
    expect(after(...took)).toBe(rows)
  })
})
