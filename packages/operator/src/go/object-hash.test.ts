import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { objectHash, renderGoValue } from "./object-hash.ts"

const bytes = (text: string) => new Uint8Array(Buffer.from(text))

describe("object hashes", () => {
  it.for([
    ["nil", null, "c461202a18e99215f121936fb2452e03843828e448a00a53f285a6fc"],
    ["a string", "hello there", "f78681ec611ebaeea0689bff6c7812a83ff98a7faba986d9af76c999"],
    [
      "a map of bytes",
      { foo: bytes("value1"), bar: bytes("value2") },
      "1bed8bcbcb4547ffe19a19cd47d9078e84aa6598266d86b99f992d64",
    ],
    [
      "Secret data",
      { username: bytes("admin"), password: bytes("s3cr3t") },
      "4dc87f1bc1b42f99971f11cd8a752c3c1babc6486c0744d841d68c6a",
    ],
    ["empty Secret data", {}, "74a974446e359fb3e6baff9bd0058950e6edd0f040888d9989b0a11b"],
    ["an empty value", { a: bytes("") }, "b4267d3031c382774d3148a47147cc308a0e534ac8381b5d58565df8"],
    ["an owner", "gitea/gitea-secrets", "9f5b4aa9de5ce2812532821834854bc46bc0202d116353db5211482d"],
  ] as const)("%s hashes as Go does", ([, value, hash]) => {
    expect(objectHash(value)).toBe(hash)
  })

  it.for([
    [1e21, "1e+21"],
    [1e-7, "1e-07"],
    [1.5, "1.5"],
    [5432, "5432"],
    [true, "true"],
    [["a", 2], "[a 2]"],
    [[], "[]"],
    [{ b: { c: null }, a: "x" }, "map[a:x b:map[c:<nil>]]"],
    [
      new Map([
        ["z", "1"],
        ["a", "2"],
      ]),
      "{z:1 a:2}",
    ],
  ] as const)("%j renders as %s", ([value, text]) => {
    expect(renderGoValue(value)).toBe(text)
  })

  it("the order of keys does not change the hash", () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.string()), (map) => {
        const reversed = Object.fromEntries(Object.entries(map).reverse())
        expect(objectHash(reversed)).toBe(objectHash(map))
      }),
    )
  })
})
