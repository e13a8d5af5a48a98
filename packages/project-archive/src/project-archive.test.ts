import fc from "fast-check"
import { describe, expect, it } from "vitest"
import {
  type ArchiveKey,
  type ArchiveRecord,
  createKeyPair,
  decryptArchive,
  encryptArchive,
  RecordWriter,
  readRecords,
} from "./index.ts"

async function* linesOf(records: readonly ArchiveRecord[]) {
  const writer = new RecordWriter()
  for (const record of records) yield writer.line(record)
  yield writer.end()
}

async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = []
  for await (const item of items) all.push(item)
  return all
}

async function bytesOf(chunks: AsyncIterable<Uint8Array>): Promise<Buffer> {
  return Buffer.concat(await collect(chunks))
}

async function* inPieces(bytes: Uint8Array, size: number) {
  for (let from = 0; from < bytes.length; from += size) yield bytes.subarray(from, from + size)
}

const read = (bytes: Uint8Array, size = 7) => collect(readRecords(inPieces(bytes, size)))
const header = { kind: "header", format: "coffer/project-archive", version: 1 }
const sample = [header, { kind: "secret", key: "A", value: "gruß\n\u0000" }]

describe("records", () => {
  it("come back as they were, in whatever pieces the bytes arrive", async () => {
    const record = fc.record({
      kind: fc.constantFrom("a", "b", "kind"),
      value: fc.string({ unit: "grapheme" }),
    })
    await fc.assert(
      fc.asyncProperty(fc.array(record), fc.integer({ min: 1, max: 50 }), async (records, size) => {
        expect(await read(await bytesOf(linesOf(records)), size)).toEqual(records)
      }),
    )
  })

  it("are incomplete wherever they are cut off", async () => {
    const bytes = await bytesOf(linesOf(sample))
    for (let length = 0; length < bytes.length; length += 1) {
      await expect(read(bytes.subarray(0, length))).rejects.toMatchObject({ problem: "damaged" })
    }
  })

  it("are refused when one byte is another one, a record is missing, or something follows", async () => {
    const bytes = await bytesOf(linesOf(sample))
    const text = bytes.toString()
    const lines = text.split(/(?<=\n)/)
    for (const changed of [
      text.replace('"A"', '"B"'),
      [lines[0], lines[2]].join(""),
      [lines[1], lines[0], lines[2]].join(""),
      text + lines[1],
      text.replace('"secret":1', '"secret":2'),
      text.replace(/"counts":\{[^}]*\},/, ""),
    ]) {
      expect(changed).not.toBe(text)
      await expect(read(Buffer.from(changed))).rejects.toMatchObject({ problem: "damaged" })
    }
  })

  it("that are none, or too large, are refused without being quoted or kept", async () => {
    for (const line of ['{"kind":"x","canary":tru', "[1]", '{"kind":1}', "\u00ff", "canary"]) {
      const refusal = await read(Buffer.from(`${line}\n`)).catch((error: Error) => error)
      expect(refusal).toMatchObject({ problem: "not-an-archive" })
      expect(String(refusal)).not.toContain("canary")
    }
    const endless = async function* () {
      for (let n = 0; n < 1_000; n += 1) yield Buffer.alloc(64 * 1024, "a")
    }
    const refusal = collect(readRecords(endless()))
    await expect(refusal).rejects.toMatchObject({ problem: "too-large" })
    expect(() => new RecordWriter().line({ kind: "a", value: "a".repeat(9_000_000) })).toThrow(/larger than/)
  })
})

describe("the lock", () => {
  const open = async (bytes: Uint8Array, key: ArchiveKey) =>
    collect(readRecords(await decryptArchive(inPieces(bytes, 1_000), key)))

  it("opens with the passphrase alone", async () => {
    const lock = { kind: "passphrase", passphrase: "correct horse" } as const
    const bytes = await bytesOf(await encryptArchive(linesOf(sample), lock))
    expect(bytes.toString("latin1")).toMatch(/^age-encryption.org\/v1\n-> scrypt /)
    expect(bytes.includes("gru")).toBe(false)
    expect(await open(bytes, lock)).toEqual(sample)
    await expect(open(bytes, { ...lock, passphrase: "correct hors" })).rejects.toMatchObject({
      problem: "wrong-key",
    })
  })

  it("opens for every recipient and for nobody else", async () => {
    const [left, right, other] = await Promise.all([createKeyPair(), createKeyPair(), createKeyPair()])
    const recipients = [left.recipient, right.recipient]
    const bytes = await bytesOf(await encryptArchive(linesOf(sample), { kind: "recipients", recipients }))
    for (const { identity } of [left, right]) {
      expect(await open(bytes, { kind: "identities", identities: [other.identity, identity] })).toEqual(
        sample,
      )
    }
    const wrong = open(bytes, { kind: "identities", identities: [other.identity] })
    await expect(wrong).rejects.toMatchObject({ problem: "wrong-key" })
  })

  it("refuses a file that was changed or cut off anywhere", async () => {
    const { identity, recipient } = await createKeyPair()
    const large = [
      ...sample,
      ...Array.from({ length: 200 }, (_, n) => ({ kind: "x", n, text: "y".repeat(999) })),
    ]
    const lock = { kind: "recipients", recipients: [recipient] } as const
    const bytes = await bytesOf(await encryptArchive(linesOf(large), lock))
    const key = { kind: "identities", identities: [identity] } as const
    expect(await open(bytes, key)).toEqual(large)
    for (let n = 0; n < 40; n += 1) {
      const at = Math.floor((bytes.length * n) / 40)
      const flipped = Uint8Array.from(bytes)
      flipped[at] = (flipped[at] ?? 0) ^ 1
      await expect(open(flipped, key)).rejects.toMatchObject({ name: "ArchiveError" })
      await expect(open(bytes.subarray(0, at), key)).rejects.toMatchObject({ name: "ArchiveError" })
    }
  })

  it("refuses keys that are none, and files that are not age, without quoting them or reading on", async () => {
    const lock = { kind: "recipients", recipients: ["age1canary"] } as const
    await expect(encryptArchive(linesOf(sample), lock)).rejects.toMatchObject({ problem: "invalid-key" })
    const refusal = await open(Buffer.from("x"), { kind: "identities", identities: ["canary"] }).catch(String)
    expect(refusal).not.toContain("canary")
    const { identity } = await createKeyPair()
    let pulled = 0
    const endless = async function* () {
      yield Buffer.from("age-encryption.org/v1\n-> X25519 ")
      for (; pulled < 10_000; pulled += 1) yield Buffer.alloc(1_024, "a")
    }
    const key = { kind: "identities", identities: [identity] } as const
    await expect(decryptArchive(endless(), key)).rejects.toMatchObject({ problem: "not-an-archive" })
    expect(pulled).toBeLessThan(100)
  })
})

describe("a reader that stops reading", () => {
  const pieces = 1_000
  const piece = 64 * 1024

  /** As many pieces as are asked for, all there at once; counts how many were pulled. */
  class Source {
    pulled = 0

    async *chunks(all: Iterable<Uint8Array>): AsyncGenerator<Uint8Array> {
      for (const one of all) {
        this.pulled += 1
        yield one
      }
    }
  }

  /** Whatever does not wait for the reader is over by then: nothing else takes turns here. */
  async function manyTurns(): Promise<void> {
    for (let turn = 0; turn < 3 * pieces; turn += 1) await new Promise(setImmediate)
  }

  it("lets no more of an archive be locked or opened than a few chunks", async () => {
    const { identity, recipient } = await createKeyPair()
    const lock = { kind: "recipients", recipients: [recipient] } as const
    const plain = new Source()
    const sealing = (
      await encryptArchive(plain.chunks(Array(pieces).fill(Buffer.alloc(piece))), lock)
    ).getReader()
    await sealing.read()
    await manyTurns()
    expect(plain.pulled).toBeLessThan(10)
    await sealing.cancel()

    const whole = await bytesOf(await encryptArchive(inPieces(Buffer.alloc(200 * piece), piece), lock))
    const sealed = new Source()
    const key = { kind: "identities", identities: [identity] } as const
    const chunks = Array.from({ length: 200 }, (_, index) =>
      whole.subarray(index * piece, (index + 1) * piece),
    )
    const opened = (await decryptArchive(sealed.chunks([...chunks, whole.subarray(200 * piece)]), key))[
      Symbol.asyncIterator
    ]()
    await opened.next()
    await manyTurns()
    expect(sealed.pulled).toBeLessThan(10)
    await opened.return?.()
  })
})
