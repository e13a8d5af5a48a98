import fc from "fast-check"
import { expect, it } from "vitest"
import { ObjectStore } from "./object-store.ts"
import type { KubeObject } from "./resource.ts"

interface Tagged extends KubeObject {
  tags: string[]
}

const tagged = fc.record({
  namespace: fc.constantFrom("x", "y"),
  name: fc.constantFrom("a", "b", "c"),
  tags: fc.uniqueArray(fc.constantFrom("red", "green", "blue")),
  removed: fc.boolean(),
})

it("a store answers by key, namespace and index as a plain search through its objects would", () => {
  fc.assert(
    fc.property(fc.array(tagged, { maxLength: 30 }), (steps) => {
      const store = new ObjectStore<Tagged>({ tag: (object) => object.tags })
      const model = new Map<string, Tagged>()
      for (const { namespace, name, tags, removed } of steps) {
        const key = `${namespace}/${name}`
        const object = { metadata: { namespace, name }, tags }
        expect(removed ? store.remove(key) : store.put(object)).toBe(model.get(key))
        if (removed) model.delete(key)
        else model.set(key, object)
      }
      const all = [...model.values()]
      expect(store.size).toBe(all.length)
      expect(new Set(store.list())).toEqual(new Set(all))
      expect(store.list("x").length).toBe(all.filter((object) => object.metadata.namespace === "x").length)
      for (const tag of ["red", "green", "blue", "none"]) {
        expect(new Set(store.byIndex("tag", tag))).toEqual(
          new Set(all.filter((object) => object.tags.includes(tag))),
        )
      }
      for (const [key, object] of model) {
        const [namespace = "", name = ""] = key.split("/")
        expect(store.get({ namespace, name })).toBe(object)
      }
    }),
  )
})
