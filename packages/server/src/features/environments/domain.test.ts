import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { closeRanks, movedOnes, placeAt } from "./domain.ts"

const placed = (ids: string) => [...ids].map((id, index) => ({ id, position: index + 1 }))
const orderOf = (all: readonly { id: string; position: number }[]) =>
  all
    .toSorted((left, right) => left.position - right.position)
    .map(({ id }) => id)
    .join("")

describe("the order of environments", () => {
  it.for([
    { what: "to the front", one: "c", position: 1, order: "cab" },
    { what: "to the middle", one: "a", position: 2, order: "bac" },
    { what: "to the end", one: "a", position: 3, order: "bca" },
    { what: "beyond the end", one: "a", position: 99, order: "bca" },
    { what: "where it is", one: "b", position: 2, order: "abc" },
    { what: "in, as a new one", one: "x", position: 2, order: "axbc" },
    { what: "in, beyond the end", one: "x", position: 99, order: "abcx" },
  ])("one is put $what", ({ one, position, order }) => {
    const after = placeAt(placed("abc"), { id: one, position: 0 }, position)
    expect(orderOf(after)).toBe(order)
    expect(after.map((each) => each.position)).toEqual(after.map((_, index) => index + 1))
  })

  it("only those that moved are told", () => {
    const before = placed("abcd")
    const after = placeAt(before, { id: "c", position: 3 }, 2)
    expect(movedOnes(before, after).map(({ id }) => id)).toEqual(["c", "b"])
    expect(movedOnes(before, closeRanks(before))).toEqual([])
  })

  it("gaps and twins of older databases are closed", () => {
    const old = [
      { id: "a", position: 1 },
      { id: "c", position: 7 },
      { id: "b", position: 3 },
      { id: "d", position: 7 },
    ]
    expect(closeRanks(old)).toEqual(placed("abcd"))
  })

  it("any moves leave positions 1 to n, each once, and the others in their order", () => {
    const move = fc.record({ index: fc.nat(9), position: fc.integer({ min: -3, max: 30 }) })
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 9 }), fc.array(move), (size, moves) => {
        let all: readonly { id: string; position: number }[] = placed("abcdefghi".slice(0, size))
        for (const { index, position } of moves) {
          const one = all[index % size]
          if (one === undefined) continue
          const others = orderOf(all).replace(one.id, "")
          all = placeAt(all, one, position)
          expect(orderOf(all).replace(one.id, "")).toBe(others)
          expect(all.map((each) => each.position)).toEqual(Array.from({ length: size }, (_, n) => n + 1))
        }
      }),
    )
  })
})
