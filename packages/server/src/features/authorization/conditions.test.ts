import type { PermissionConditions } from "@coffer/contract"
import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { compileConditions, type Resource } from "./conditions.ts"

const holds = (conditions: PermissionConditions, resource: Resource) =>
  compileConditions(conditions)(resource)

describe("conditions", () => {
  it.for([
    { says: "a bare string is equality", condition: "prod", value: "prod", expected: true },
    { says: "equality is exact", condition: { $eq: "prod" }, value: "Prod", expected: false },
    { says: "inequality", condition: { $ne: "prod" }, value: "dev", expected: true },
    { says: "a list", condition: { $in: ["dev", "prod"] }, value: "prod", expected: true },
    { says: "a pattern", condition: { $glob: "pr*" }, value: "prod", expected: true },
    {
      says: "all operators must hold",
      condition: { $glob: "*", $ne: "prod" },
      value: "prod",
      expected: false,
    },
    { says: "no operator never holds", condition: {}, value: "prod", expected: false },
    { says: "an empty pattern never matches", condition: { $glob: "" }, value: "", expected: false },
  ])("$says", ({ condition, value, expected }) => {
    expect(holds({ environment: condition }, { environment: value })).toBe(expected)
  })

  it.for([
    { glob: "/a/**", path: "/a", expected: true },
    { glob: "/a/**", path: "/a/b/c", expected: true },
    { glob: "/a/**", path: "/ab", expected: false },
    { glob: "/**", path: "/", expected: true },
    { glob: "/a/*", path: "/a/b", expected: true },
    { glob: "/a/*", path: "/a/b/c", expected: false },
    { glob: "/a/*", path: "/a", expected: false },
    { glob: "/{a,b}/x", path: "/b/x", expected: true },
    { glob: "/a/b", path: "/a/b", expected: true },
  ])("the path pattern $glob on $path: $expected", ({ glob, path, expected }) => {
    expect(holds({ secretPath: { $glob: glob } }, { secretPath: path })).toBe(expected)
  })

  it.for([".env", "A\nB", "ä ö", "a.b", "x".repeat(256)])("a name cannot hide from *: %j", (name) => {
    expect(holds({ secretName: { $glob: "*" } }, { secretName: name })).toBe(true)
    expect(holds({ secretName: { $glob: "**" } }, { secretName: name })).toBe(true)
  })

  it("GHSA-59w7-v8rr-pr4p: a name never becomes pattern syntax", () => {
    fc.assert(
      fc.property(fc.stringMatching(/^[*?{}[\]!+A-Z]{1,12}$/), fc.string({ minLength: 1 }), (name, other) => {
        fc.pre(name !== other)
        const exact = { secretName: { $eq: other } }
        return (
          holds(exact, { secretName: name }) === false &&
          holds({ secretName: { $in: [name] } }, { secretName: other }) === false &&
          holds({ secretName: { $glob: "DB_?" } }, { secretName: name }) !== true
        )
      }),
    )
    expect(holds({ secretName: { $glob: "DB_?" } }, { secretName: "DB_*" })).toBe(true)
    expect(holds({ secretName: { $eq: "*" } }, { secretName: "ANY" })).toBe(false)
  })

  it("tags hold when any of them is named, and not when it has none", () => {
    const condition = { secretTags: { $in: ["red"] } }
    expect(holds(condition, { secretTags: ["blue", "red"] })).toBe(true)
    expect(holds(condition, { secretTags: [] })).toBe(false)
    expect(holds(condition, {})).toBeUndefined()
  })

  it("what is false stays false although the rest is unknown", () => {
    const conditions = { environment: "prod", secretName: "KEY" }
    expect(holds(conditions, { environment: "dev" })).toBe(false)
    expect(holds(conditions, { environment: "prod" })).toBeUndefined()
  })

  it.for([
    "+(a|aa)+",
    "(a+)+b",
    "a|b",
    "{{identity.name}}",
    "/a/../b",
    "[ab]+c",
    "{a,b}{a,b}{a,b}{a,b}",
    "*a*b*c*d",
    "/**/a/**/b/**",
    "[z-a]",
  ])("the pattern %s is refused with what to change", (glob) => {
    expect(() => compileConditions({ secretName: { $glob: glob } })).toThrow(
      /The \$glob pattern .* (must|cannot)/,
    )
  })

  it("the costliest patterns that are accepted end soon", () => {
    const worst = [
      { conditions: { secretName: { $glob: "*a*a*b" } }, resource: { secretName: "a".repeat(256) } },
      {
        conditions: { secretPath: { $glob: "/**/*a*a*b/**/c" } },
        resource: { secretPath: `/${"a".repeat(255)}`.repeat(4) },
      },
      {
        conditions: { secretName: { $glob: "{a,aa,*}{a,aa,*}{a,aa,*}b" } },
        resource: { secretName: "a".repeat(256) },
      },
    ]
    for (const { conditions, resource } of worst) {
      const start = performance.now()
      expect(holds(conditions, resource)).toBe(false)
      expect(performance.now() - start).toBeLessThan(1_000)
    }
    expect(holds({ secretName: { $glob: "*a" } }, { secretName: "a".repeat(10_000) })).toBeUndefined()
  })
})
