/**
 * What was written to a database once has to open for ever: a label, an order or an encoding that changes by accident
 * would pass every test that seals and opens with the same code. These values were made by an earlier version.
 */

import { createHmac } from "node:crypto"
import { encodeAdditionalData } from "@coffer/envelope"
import { seededRandom } from "@coffer/testkit"
import { describe, expect, it } from "vitest"
import type { Reader } from "../db/database.ts"
import { Secret } from "../secret.ts"
import { type KeyPurpose, type KeyringKey, keyPurposes } from "./keyring-keys.ts"
import { DataKeySealer } from "./project-sealer.ts"
import { KeyringRecordSealer } from "./record-sealer.ts"
import { RootKey } from "./root-key.ts"
import { findRootKey } from "./root-key-source.ts"
import { StoredKeyring } from "./stored-keyring.ts"
import { TokenSigner } from "./token-signer.ts"

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString("hex")
const fixedBytes = (size: number) => new Uint8Array(size).fill(7)
const rootKey = RootKey.fromBytes(new Uint8Array(32).fill(3))

const idOf = (index: number) => `00000000-0000-4000-8000-00000000000${index}`
const active = Object.fromEntries(
  keyPurposes.map((purpose, index) => [
    purpose,
    { id: idOf(index), keyBytes: new Uint8Array(32).fill(index + 1) },
  ]),
) as Record<KeyPurpose, KeyringKey>
const keys = { active, wrapping: new Map(), recordSealing: new Map() }

function keyring() {
  const deps = { keys, clock: { now: () => 0 }, random: seededRandom("unused") }
  return new StoredKeyring({} as Reader, new TokenSigner(active["token-signing"].keyBytes), deps)
}

describe("what a database keeps", () => {
  it("a root key has the fingerprint it always had, and opens what it wrapped", () => {
    expect(rootKey.fingerprint).toBe("54313220be506143")
    const wrapped = rootKey.wrap(["keyring", "id", "wrapping"], new Uint8Array(32).fill(5), fixedBytes)
    expect(hex(wrapped)).toBe(
      "0154313220be506143be91f75522fb038a0707070707070707070707072c8fec5dff0a5c6a8c53dcc818cffe3114bb8bbbfa6a37e26946e37e4124c6e27b5675365486ac96c2101e5b1ade3a53",
    )
  })

  it("an encryption key of Infisical's leads to the same root key", () => {
    const encryptionKey = new Secret("f13dbc92aaaf86fa7cb0ed8ac3265f47")
    expect(findRootKey({ dataFolder: "/none", encryptionKey })?.rootKey.fingerprint).toBe("6408c555d0d34508")
  })

  it("the purposes of keys stand in the database by name", () => {
    expect(keyPurposes).toEqual([
      "wrapping",
      "token-signing",
      "client-secret-hmac",
      "row-mac",
      "audit-signing",
      "record-sealing",
    ])
  })

  it("the MAC of a row covers its label and its five parts, in their order, under the key for rows", () => {
    const row = { secretId: "s", folderId: "f", key: "KEY", version: 2, revision: 30 }
    const covered = encodeAdditionalData(["coffer/secret-row/1", "s", "f", "KEY", "2", "30"])
    const expected = createHmac("sha256", active["row-mac"].keyBytes).update(covered).digest("hex")
    expect(hex(keyring().secretRowMac(row))).toBe(expected)
    expect(expected).toBe("84a95c59d0ae503a874e7990c9409b3b6b9f67bd34ce8effb032a5fbdc07fe19")
  })

  it("a credential is kept as the HMAC of its label, its purpose and itself, under the key for credentials", () => {
    const covered = encodeAdditionalData(["coffer/credential/1", "client-secret", "clear"])
    const expected = createHmac("sha256", active["client-secret-hmac"].keyBytes).update(covered).digest("hex")
    expect(hex(keyring().credentialHash("client-secret", "clear"))).toBe(expected)
    expect(expected).toBe("17592759bd0cb2961720a407e77aed9ab71518a266127ca77172a144917cde64")
  })

  it("a sealed field of a project opens", () => {
    const key = { idBytes: new Uint8Array(16).fill(9), keyBytes: new Uint8Array(32).fill(8) }
    const sealer = new DataKeySealer("p", [key], fixedBytes)
    const address = { orgId: "o", projectId: "p", recordId: "s", version: 2, field: "value" }
    expect(hex(sealer.seal(address, "text"))).toBe(
      "010909090909090909090909090909090907070707070707070707070779feda9c76de1ef38431f90183e190d19a059d45",
    )
  })

  it("a sealed field of another record opens", () => {
    const sealer = new KeyringRecordSealer(keys, fixedBytes)
    const address = { orgId: "o", recordId: "r", field: "user:totp" }
    expect(hex(sealer.seal(address, "text"))).toBe(
      "0100000000000040008000000000000005070707070707070707070707d69a8a40441976d6bde19354bbe090fb776be442",
    )
  })

  it("the public key of the audit log follows from its key", () => {
    expect(hex(keyring().auditPublicKeyBytes)).toBe(
      "302a300506032b65700321006e7a1cdd29b0b78fd13af4c5598feff4ef2a97166e3ca6f2e4fbfccd80505bf1",
    )
  })
})

describe("a sealer of a project", () => {
  it("serves that project: an address of another one is a mistake of the caller", () => {
    const key = { idBytes: new Uint8Array(16), keyBytes: new Uint8Array(32) }
    const sealer = new DataKeySealer("p", [key], fixedBytes)
    const address = { orgId: "o", projectId: "other", recordId: "s", version: 1, field: "value" }
    expect(() => sealer.seal(address, "text")).toThrow("a sealer serves one project")
  })
})
