import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { checkNullBytes, decodeValue, decodeValues } from "./decoding.ts"
import { splitJsonObject } from "./json-object.ts"
import { convertKeys, type SecretData, validateKeys } from "./keys.ts"
import { rewriteKeys } from "./rewrite.ts"

const data = (object: Record<string, string>): SecretData =>
  new Map(Object.entries(object).map(([key, value]) => [key, new Uint8Array(Buffer.from(value))]))
const plain = (map: SecretData) =>
  Object.fromEntries([...map].map(([key, value]) => [key, Buffer.from(value).toString()]))

describe("key conversion", () => {
  it.for([
    ["Default", "some-array[0].entity", "some-array_0_.entity"],
    ["Unicode", "some-array[0].entity", "some-array_U005b_0_U005d_.entity"],
    ["Unicode", "a😀", "a_U1f600_"],
    ["Default", "päth/with spaces", "päth_with_spaces"],
  ] as const)("%s makes %s %s", ([strategy, key, expected]) => {
    expect([...convertKeys(data({ [key]: "v" }), strategy).keys()]).toEqual([expected])
  })

  it("two keys that become one are an error", () => {
    expect(() => convertKeys(data({ "a/b": "1", a_b: "2" }))).toThrow(
      "secret name collision during conversion: a_b",
    )
  })

  it("a converted key always passes the check, and converting twice changes nothing", () => {
    fc.assert(
      fc.property(fc.string({ unit: "grapheme", minLength: 1, maxLength: 20 }), (key) => {
        const once = convertKeys(data({ [key]: "v" }), "Unicode")
        expect(validateKeys(once)).toEqual(once)
        expect(convertKeys(once, "Unicode")).toEqual(once)
      }),
    )
  })
})

describe("key validation", () => {
  it("drops the empty key and refuses characters and lengths that no Secret allows", () => {
    expect([...validateKeys(data({ "": "x", ok: "y" })).keys()]).toEqual(["ok"])
    expect(() => validateKeys(data({ "a b": "x" }))).toThrow("invalid character")
    expect(() => validateKeys(data({ ["é".repeat(127)]: "x" }))).toThrow("length 254")
    expect(validateKeys(data({ ["a".repeat(253)]: "x" })).size).toBe(1)
  })
})

describe("decoding", () => {
  it.for([
    ["Auto", "test", "\xb5\xeb-"],
    ["Auto", "plain text", "plain text"],
    ["Auto", "_-__", "\xff\xef\xff"],
    ["None", "dGVzdA==", "dGVzdA=="],
    [undefined, "dGVzdA==", "dGVzdA=="],
    ["Base64", "dGVzdA==", "test"],
  ] as const)("%s turns %s into %j", ([strategy, text, expected]) => {
    expect(Buffer.from(decodeValue(strategy, Buffer.from(text))).toString("latin1")).toBe(expected)
  })

  it("an error names the key and never the value", () => {
    const attempt = () => decodeValues("Base64", data({ password: "hunter2 hunter2" }))
    expect(attempt).toThrow('failure decoding key "password"')
    expect(attempt).not.toThrow("hunter2")
  })

  it("null bytes fail only when asked", () => {
    const value = new Uint8Array([65, 0])
    expect(() => checkNullBytes("Fail", "k", value)).toThrow(
      'fetched secret value for key "k" contains null bytes',
    )
    expect(() => checkNullBytes("Ignore", "k", value)).not.toThrow()
    expect(() => checkNullBytes(undefined, "k", value)).not.toThrow()
  })
})

describe("a JSON object as keys", () => {
  it("keeps the text of what isn't a string", () => {
    const text =
      ' {"s":"a\\u00e9","n":1.0,"big":12345678901234567890,"o":{ "x" : [1, 2] },"nul":null,"t":true,"s":"last"} '
    expect(plain(splitJsonObject(text))).toEqual({
      s: "last",
      n: "1.0",
      big: "12345678901234567890",
      o: '{ "x" : [1, 2] }',
      nul: "",
      t: "true",
    })
  })

  it("null has no keys", () => {
    expect(splitJsonObject("null").size).toBe(0)
  })

  it.for(["", "[1]", '"text"', "1", '{"a":1} trailing', "{a:1}", '{"a":1,}'])("%j is refused", (text) => {
    expect(() => splitJsonObject(text)).toThrow("the value is not")
  })

  it("an error never quotes the value", () => {
    expect(() => splitJsonObject('{"password": hunter2}')).not.toThrow("hunter2")
  })

  it("strings survive whatever they hold", () => {
    fc.assert(
      fc.property(
        fc.dictionary(fc.string({ unit: "grapheme" }), fc.string({ unit: "grapheme" })),
        (object) => {
          const expected = Object.entries(object).map(([key, value]) => [key, value])
          expect(Object.entries(plain(splitJsonObject(JSON.stringify(object)))).sort()).toEqual(
            expected.sort(),
          )
        },
      ),
    )
  })
})

describe("rewrite", () => {
  it("regexp operations follow each other", () => {
    const rewritten = rewriteKeys(
      [{ regexp: { source: "app_(.*)", target: "APP-$1" } }, { regexp: { source: "db", target: "DB" } }],
      data({ app_db_user: "u1", other: "o" }),
    )
    expect(plain(rewritten)).toEqual({ "APP-DB_user": "u1", other: "o" })
  })

  it("merge extracts the members of all objects, priority last", () => {
    const source = data({ a: '{"k":"a","x":1e21}', b: '{"k":"b","n":null,"o":{"z":"<"}}' })
    const merged = rewriteKeys([{ merge: { conflictPolicy: "Ignore", priority: ["a"] } }], source)
    expect(plain(merged)).toEqual({ k: "a", x: "1000000000000000000000", n: "", o: '{"z":"\\u003c"}' })
  })

  it("merge into one key keeps the others", () => {
    const merged = rewriteKeys(
      [{ merge: { strategy: "JSON", into: "all" } }],
      data({ a: '{"y":"<"}', b: '{"x":1}' }),
    )
    expect(plain(merged)).toEqual({ a: '{"y":"<"}', b: '{"x":1}', all: '{"x":1,"y":"<"}' })
  })

  it.for([
    [{}, { a: '{"k":1}', b: '{"k":2}' }, "merge failed with conflicts: k"],
    [{ priority: ["nope"] }, { a: "{}" }, 'key "nope" of the priority list was not found'],
    [{ strategy: "JSON" }, { a: "{}" }, "needs a key in 'into'"],
    [{}, { a: "[1]" }, 'key "a" does not hold a JSON object'],
    [{}, { a: "hunter2" }, 'key "a" does not hold valid JSON'],
  ] as const)("merge %j of %j is refused", ([merge, source, message]) => {
    expect(() => rewriteKeys([{ merge }], data(source))).toThrow(message)
  })

  it("an unknown priority key may be ignored", () => {
    const merged = rewriteKeys(
      [{ merge: { priority: ["nope"], priorityPolicy: "IgnoreNotFound" } }],
      data({ a: '{"k":"v"}' }),
    )
    expect(plain(merged)).toEqual({ k: "v" })
  })

  it("a template is refused rather than ignored", () => {
    expect(() => rewriteKeys([{ transform: { template: "{{ .value }}" } }], data({ a: "1" }))).toThrow(
      "does not yet render",
    )
  })
})
