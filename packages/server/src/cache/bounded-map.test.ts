import { describe, expect, it } from "vitest"
import { BoundedMap } from "./bounded-map.ts"

const keysOf = (map: BoundedMap<number, number>, upTo: number) =>
  Array.from({ length: upTo }, (_, key) => key).filter((key) => map.get(key) !== undefined)

describe("BoundedMap", () => {
  it("never holds more than its limit, and forgets the first that was not used", () => {
    const map = new BoundedMap<number, number>(3)
    for (let key = 0; key < 3; key += 1) map.set(key, key)
    expect(map.get(0)).toBe(0)
    map.set(3, 3)
    expect(map.size).toBe(3)
    expect(keysOf(map, 4)).toEqual([0, 2, 3])
  })

  it("keeps what is used all the time, whatever floods it", () => {
    const map = new BoundedMap<number, number>(10)
    map.set(-1, -1)
    for (let key = 0; key < 1_000; key += 1) {
      map.set(key, key)
      expect(map.get(-1)).toBe(-1)
    }
    expect(map.size).toBe(10)
  })

  it("forgets even when everything was used, each entry once, until it is empty", () => {
    const map = new BoundedMap<number, number>(5)
    for (let key = 0; key < 5; key += 1) map.set(key, key * 10)
    expect(keysOf(map, 5)).toHaveLength(5)
    const gone = Array.from({ length: 5 }, () => map.deleteOldest())
    expect(new Set(gone.map((entry) => entry?.[1]))).toEqual(new Set([0, 10, 20, 30, 40]))
    expect(map.deleteOldest()).toBeUndefined()
  })

  it("a key that is set again has its new value, and one that was deleted has none", () => {
    const map = new BoundedMap<string, number>(2)
    map.set("a", 1)
    map.set("a", 2)
    expect([map.size, map.get("a")]).toEqual([1, 2])
    map.delete("a")
    expect([map.size, map.get("a")]).toEqual([0, undefined])
  })
})
