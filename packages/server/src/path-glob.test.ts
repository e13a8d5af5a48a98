import fc from "fast-check"
import { expect, it } from "vitest"
import { matchesPathGlob } from "./path-glob.ts"

it.for([
  { pattern: "/", path: "/", selects: true },
  { pattern: "/", path: "/a", selects: false },
  { pattern: "/a", path: "/a", selects: true },
  { pattern: "/a", path: "/ab", selects: false },
  { pattern: "/a/**", path: "/a", selects: true },
  { pattern: "/a/**", path: "/a/b/c", selects: true },
  { pattern: "/a/**", path: "/ab", selects: false },
  { pattern: "/**", path: "/", selects: true },
  { pattern: "/**", path: "/x/y", selects: true },
  { pattern: "/*", path: "/x", selects: true },
  { pattern: "/*", path: "/x/y", selects: false },
  { pattern: "/*", path: "/", selects: false },
  { pattern: "/a*/**/c?", path: "/apple/b/b/cc", selects: true },
  { pattern: "/a*/**/c?", path: "/apple/cc", selects: true },
  { pattern: "/a*/**/c?", path: "/apple/c", selects: false },
  { pattern: "/**/x/**/y", path: "/a/x/b/x/c/y", selects: true },
  { pattern: "/[ab]", path: "/a", selects: false },
  { pattern: "", path: "/a", selects: false },
])("the pattern '$pattern' selects '$path': $selects", ({ pattern, path, selects }) => {
  expect(matchesPathGlob(pattern, path)).toBe(selects)
})

it("every path is selected by itself, by /** and by the ** of each folder above it", () => {
  const aPath = fc
    .array(fc.stringMatching(/^[a-z_-]{1,5}$/), { maxLength: 6 })
    .map((names) => `/${names.join("/")}`)
  fc.assert(
    fc.property(aPath, (path) => {
      const above = path.split("/").map((_, index, names) => names.slice(0, index + 1).join("/"))
      expect(
        [path, "/**", ...above.map((folder) => `${folder}/**`)].every((p) => matchesPathGlob(p, path)),
      ).toBe(true)
    }),
  )
})

it("a hostile pattern is answered at once", () => {
  const started = performance.now()
  expect(matchesPathGlob(`/${"*a".repeat(250)}b`, `/${"a".repeat(5_000)}`)).toBe(false)
  expect(matchesPathGlob(`${"/**/a".repeat(200)}/b`, "/a".repeat(2_000))).toBe(false)
  expect(performance.now() - started).toBeLessThan(1_000)
})
