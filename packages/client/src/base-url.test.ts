import { describe, expect, it } from "vitest"
import { normalizeBaseUrl } from "./base-url.ts"

describe("the address of a server", () => {
  it.for([
    ["http://127.0.0.1:8080", "http://127.0.0.1:8080"],
    ["http://127.0.0.1:8080/", "http://127.0.0.1:8080"],
    ["http://127.0.0.1:8080/api", "http://127.0.0.1:8080"],
    ["http://127.0.0.1:8080/api/", "http://127.0.0.1:8080"],
    [" https://secrets.example.com ", "https://secrets.example.com"],
    ["https://example.com/coffer/api", "https://example.com/coffer"],
    ["https://example.com/coffer//", "https://example.com/coffer"],
    ["https://example.com/rapi", "https://example.com/rapi"],
  ] as const)("%s means %s", ([text, expected]) => {
    expect(normalizeBaseUrl(text)).toBe(expected)
  })

  it.for([
    "",
    "127.0.0.1:8080",
    "localhost:8080",
    "ftp://example.com",
    "file:///etc/passwd",
  ])("%s is refused with an example of what is expected", (text) => {
    expect(() => normalizeBaseUrl(text)).toThrow(/http:\/\/host:8080/)
  })

  it("credentials inside the address are refused without being quoted", () => {
    expect(() => normalizeBaseUrl("https://user:hunter2@example.com")).toThrow(
      expect.not.stringContaining("hunter2") as unknown as string,
    )
    expect(() => normalizeBaseUrl("https://user:hunter2@example.com")).toThrow(/must not carry credentials/)
  })
})
