import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { dirname, join } from "node:path"
import { afterEach, beforeEach, describe, expect, it } from "vitest"
import { readStoredLogin, writeStoredLogin } from "./credentials-file.ts"
import { SecretText } from "./secret-text.ts"

let folder: string
let file: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "coffer-credentials-"))
  file = join(folder, "coffer", "credentials.json")
})
afterEach(() => rm(folder, { recursive: true }))

const aLogin = (token = "eyJtoken") => ({ domain: "http://127.0.0.1:8080", token: new SecretText(token) })

describe("the stored login", () => {
  it("is read back as it was written", async () => {
    await writeStoredLogin(file, aLogin(), "a")
    const stored = await readStoredLogin(file)
    expect(stored?.domain).toBe("http://127.0.0.1:8080")
    expect(stored?.token.reveal()).toBe("eyJtoken")
  })

  it("is readable by its owner only", async () => {
    await writeStoredLogin(file, aLogin(), "a")
    expect((await stat(file)).mode & 0o777).toBe(0o600)
    expect((await stat(dirname(file))).mode & 0o777).toBe(0o700)
  })

  it("is replaced by the next login, and nothing is left beside it", async () => {
    await writeStoredLogin(file, aLogin("old"), "a")
    await writeStoredLogin(file, aLogin("new"), "b")
    expect((await readStoredLogin(file))?.token.reveal()).toBe("new")
    expect(await readdir(dirname(file))).toEqual(["credentials.json"])
  })

  it("stays as it is when the new one cannot be written", async () => {
    await writeStoredLogin(file, aLogin("old"), "a")
    await mkdir(`${file}.b`)
    await expect(writeStoredLogin(file, aLogin("new"), "b")).rejects.toThrow("could not be stored")
    expect(await readFile(file, "utf8")).toContain("old")
  })

  it("is absent where nobody logged in", async () => {
    await expect(readStoredLogin(file)).resolves.toBeUndefined()
  })

  it.for([
    "",
    "{",
    "[]",
    '{"version":2,"domain":"x","token":"canary"}',
  ])("a damaged file is refused without being quoted: %s", async (content) => {
    await mkdir(dirname(file))
    await writeFile(file, content)
    await expect(readStoredLogin(file)).rejects.toThrow(/is damaged; run 'coffer login'/)
    await expect(readStoredLogin(file)).rejects.not.toThrow(/canary/)
  })
})
