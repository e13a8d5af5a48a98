import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { get, getText } from "./get.ts"

const friends =
  '{"l":[{"first":"Dale","age":44,"v":1},{"first":"Roger","age":68,"v":2},{"first":"Jane","age":47}],"fav.movie":"Deer"}'

describe("property paths", () => {
  it.for([
    ['{"a":12.50}', "a", "12.5"],
    ['{"a":true}', "a", "true"],
    ['{"a":null}', "a", ""],
    ['{"a":{"b":"c"}}', "a", '{"b":"c"}'],
    ['{"a": { "b" : 1.0 } }', "a", '{ "b" : 1.0 }'],
    ['{"a":"x"}', "a", "x"],
    ['{"a":"\\u00e9\\n"}', "a", "é\n"],
    ['{"a.b":"x"}', "a\\.b", "x"],
    ['{"n":{"k":[{"v":"z"}]}}', "n.k.0.v", "z"],
    ['{"a":12345678901234567890}', "a", "12345678901234567890"],
    ['{"a":1e21}', "a", "1000000000000000000000"],
    ['abc{"a":"x"}', "a", "x"],
    ['{"foo":"1","fob":"2"}', "f*", "1"],
    ['{"ab":"1"}', "a?", "1"],
    ['{"a*":"1","ab":"2"}', "a\\*", "1"],
    ['{"a":{"b":"c"}}', "a|b", "c"],
    ['{"a":{"b":"c"}}', "a|@this|b", "c"],
    ['{"a":"x"}', "@this", '{"a":"x"}'],
    ['[1,"two",{"x":3}]', "2.x", "3"],
    ['{"0":"zero"}', "0", "zero"],
    [friends, "l.#", "3"],
    [friends, "l.#.v", "[1,2]"],
    [friends, "l.#.first", '["Dale","Roger","Jane"]'],
    [friends, 'l.#(first=="Dale").age', "44"],
    [friends, 'l.#(first=="Dale")#.age', "[44]"],
    [friends, "l.#(age>45)#.first", '["Roger","Jane"]'],
    [friends, "l.#(age>45)#|#", "2"],
    [friends, 'l.#(first%"D*").first', "Dale"],
    [friends, 'l.#(first!%"D*").first', "Roger"],
    [friends, "l.#(v).first", "Dale"],
    [friends, "l.#.first|0", "Dale"],
    [friends, "fav\\.movie", "Deer"],
    ['{"l":["a","b"]}', 'l.#(="b")', "b"],
    ['{"a":1,"b":2}', "@keys", '["a","b"]'],
    ['{"l":[1,2]}', "l.@reverse", "[2,1]"],
  ] as const)("in %s, %s is %s", ([document, path, text]) => {
    expect(getText(document, path)).toBe(text)
  })

  it.for([
    ['{"a.b":"x"}', "a.b"],
    ['{"a":"x"}', ""],
    ["not json", "a"],
    ["", "a"],
    ['{"a":[1]}', "a.x"],
    ['{"a":[1]}', "a.1"],
    ['{"a":1}', "a.b"],
    ['{"a":1}', "@unknown"],
    [friends, 'l.#(first=="Nobody").age'],
  ] as const)("in %s there is no %s", ([document, path]) => {
    expect(getText(document, path)).toBeUndefined()
  })

  it("a member of any object is found with the text it was written in", () => {
    const key = fc.stringMatching(/^[A-Za-z_][A-Za-z0-9_]*$/)
    fc.assert(
      fc.property(fc.dictionary(key, fc.jsonValue(), { minKeys: 1 }), fc.nat(3), (object, indent) => {
        for (const name of Object.keys(object)) {
          const raw = get(JSON.stringify(object, null, indent), name)?.raw
          expect(JSON.stringify(JSON.parse(raw ?? ""))).toBe(JSON.stringify(object[name]))
        }
      }),
    )
  })

  it("no document and no path make it throw or hang", () => {
    fc.assert(
      fc.property(
        fc.string({ unit: "grapheme" }),
        fc.string({ unit: fc.constantFrom(...'a0.#()|@*?\\"=!<%') }),
        (document, path) => {
          getText(`{"a":[${document}`, path)
          getText(document, path)
        },
      ),
      { numRuns: 500 },
    )
  })
})
