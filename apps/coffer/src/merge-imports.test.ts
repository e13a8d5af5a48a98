import { describe, expect, it } from "vitest"
import { mergeImports } from "./merge-imports.ts"

function aSecret(secretKey: string, secretValue: string, secretPath = "/") {
  return {
    ...{ id: secretKey, version: 1, type: "shared" as const, environment: "dev", secretComment: "" },
    ...{ createdAt: "", updatedAt: "", secretKey, secretValue, secretPath },
  }
}
const anImport = (secretPath: string, ...secrets: ReturnType<typeof aSecret>[]) => ({
  secretPath,
  environment: "dev",
  secrets,
})

describe("a list with imports", () => {
  it("a folder's own secret wins over an imported one", () => {
    const list = { secrets: [aSecret("A", "own")], imports: [anImport("/shared", aSecret("A", "imported"))] }
    expect(mergeImports(list).map((secret) => secret.secretValue)).toEqual(["own"])
  })

  it("among imports the last one wins, and says where it comes from", () => {
    const list = {
      secrets: [],
      imports: [anImport("/one", aSecret("A", "first")), anImport("/two", aSecret("A", "last"))],
    }
    expect(mergeImports(list)).toMatchObject([{ secretValue: "last", secretPath: "/two" }])
  })

  it("a recursive list keeps equal keys of different folders, ordered by key, then path", () => {
    const list = {
      secrets: [aSecret("B", "1"), aSecret("A", "2", "/x"), aSecret("A", "3", "/")],
      imports: [],
    }
    expect(mergeImports(list).map((secret) => [secret.secretKey, secret.secretPath])).toEqual([
      ["A", "/"],
      ["A", "/x"],
      ["B", "/"],
    ])
  })
})
