import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { jsonOfMany } from "./json-of-many.ts"

describe("the JSON of many things", () => {
  it("is what JSON.stringify makes of them", async () => {
    const items = fc.array(fc.record({ key: fc.string(), value: fc.jsonValue() }))
    await fc.assert(
      fc.asyncProperty(items, async (list) => {
        const present = ({ key, value }: { key: string; value: unknown }) => ({ name: key, value })
        expect(await jsonOfMany(list, present)).toBe(JSON.stringify(list.map(present)))
      }),
    )
  })

  it("lets others have their turn between slices", async () => {
    let presented = 0
    const seen: number[] = []
    const look = () => {
      seen.push(presented)
      if (presented < 5_000) setImmediate(look)
    }
    setImmediate(look)
    const items = Array.from({ length: 5_000 }, (_, index) => index)
    await jsonOfMany(items, (index) => {
      presented += 1
      return { index }
    })
    // Without pauses, nobody sees it until all is done.
    expect(seen.filter((count) => count > 0 && count < 5_000).length).toBeGreaterThan(5)
  })
})
