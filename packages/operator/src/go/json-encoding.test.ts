import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { encodeGoJson, type JsonValue, plainDecimal } from "./json-encoding.ts"

const sortKeys = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.map(sortKeys)
  if (typeof value !== "object" || value === null) return value
  return Object.entries(value)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, member]) => [key, sortKeys(member)])
}

describe("Go JSON", () => {
  it("sorts keys and escapes markup when asked", () => {
    expect(encodeGoJson({ b: "<&>", a: [1, null, true] }, { escapeHtml: true })).toBe(
      '{"a":[1,null,true],"b":"\\u003c\\u0026\\u003e"}',
    )
    expect(encodeGoJson("<\u2028>", { escapeHtml: false })).toBe('"<\\u2028>"')
  })

  it.for([
    [1e21, "1e+21"],
    [1e-7, "1e-7"],
    [1.5, "1.5"],
  ] as const)("%d is encoded as %s", ([value, text]) => {
    expect(encodeGoJson(value, { escapeHtml: true })).toBe(text)
  })

  it("what was encoded parses to the same value", () => {
    fc.assert(
      fc.property(fc.jsonValue({ noUnicodeString: false }), (value) => {
        const text = encodeGoJson(value as JsonValue, { escapeHtml: true })
        expect(JSON.stringify(sortKeys(JSON.parse(text)))).toBe(JSON.stringify(sortKeys(value)))
      }),
    )
  })
})

describe("plain decimals", () => {
  it.for([
    [1e21, "1000000000000000000000"],
    [1e-7, "0.0000001"],
    [12.5, "12.5"],
    [5432, "5432"],
    [-0.25, "-0.25"],
    [0, "0"],
    [123456789012345680000, "123456789012345680000"],
  ] as const)("%d is written %s", ([value, text]) => {
    expect(plainDecimal(value)).toBe(text)
  })

  it("never has an exponent and reads back as the same number", () => {
    fc.assert(
      fc.property(fc.double({ noNaN: true, noDefaultInfinity: true }), (value) => {
        const text = plainDecimal(value)
        expect(text).not.toContain("e")
        expect(Number(text)).toBe(value)
      }),
    )
  })
})
