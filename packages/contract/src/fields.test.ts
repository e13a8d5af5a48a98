import fc from "fast-check"
import { describe, expect, it } from "vitest"
import {
  canonicalSecretValue,
  folderPathOrRoot,
  listSecretsV3Query,
  listSecretsV4Query,
  normalizeFolderPath,
  queryBoolean,
  secretKey,
} from "./index.ts"

describe("canonical forms", () => {
  it.for([
    { given: undefined, path: "/" },
    { given: "", path: "/" },
    { given: "/", path: "/" },
    { given: "api", path: "/api" },
    { given: "/api/", path: "/api" },
    { given: " /api ", path: "/api" },
    { given: "/a//b", path: "/a//b" },
  ])("the path $given is $path", ({ given, path }) => {
    expect(folderPathOrRoot.parse(given)).toBe(path)
  })

  it.for(["..", "/..", "/a/../b", "/a/.", "./a"])("the path %s is refused", (path) => {
    expect(folderPathOrRoot.safeParse(path).success).toBe(false)
  })

  it.for([
    { given: " a ", value: "a" },
    { given: "a\n", value: "a\n" },
    { given: "a\n\n", value: "a\n" },
    { given: "a\n ", value: "a" },
    { given: "", value: "" },
  ])("the value $given is stored as $value", ({ given, value }) => {
    expect(canonicalSecretValue(given)).toBe(value)
  })

  it("a canonical value and a canonical path stay as they are", () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        const value = canonicalSecretValue(text)
        expect(canonicalSecretValue(value)).toBe(value)
        const path = normalizeFolderPath(text.replace(/\/+$/, ""))
        expect(normalizeFolderPath(path)).toBe(path)
      }),
    )
  })

  it.for(["a/b", "a:b", " ", "..", "a\u0000", "k".repeat(501)])("the key %s is refused", (key) => {
    expect(secretKey.safeParse(key).success).toBe(false)
  })
})

describe("queries", () => {
  it("an empty value is an absent one, unknown keys are ignored", () => {
    const query = listSecretsV3Query.parse({
      workspaceId: "",
      workspaceSlug: "a-b",
      environment: "dev",
      x: "1",
    })
    expect(query).toMatchObject({ workspaceId: undefined, workspaceSlug: "a-b", include_imports: false })
    expect(query).not.toHaveProperty("x")
  })

  it("v4 imports and expands where v3 does neither", () => {
    const v4 = listSecretsV4Query.parse({ projectId: "p", environment: "dev" })
    const v3 = listSecretsV3Query.parse({})
    expect([v4.includeImports, v4.expandSecretReferences]).toEqual([true, true])
    expect([v3.include_imports, v3.expandSecretReferences]).toEqual([false, false])
  })

  it.for(["1", "0", "TRUE", "yes"])("the boolean %s is refused, and not quoted", (given) => {
    const parsed = queryBoolean(false).safeParse(given)
    expect(parsed.success).toBe(false)
    expect(parsed.error?.message).not.toContain(`"${given}"`)
  })
})
