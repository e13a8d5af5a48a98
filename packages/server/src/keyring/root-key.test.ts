import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { inspect } from "node:util"
import { aLog, seededRandom } from "@coffer/testkit"
import { afterEach, beforeEach, describe, expect, it } from "vitest"
import { Secret } from "../secret.ts"
import { RootKey } from "./root-key.ts"
import { createRootKeyFile } from "./root-key-file.ts"
import { findRootKey, generateRootKey, warnWhileNotBackedUp } from "./root-key-source.ts"

const keyText = Buffer.alloc(32, 3).toString("base64")
let dataFolder = ""

beforeEach(() => {
  dataFolder = mkdtempSync(join(tmpdir(), "coffer-root-key-"))
})

afterEach(() => rmSync(dataFolder, { recursive: true, force: true }))

describe("root key", () => {
  it("shows its fingerprint and nothing of itself", () => {
    const rootKey = RootKey.fromBytes(Buffer.alloc(32, 3))
    const shown = [
      String(rootKey),
      JSON.stringify({ rootKey }),
      inspect(rootKey, { showHidden: true, depth: 9 }),
    ]
    for (const text of shown) expect(text).toContain(`[root key ${rootKey.fingerprint}]`)
    expect(rootKey.fingerprint).toMatch(/^[0-9a-f]{16}$/)
    expect(shown.join()).not.toContain("030303")
  })

  it("unwraps only what it wrapped, where it was wrapped for", () => {
    const random = seededRandom("wrap")
    const rootKey = RootKey.fromBytes(Buffer.alloc(32, 3))
    const wrapped = rootKey.wrap(["a"], Buffer.alloc(32, 1), random.bytes)
    expect(Buffer.from(rootKey.unwrap(["a"], wrapped))).toEqual(Buffer.alloc(32, 1))
    expect(() => rootKey.unwrap(["b"], wrapped)).toThrow(/does not open/)
    expect(() => RootKey.fromBytes(Buffer.alloc(32, 4)).unwrap(["a"], wrapped)).toThrow(/does not open/)
  })

  it("has 32 bytes", () => {
    expect(() => RootKey.fromBytes(Buffer.alloc(31))).toThrow(RangeError)
  })
})

describe("finding the root key", () => {
  it("takes base64 of 32 bytes from the environment and from a file alike", () => {
    const path = join(dataFolder, "mounted.key")
    writeFileSync(path, `${keyText}\n`)
    const fromVariable = findRootKey({ dataFolder, rootEncryptionKey: new Secret(keyText) })
    const fromFile = findRootKey({ dataFolder, rootKeyFile: path })
    expect(fromFile?.rootKey.fingerprint).toBe(fromVariable?.rootKey.fingerprint)
    expect(fromFile?.kind).toBe("configured")
  })

  it("takes an encryption key as Infisical has it", () => {
    const encryptionKey = new Secret("f13dbc92aaaf86fa7cb0ed8ac3265f47")
    expect(findRootKey({ dataFolder, encryptionKey })?.kind).toBe("configured")
  })

  it.for([
    { name: "rootEncryptionKey", value: "short", variable: "ROOT_ENCRYPTION_KEY" },
    {
      name: "rootEncryptionKey",
      value: Buffer.alloc(31).toString("base64"),
      variable: "ROOT_ENCRYPTION_KEY",
    },
    { name: "encryptionKey", value: "canary-not-hex", variable: "ENCRYPTION_KEY" },
    { name: "encryptionKey", value: "f13dbc92aaaf86fa", variable: "ENCRYPTION_KEY" },
    // 32 bytes for a reader that skips what it does not know: a key that was pasted in a wrong way.
    { name: "rootEncryptionKey", value: `*${keyText}`, variable: "ROOT_ENCRYPTION_KEY" },
    {
      name: "rootEncryptionKey",
      value: Buffer.alloc(32, 0xfb).toString("base64url"),
      variable: "ROOT_ENCRYPTION_KEY",
    },
  ])("refuses a malformed $variable without quoting it", ({ name, value, variable }) => {
    const find = () => findRootKey({ dataFolder, [name]: new Secret(value) })
    expect(find).toThrow(variable)
    expect(find).not.toThrow(value)
  })

  it("a line break at the end is no part of a key", () => {
    const key = "f13dbc92aaaf86fa7cb0ed8ac3265f47"
    const [bare, ended] = [key, `${key}\n`].map((text) =>
      findRootKey({ dataFolder, encryptionKey: new Secret(text) }),
    )
    expect(ended?.rootKey.fingerprint).toBe(bare?.rootKey.fingerprint)
  })

  it("refuses two sources and names both", () => {
    const rootEncryptionKey = new Secret(keyText)
    const encryptionKey = new Secret("0".repeat(32))
    const rootKeyFile = join(dataFolder, "mounted.key")
    writeFileSync(rootKeyFile, keyText)
    for (const [config, names] of [
      [{ rootEncryptionKey, encryptionKey }, "ROOT_ENCRYPTION_KEY and ENCRYPTION_KEY"],
      [{ rootEncryptionKey, rootKeyFile }, "ROOT_ENCRYPTION_KEY and COFFER_ROOT_KEY_FILE"],
      [{ encryptionKey, rootKeyFile }, "ENCRYPTION_KEY and COFFER_ROOT_KEY_FILE"],
    ] as const) {
      expect(() => findRootKey({ dataFolder, ...config })).toThrow(names)
    }
  })

  it("a file that is there and cannot be read is no missing one: no other key may be made", () => {
    const path = join(dataFolder, "root.key")
    mkdirSync(path)
    expect(() => findRootKey({ dataFolder })).toThrow(`'${path}' can't be read: EISDIR`)
    expect(() => findRootKey({ dataFolder, rootKeyFile: path })).toThrow("can't be read: EISDIR")
  })

  it("refuses a file that does not exist and names it", () => {
    const rootKeyFile = join(dataFolder, "absent")
    expect(() => findRootKey({ dataFolder, rootKeyFile })).toThrow(rootKeyFile)
  })

  it("finds none in an empty data folder", () => {
    expect(findRootKey({ dataFolder })).toBeUndefined()
  })
})

describe("generating the root key", () => {
  it("leaves one file that only its owner may read, and warns at every start", () => {
    const log = aLog()
    const found = generateRootKey({ dataFolder }, { random: seededRandom("root"), log })
    expect(readdirSync(dataFolder)).toEqual(["root.key"])
    expect(statSync(join(dataFolder, "root.key")).mode & 0o777).toBe(0o600)
    warnWhileNotBackedUp(found, log)
    expect(log.entries.at(-1)).toMatchObject({
      level: "warn",
      fields: { fingerprint: found.rootKey.fingerprint },
    })
    const text = readFileSync(join(dataFolder, "root.key"), "utf8").trim()
    expect(JSON.stringify(log.entries)).not.toContain(text)
    expect(findRootKey({ dataFolder })?.rootKey.fingerprint).toBe(found.rootKey.fingerprint)
  })

  it("does not warn about a key that was configured", () => {
    const log = aLog()
    warnWhileNotBackedUp({ kind: "configured", rootKey: RootKey.fromBytes(Buffer.alloc(32)) }, log)
    expect(log.entries).toEqual([])
  })

  it("a file that is there already is kept", () => {
    const path = join(dataFolder, "root.key")
    createRootKeyFile(path, "first", seededRandom("1"))
    createRootKeyFile(path, "second", seededRandom("2"))
    expect(readFileSync(path, "utf8")).toBe("first")
    expect(readdirSync(dataFolder)).toEqual(["root.key"])
  })
})
