import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { decodeBase64 } from "./base64.ts"

const decode = (text: string, alphabet: "standard" | "url") => {
  const result = decodeBase64(new Uint8Array(Buffer.from(text)), alphabet)
  return result && Buffer.from(result).toString("latin1")
}

describe("Go base64", () => {
  it.for([
    ["aGVsbG8=", "standard", "hello"],
    ["aGVs\r\nbG8=\n", "standard", "hello"],
    ["", "standard", ""],
    ["dGVzdB==", "standard", "test"],
    ["ab==", "standard", "i"],
    ["_-__", "url", "\xff\xef\xff"],
    ["+/++", "standard", "\xfb\xff\xbe"],
  ] as const)("%j decodes", ([text, alphabet, expected]) => {
    expect(decode(text, alphabet)).toBe(expected)
  })

  it.for([
    ["aGVsbG8", "standard"],
    ["aGVs bG8=", "standard"],
    ["_-__", "standard"],
    ["-_-_=", "standard"],
    ["-_-_=", "url"],
    ["plain text", "url"],
  ] as const)("%j is illegal in the %s alphabet", ([text, alphabet]) => {
    expect(decode(text, alphabet)).toBeUndefined()
  })

  it("whatever was encoded comes back", () => {
    fc.assert(
      fc.property(fc.uint8Array(), (value) => {
        const text = new Uint8Array(Buffer.from(Buffer.from(value).toString("base64")))
        expect(decodeBase64(text, "standard")).toEqual(new Uint8Array(value))
      }),
    )
  })
})
