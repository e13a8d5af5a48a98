import { expect, it } from "vitest"
import { decodeGo, GoDecodeError } from "./go-json.ts"
import { restyResult } from "./wire.ts"

it.for([
  { what: "a number written as a string", type: "int" as const, text: '"1"' },
  { what: "a fraction", type: "int" as const, text: "3600.5" },
  { what: "a whole number written as a fraction", type: "int" as const, text: "1.0" },
  { what: "an exponent", type: "int" as const, text: "1e3" },
  { what: "a string for a truth value", type: "bool" as const, text: '"true"' },
  { what: "a number for a string", type: "string" as const, text: "1" },
  { what: "an empty time", type: "time" as const, text: '""' },
  { what: "an object for a list", type: ["string"] as const, text: "{}" },
  { what: "a list for an object", type: { id: "string" } as const, text: "[]" },
])("refuses $what, as Go does", ({ type, text }) => {
  expect(() => decodeGo(type, text)).toThrow(GoDecodeError)
})

it("leaves zero values for null and absence, and matches names in any case", () => {
  const type = { id: "string", version: "int", at: "time", tags: ["string"] } as const
  expect(decodeGo(type, '{"ID":"x","version":null,"more":1}')).toEqual({
    id: "x",
    version: 0,
    at: "0001-01-01T00:00:00Z",
    tags: [],
  })
})

it("decodes nothing that does not call itself JSON", () => {
  const reply = (contentType: string) => ({
    status: 200,
    headers: { "content-type": contentType },
    text: '{"id":"x"}',
  })
  expect(restyResult(reply("application/json; charset=utf-8"), { id: "string" })).toEqual({ id: "x" })
  expect(restyResult(reply("text/plain"), { id: "string" })).toEqual({ id: "" })
})
