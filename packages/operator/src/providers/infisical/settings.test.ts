import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { locateKey } from "./settings.ts"

describe("where a key points", () => {
  it.for([
    ["/", "foo", "/", "foo"],
    ["/foo", "/bar/baz", "/bar", "baz"],
    ["/scope", "a/b/c/name", "/scope/a/b/c", "name"],
    ["/", "azure/admin", "/azure", "admin"],
    ["/foo", "/KEY", "/", "KEY"],
    ["/scope", "../x/name", "/x", "name"],
  ] as const)("in %s, %s is %s and %s", ([secretsPath, key, folder, name]) => {
    expect(locateKey(secretsPath, key)).toEqual({ folder, name })
  })

  it("the name never has a slash and an absolute key ignores the store's folder", () => {
    fc.assert(
      fc.property(fc.string(), fc.string(), (path, key) => {
        expect(locateKey(path, key).name).not.toContain("/")
        expect(locateKey(path, `/${key}`)).toEqual(locateKey("/other", `/${key}`))
      }),
    )
  })
})
