import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterEach, beforeEach, describe, expect, it } from "vitest"
import { writePrivateFile } from "./private-file.ts"

const line = `${"x".repeat(99)}\n`
let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "coffer-private-file-"))
})
afterEach(() => {
  rmSync(folder, { recursive: true, force: true })
})

const write = (chunks: Parameters<typeof writePrivateFile>[1], force = false) =>
  writePrivateFile({ field: "--output-file", file: join(folder, "out"), force }, chunks)

/** Lines, and before each how large the unfinished file is. */
function* watchedLines(count: number, sizes: number[]) {
  for (let index = 0; index < count; index += 1) {
    const [draft = ""] = readdirSync(folder)
    sizes.push(statSync(join(folder, draft)).size)
    yield line
  }
}

describe("a private file", () => {
  it("holds text and bytes in the order in which they came, for its owner alone", async () => {
    const long = "é".repeat(100_000)
    await write(["a", "b", Uint8Array.from([0, 255]), "", long, Uint8Array.from([1]), "c"])
    const expected = [Buffer.from("ab"), Buffer.from([0, 255]), Buffer.from(long), Buffer.from([1, 99])]
    expect(readFileSync(join(folder, "out")).equals(Buffer.concat(expected))).toBe(true)
    expect(statSync(join(folder, "out")).mode & 0o777).toBe(0o600)
  })

  it("is not written line by line, and never gathered as a whole", async () => {
    const sizes: number[] = []
    await write(watchedLines(10_000, sizes))
    const steps = new Set(sizes).size
    expect(steps).toBeGreaterThan(10)
    expect(steps).toBeLessThan(20)
    expect(statSync(join(folder, "out")).size - Math.max(...sizes)).toBeLessThan(100_000)
    expect(readFileSync(join(folder, "out"), "utf8") === line.repeat(10_000)).toBe(true)
  })

  it("leaves nothing behind when its content breaks off", async () => {
    async function* broken() {
      yield "half"
      throw new Error("the source is gone")
    }
    await expect(write(broken())).rejects.toThrow("the source is gone")
    expect(readdirSync(folder)).toEqual([])
  })

  it("leaves what is there alone, unless it is told to replace it", async () => {
    const file = join(folder, "out")
    writeFileSync(file, "old", { mode: 0o644 })
    const taken = { kind: "conflict", message: `--output-file: ${file} exists already; --force replaces it` }
    await expect(write(["new"])).rejects.toMatchObject(taken)
    expect(readFileSync(file, "utf8")).toBe("old")
    await write(["new"], true)
    expect(readFileSync(file, "utf8")).toBe("new")
    expect(statSync(file).mode & 0o777).toBe(0o600)
    rmSync(file)
    symlinkSync(join(folder, "nowhere"), file)
    await expect(write(["new"])).rejects.toMatchObject(taken)
    expect(readdirSync(folder)).toEqual(["out"])
  })

  it("does not replace what appeared while it was being written", async () => {
    const file = join(folder, "out")
    function* interrupted() {
      yield "mine"
      writeFileSync(file, "theirs")
    }
    await expect(write(interrupted())).rejects.toMatchObject({ kind: "conflict" })
    expect(readFileSync(file, "utf8")).toBe("theirs")
    expect(readdirSync(folder)).toEqual(["out"])
  })

  it.for([false, true])("takes the place of no folder and no device, with force %s", async (force) => {
    for (const file of [folder, "/dev/null"]) {
      await expect(writePrivateFile({ field: "<file>", file, force }, ["a"])).rejects.toMatchObject({
        kind: "invalid",
        message: `<file>: ${file} is there and is no plain file`,
      })
    }
  })

  it("that cannot be written is an error that names the flag", async () => {
    rmSync(folder, { recursive: true })
    await expect(write(["a"])).rejects.toMatchObject({
      kind: "invalid",
      message: /^--output-file: .*cannot be/,
    })
  })
})
