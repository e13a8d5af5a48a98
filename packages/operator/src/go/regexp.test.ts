import { describe, expect, it } from "vitest"
import { compileRegexp, RegexpError } from "./regexp.ts"

describe("Go regular expressions", () => {
  it.for([
    "(?!x)",
    "(?=x)",
    "(?<=x)",
    "(?<!x)",
    "(a)\\1",
    "a++",
    "a{1001}",
  ])("%s does not compile", (pattern) => {
    expect(() => compileRegexp(pattern)).toThrow(RegexpError)
  })

  it.for(["(?P<n>a)", "(?<n>a)", "[[:alpha:]]", "\\p{Greek}", "(?i)a"])("%s compiles", (pattern) => {
    expect(() => compileRegexp(pattern)).not.toThrow()
  })

  it("a pattern is not anchored", () => {
    expect(compileRegexp("b").test("abc")).toBe(true)
    expect(compileRegexp("^b").test("abc")).toBe(false)
  })

  it.for([
    ["app_(.*)", "app_db_user", "APP-$1", "APP-db_user"],
    ["a(x*)b", "-ab-axxb-", "$1W", "---"],
    ["a(x*)b", "-ab-axxb-", "${1}W", "-W-xxW-"],
    ["a", "banana", "$$", "b$n$n$"],
    ["(?P<first>\\w)(\\w)", "ab", "$2$first", "ba"],
    ["(a)", "a", "$1_x", ""],
    ["(a)", "a", "$9", ""],
    ["a", "a", "x$", "x$"],
    ["a", "a", "${", "${"],
    ["x*", "abc", "-", "-a-b-c-"],
    ["b*", "abc", "-", "-a-c-"],
    ["^", "abc", "p/", "p/abc"],
    ["$", "abc", "/s", "abc/s"],
    ["^a", "aaa", "b", "baa"],
    ["/", "a/b/c", "_", "a_b_c"],
    ["", "é😀", ".", ".é.😀."],
  ] as const)("replacing %s in %s by %s gives %s", ([pattern, text, template, expected]) => {
    expect(compileRegexp(pattern).replaceAll(text, template)).toBe(expected)
  })
})
