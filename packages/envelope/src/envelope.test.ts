import { randomBytes } from "node:crypto"
import fc from "fast-check"
import { describe, expect, it } from "vitest"
import vectors from "./fixtures/vectors.json" with { type: "json" }
import {
  EnvelopeError,
  encodeAdditionalData,
  keyIdOf,
  MAX_PLAINTEXT_BYTES,
  open,
  type SealingKey,
  seal,
  unwrapKey,
  wrapKey,
} from "./index.ts"

const key: SealingKey = { idBytes: Buffer.alloc(16, 7), keyBytes: Buffer.alloc(32, 9) }
const lookup = (idBytes: Uint8Array) =>
  Buffer.compare(idBytes, key.idBytes) === 0 ? key.keyBytes : undefined
const place = ["org", "project", "secret", "3", "value"]
const plaintext = Buffer.from("postgres://user:pw@db/app")

describe("envelope", () => {
  it("opens what it sealed, for every plaintext and place", () => {
    fc.assert(
      fc.property(fc.uint8Array(), fc.array(fc.string({ unit: "grapheme" })), (bytes, parts) => {
        expect(Buffer.from(open(lookup, parts, seal(key, parts, bytes, randomBytes)))).toEqual(
          Buffer.from(bytes),
        )
      }),
    )
  })

  it("keeps the plaintext out of the envelope", () => {
    const sealed = Buffer.from(seal(key, place, plaintext, randomBytes))
    expect(sealed.includes(plaintext)).toBe(false)
    expect(sealed.includes(plaintext.subarray(0, 8))).toBe(false)
  })

  it("seals the same plaintext differently each time", () => {
    const first = seal(key, place, plaintext, randomBytes)
    expect(Buffer.compare(first, seal(key, place, plaintext, randomBytes))).not.toBe(0)
  })

  it("a ciphertext that was moved does not open", () => {
    const sealed = seal(key, place, plaintext, randomBytes)
    for (const [index] of place.entries()) {
      const elsewhere = place.with(index, `${place[index]}x`)
      expect(() => open(lookup, elsewhere, sealed)).toThrow(EnvelopeError)
    }
    expect(() => open(lookup, place.slice(0, -1), sealed)).toThrow(EnvelopeError)
    expect(() => open(lookup, [...place, ""], sealed)).toThrow(EnvelopeError)
  })

  it("a ciphertext does not open at a place whose parts only join to the same text", () => {
    const sealed = seal(key, ["ab", "c"], plaintext, randomBytes)
    expect(() => open(lookup, ["a", "bc"], sealed)).toThrow(EnvelopeError)
    expect(() => open(lookup, ["abc"], sealed)).toThrow(EnvelopeError)
  })

  it("a ciphertext with a byte changed anywhere does not open", () => {
    const sealed = seal(key, place, plaintext, randomBytes)
    const anyKey = () => key.keyBytes
    for (let index = 0; index < sealed.length; index++) {
      const tampered = Uint8Array.from(sealed)
      tampered[index] = (tampered[index] ?? 0) ^ 1
      expect(() => open(anyKey, place, tampered)).toThrow(EnvelopeError)
    }
  })

  it("a ciphertext that was cut or grown does not open", () => {
    const sealed = seal(key, place, plaintext, randomBytes)
    for (let size = 0; size < sealed.length; size++) {
      expect(() => open(lookup, place, sealed.subarray(0, size))).toThrow(EnvelopeError)
    }
    expect(() => open(lookup, place, Buffer.concat([sealed, Buffer.alloc(1)]))).toThrow(EnvelopeError)
  })

  it("an old key id still reads after a new key seals", () => {
    const newKey: SealingKey = { idBytes: Buffer.alloc(16, 8), keyBytes: Buffer.alloc(32, 10) }
    const keys = new Map(
      [key, newKey].map((each) => [Buffer.from(each.idBytes).toString("hex"), each.keyBytes]),
    )
    const both = (idBytes: Uint8Array) => keys.get(Buffer.from(idBytes).toString("hex"))
    const old = seal(key, place, plaintext, randomBytes)
    const fresh = seal(newKey, place, plaintext, randomBytes)
    expect(Buffer.from(open(both, place, old))).toEqual(plaintext)
    expect(Buffer.from(open(both, place, fresh))).toEqual(plaintext)
    expect(keyIdOf(fresh)).toEqual(newKey.idBytes)
  })

  it("does not open with an unknown or a wrong key", () => {
    const sealed = seal(key, place, plaintext, randomBytes)
    expect(() => open(() => undefined, place, sealed)).toThrow(EnvelopeError)
    expect(() => open(() => Buffer.alloc(32, 1), place, sealed)).toThrow(EnvelopeError)
    expect(() => open(() => Buffer.alloc(31), place, sealed)).toThrow(EnvelopeError)
  })

  it("fails with one error that tells nothing", () => {
    const sealed = seal(key, place, plaintext, randomBytes)
    const failures = [
      () => open(lookup, place, new Uint8Array()),
      () => open(lookup, place, Buffer.alloc(MAX_PLAINTEXT_BYTES + 46, 1)),
      () => open(lookup, ["elsewhere"], sealed),
      () => open(() => undefined, place, sealed),
    ]
    for (const fail of failures) expect(fail).toThrow(new EnvelopeError())
  })

  it("refuses keys, ids, nonces and plaintexts of the wrong size", () => {
    const wrong = { ...key, keyBytes: Buffer.alloc(16) }
    expect(() => seal(wrong, place, plaintext, randomBytes)).toThrow(RangeError)
    expect(() => seal({ ...key, idBytes: Buffer.alloc(4) }, place, plaintext, randomBytes)).toThrow(
      RangeError,
    )
    for (const size of [8, 13]) {
      expect(() => seal(key, place, plaintext, () => Buffer.alloc(size))).toThrow(RangeError)
    }
    expect(() => seal(key, place, Buffer.alloc(MAX_PLAINTEXT_BYTES + 1), randomBytes)).toThrow(RangeError)
  })

  it("seals and opens the largest plaintext", () => {
    const largest = Buffer.alloc(MAX_PLAINTEXT_BYTES, 5)
    const opened = open(lookup, place, seal(key, place, largest, randomBytes))
    expect(Buffer.compare(opened, largest)).toBe(0)
  })

  it.for([
    { what: "the shortest envelope", version: 1, size: 45, isOne: true },
    { what: "the longest envelope", version: 1, size: 45 + MAX_PLAINTEXT_BYTES, isOne: true },
    { what: "what is a byte too short", version: 1, size: 44, isOne: false },
    { what: "what is a byte too long", version: 1, size: 46 + MAX_PLAINTEXT_BYTES, isOne: false },
    { what: "what has another format", version: 2, size: 45, isOne: false },
  ])("knows $what by its first byte and its size", ({ version, size, isOne }) => {
    const bytes = Buffer.alloc(size, 7)
    bytes[0] = version
    expect(keyIdOf(bytes)).toEqual(isOne ? key.idBytes : undefined)
  })

  it("never panics on arbitrary bytes", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        expect(() => open(() => key.keyBytes, place, bytes)).toThrow(EnvelopeError)
      }),
    )
  })
})

describe("additional data", () => {
  it("is different for different lists of parts", () => {
    const parts = fc.array(fc.string({ unit: "grapheme", maxLength: 6 }), { maxLength: 4 })
    fc.assert(
      fc.property(parts, parts, (left, right) => {
        const same = Buffer.compare(encodeAdditionalData(left), encodeAdditionalData(right)) === 0
        expect(same).toBe(JSON.stringify(left) === JSON.stringify(right))
      }),
    )
  })

  it("refuses text that has no UTF-8 form", () => {
    expect(() => encodeAdditionalData(["\ud800"])).toThrow(RangeError)
  })
})

describe("key wrapping", () => {
  it("unwraps what it wrapped, at its place only", () => {
    const inner = randomBytes(32)
    const wrapped = wrapKey(key, ["keyring", "1"], inner, randomBytes)
    expect(Buffer.from(unwrapKey(lookup, ["keyring", "1"], wrapped))).toEqual(inner)
    expect(() => unwrapKey(lookup, ["keyring", "2"], wrapped)).toThrow(EnvelopeError)
  })

  it.for([1, 1024])("takes a key of %i bytes", (size) => {
    const wrapped = wrapKey(key, place, Buffer.alloc(size, 3), randomBytes)
    expect(unwrapKey(lookup, place, wrapped)).toEqual(Buffer.alloc(size, 3))
  })

  it("a wrapped key does not open as a value, nor a value as a key", () => {
    const wrapped = wrapKey(key, place, randomBytes(32), randomBytes)
    expect(() => open(lookup, place, wrapped)).toThrow(EnvelopeError)
    const sealed = seal(key, place, randomBytes(32), randomBytes)
    expect(() => unwrapKey(lookup, place, sealed)).toThrow(EnvelopeError)
  })

  it.for([0, 1025])("refuses a key of %i bytes", (size) => {
    expect(() => wrapKey(key, place, Buffer.alloc(size), randomBytes)).toThrow(RangeError)
  })

  it("does not take an oversized or empty plaintext for a key", () => {
    for (const size of [0, 1025]) {
      const sealed = seal(key, ["coffer/wrapped-key/1", ...place], Buffer.alloc(size), randomBytes)
      expect(() => unwrapKey(lookup, place, sealed)).toThrow(EnvelopeError)
    }
  })
})

describe("vectors", () => {
  it.for(vectors)("$name", (vector) => {
    const vectorKey = { idBytes: hex(vector.keyId), keyBytes: hex(vector.key) }
    const sealed = seal(vectorKey, vector.parts, hex(vector.plaintext), () => hex(vector.nonce))
    expect(Buffer.from(sealed).toString("hex")).toBe(vector.envelope)
    const opened = open(() => vectorKey.keyBytes, vector.parts, hex(vector.envelope))
    expect(Buffer.from(opened).toString("hex")).toBe(vector.plaintext)
  })
})

function hex(text: string): Uint8Array {
  return Buffer.from(text, "hex")
}
