import { execFileSync } from "node:child_process"
import { parseEnv } from "node:util"
import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { type FileEntry, formatSecretFile, parseSecretFile } from "./index.ts"

const entry = (key: string, value: string, path = "/"): FileEntry => ({ path, key, value })

describe("reading dotenv", () => {
  it.for([
    { text: "A=1", value: "1" },
    { text: "export A = 1 # why", value: "1" },
    { text: "A=a#b", value: "a#b" },
    { text: "A=", value: "" },
    { text: "A=#", value: "" },
    { text: "A='it is $A # here' # why", value: "it is $A # here" },
    { text: 'A="a\\nb\\t\\"c\\" \\d"', value: 'a\nb\t"c" \\d' },
    { text: "A=`'\"`", value: "'\"" },
    { text: "A='line 1\nline 2\n'", value: "line 1\nline 2\n" },
    { text: "\uFEFF# top\r\n\r\nA=1\r\n", value: "1" },
    { text: "A=a=b==", value: "a=b==" },
  ])("$text is $value", ({ text, value }) => {
    expect(parseSecretFile("dotenv", text)).toEqual([entry("A", value)])
  })

  it.for([
    { text: "A=1\nwhat is this", problem: "line 2 is no KEY=VALUE" },
    { text: "A=1\n\nB='open", problem: "line 3: the quote of B is not closed" },
    { text: "A='1' secret", problem: "line 1: text follows the quote of A" },
    { text: "A=1\nA=2", problem: "'A' is given twice" },
    { text: "=secret", problem: "line 1 is no KEY=VALUE" },
  ])("$problem, and no value is told", ({ text, problem }) => {
    expect(() => parseSecretFile("dotenv", text)).toThrow(problem)
  })
})

describe("reading trees", () => {
  it.for([
    "json",
    "yaml",
  ] as const)("nested objects of %s are folders, and text stays as it was written", (format) => {
    const text =
      '{"A": "x", "N": 1.50, "BIG": 12345678901234567890, "B": true, "E": null, "L": [1, "a"], "db": {"P": "y", "in": {"Q": ""}}}'
    expect(parseSecretFile(format, text)).toEqual([
      entry("A", "x"),
      entry("N", "1.50"),
      entry("BIG", "12345678901234567890"),
      entry("B", "true"),
      entry("E", ""),
      entry("L", '[1,"a"]'),
      entry("P", "y", "/db"),
      entry("Q", "", "/db/in"),
    ])
  })

  it("YAML keeps zeros, blocks and words", () => {
    const text = "PIN: 0123\nYES: yes\nCERT: |\n  a\n  b\n"
    expect(parseSecretFile("yaml", text).map(({ value }) => value)).toEqual(["0123", "yes", "a\nb\n"])
    expect(parseSecretFile("yaml", "")).toEqual([])
    expect(parseSecretFile("json", "{}")).toEqual([])
  })

  it("a list of the Infisical command line is read", () => {
    const text =
      '[{"key":"A","value":"1","type":"shared","comment":"why"},{"key":"B","value":"2","secretPath":"/db"}]'
    expect(parseSecretFile("json", text)).toEqual([
      { ...entry("A", "1"), comment: "why" },
      entry("B", "2", "/db"),
    ])
  })

  it.for([
    { format: "json", text: '{"A": "canary",}', problem: "no valid JSON" },
    { format: "json", text: '{"A": "canary", "A": "x"}', problem: "a key is given twice" },
    { format: "json", text: '"canary"', problem: "the file is no JSON object" },
    { format: "json", text: '[{"value": "canary"}]', problem: "element 1 of the list" },
    { format: "yaml", text: "A: canary\n  B: [", problem: "no valid YAML" },
    { format: "yaml", text: "A: &x canary\nB: *x\n", problem: "B is an alias" },
    { format: "yaml", text: "A: &x canary\nB: [1, {c: [*x]}]\n", problem: "B holds an alias" },
    { format: "yaml", text: "just text", problem: "the file is no YAML mapping" },
  ] as const)("$format $text: $problem, and no value is told", ({ format, text, problem }) => {
    const read = () => parseSecretFile(format, text)
    expect(read).toThrow(problem)
    expect(read).not.toThrow("canary")
  })
})

describe("writing", () => {
  const keys = fc.stringMatching(/^[A-Za-z_][A-Za-z0-9_]{0,10}$/)
  const values = fc.string({ unit: fc.constantFrom(..."ab'\"`\\$# =\n\t{}é😀") })
  const entries = fc.uniqueArray(fc.record({ path: fc.constant("/"), key: keys, value: values }), {
    selector: ({ key }) => key,
  })

  it.for(["dotenv", "json", "yaml"] as const)("what %s writes it reads", (format) => {
    fc.assert(
      fc.property(entries, (all) => {
        const read = parseSecretFile(format, formatSecretFile(format, all))
        expect(read).toEqual(all)
      }),
    )
  })

  it("what dotenv writes others read, while one kind of quotes is not in a value", () => {
    fc.assert(
      fc.property(entries, (all) => {
        const easy = all.filter(({ value }) => !value.includes("'") || !value.includes("`"))
        const expected = Object.fromEntries(easy.map(({ key, value }) => [key, value]))
        expect({ ...parseEnv(formatSecretFile("dotenv", easy)) }).toEqual(expected)
      }),
    )
  })

  it("a shell takes what is exported literally, and runs none of it", () => {
    const hostile = ["it's", "$(echo no)", "`echo no`", "a\nb", '"; echo no; "', "\\", ""]
    const all = hostile.map((value, index) => entry(`K${index}`, value))
    const print = all.map(({ key }) => `printf '%s\\0' "$${key}"`).join("\n")
    const out = execFileSync("sh", ["-c", `${formatSecretFile("dotenv-export", all)}${print}`], {
      encoding: "utf8",
    })
    expect(out.split("\0").slice(0, -1)).toEqual(hostile)
  })

  it("folders are kept by yaml and json, and refused by flat formats when keys meet", () => {
    const all = [entry("A", "1"), entry("A", "2", "/db"), entry("B", "3", "/db/in")]
    expect(formatSecretFile("yaml", all)).toBe('A: "1"\ndb:\n  A: "2"\n  in:\n    B: "3"\n')
    expect(parseSecretFile("json", formatSecretFile("json", all))).toEqual(all)
    expect(() => formatSecretFile("dotenv", all)).toThrow("'A' is in several folders")
    expect(() => formatSecretFile("yaml", [entry("db", "1"), entry("A", "2", "/db")])).toThrow(
      "both named 'db'",
    )
  })

  it("a key that a format cannot hold is named", () => {
    expect(() => formatSecretFile("dotenv", [entry("A B", "canary")])).toThrow("cannot hold the keys 'A B'")
    expect(() => formatSecretFile("dotenv-export", [entry("a-b", "canary")])).toThrow("'a-b'")
    expect(formatSecretFile("csv", [entry("A B", 'x,"y"')])).toBe('Key,Value\nA B,"x,""y"""\n')
  })
})

describe("large files", () => {
  // In time that grows with the square of the lines these would outlast every limit of a test.
  it.for([
    { format: "dotenv", lines: 100_000, line: (index: number) => `KEY_${index}=1` },
    { format: "yaml", lines: 100_000, line: (index: number) => `KEY_${index}: 1` },
  ] as const)("$lines lines of $format are read, and the wrong one at the end is named", (file) => {
    const content = Array.from({ length: file.lines }, (_, index) => file.line(index)).join("\n")
    expect(parseSecretFile(file.format, content)).toHaveLength(file.lines)
    const twice = `${content}\n${file.line(0)}`
    expect(() => parseSecretFile(file.format, twice)).toThrow(/given twice/)
  })

  it("the line of a mistake counts those within quotes", () => {
    expect(() => parseSecretFile("dotenv", "A='1\n2\n3'\n\nB=1\nwrong")).toThrow("line 6 is no KEY=VALUE")
  })
})
