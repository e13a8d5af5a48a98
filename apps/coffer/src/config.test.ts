import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { inspect } from "node:util"
import { afterEach, describe, expect, it } from "vitest"
import { readConfig } from "./config.ts"

const folders: string[] = []
afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true })
})

function aFile(content: string): string {
  const folder = mkdtempSync(join(tmpdir(), "coffer-config-"))
  folders.push(folder)
  const file = join(folder, "value")
  writeFileSync(file, content)
  return file
}

describe("the environment of the command", () => {
  it.for([
    [{ INFISICAL_TOKEN: "a" }, "a"],
    [{ COFFER_TOKEN: "b", INFISICAL_TOKEN: "a" }, "b"],
    [{ INFISICAL_UNIVERSAL_AUTH_ACCESS_TOKEN: "c" }, "c"],
    [{ COFFER_TOKEN: "", INFISICAL_TOKEN: " a " }, "a"],
    [{}, undefined],
  ] as const)("%o gives the token %s", ([environment, expected]) => {
    expect(readConfig(environment).token?.reveal()).toBe(expected)
  })

  it("a *_FILE variable gives the content of the file", () => {
    const environment = { INFISICAL_UNIVERSAL_AUTH_CLIENT_SECRET_FILE: aFile("from-file\n") }
    expect(readConfig(environment).clientSecret?.reveal()).toBe("from-file")
  })

  it("a *_FILE variable without a file is refused by its name", () => {
    expect(() => readConfig({ COFFER_TOKEN_FILE: "/nowhere/token" })).toThrow(
      "COFFER_TOKEN_FILE: /nowhere/token cannot be read: there is no such file",
    )
  })

  it("printing the configuration shows no secret", () => {
    const { environment: _all, ...config } = readConfig({
      INFISICAL_TOKEN: "canary-token",
      INFISICAL_ADMIN_PASSWORD: "canary-password",
    })
    expect(inspect(config) + JSON.stringify(config)).not.toContain("canary")
  })

  it.for([
    [{ XDG_CONFIG_HOME: "/x", HOME: "/h" }, "/x/coffer/credentials.json"],
    [{ HOME: "/h" }, "/h/.config/coffer/credentials.json"],
    [{ XDG_CONFIG_HOME: "relative", HOME: "/h" }, "/h/.config/coffer/credentials.json"],
  ] as const)("%o keeps the login in %s", ([environment, expected]) => {
    expect(readConfig(environment).credentialsFile).toBe(expected)
  })
})
