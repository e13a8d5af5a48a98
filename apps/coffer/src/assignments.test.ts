import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { parseAssignments, parseDotenv } from "./assignments.ts"

describe("the arguments of secrets set", () => {
  it.for([
    ["A=1", { key: "A", value: { kind: "text", text: "1" } }],
    ["A=", { key: "A", value: { kind: "text", text: "" } }],
    ["A=b=c", { key: "A", value: { kind: "text", text: "b=c" } }],
    ["A=@./tls.key", { key: "A", value: { kind: "file", file: "./tls.key" } }],
    ["A=\\@home", { key: "A", value: { kind: "text", text: "@home" } }],
    [" A = x", { key: "A", value: { kind: "text", text: " x" } }],
  ] as const)("'%s' is understood", ([arg, expected]) => {
    expect(parseAssignments([arg])).toEqual([expected])
  })

  it("an argument without '=' is refused by position, without being quoted", () => {
    expect(() => parseAssignments(["A=1", "hunter2"])).toThrow("argument 2 has no '='")
  })

  it("a missing key is refused by position", () => {
    expect(() => parseAssignments(["=hunter2"])).toThrow(/^argument 1 has no key before '='$/)
  })

  it("a key given twice is refused by its name", () => {
    expect(() => parseAssignments(["A=1", "A=2"])).toThrow("A is given twice")
  })

  it("no value, whatever it holds, changes which key is set", () => {
    fc.assert(
      fc.property(fc.string(), (value) => {
        expect(parseAssignments([`KEY=${value}`])[0]?.key).toBe("KEY")
      }),
    )
  })
})

describe("a dotenv file", () => {
  it("keeps quoted values, skips comments and accepts export", () => {
    const content = "# remark\nA=1\nexport B=\"two words\"\nC='single'\n\nD=\n"
    expect(
      parseDotenv(content).map(({ key, value }) => [key, value.kind === "text" ? value.text : ""]),
    ).toEqual([
      ["A", "1"],
      ["B", "two words"],
      ["C", "single"],
      ["D", ""],
    ])
  })
})
