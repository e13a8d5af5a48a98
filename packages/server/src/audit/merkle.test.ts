import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { CompactRange, HASH_SIZE, sha256 } from "./merkle.ts"

/** The definition of RFC 9162, section 2.1.1, word for word. */
function naiveRoot(leaves: readonly Uint8Array[]): Uint8Array {
  const [only] = leaves
  if (only === undefined) return sha256(new Uint8Array())
  if (leaves.length === 1) return only
  let split = 1
  while (split * 2 < leaves.length) split *= 2
  return sha256(
    Buffer.concat([Buffer.of(1), naiveRoot(leaves.slice(0, split)), naiveRoot(leaves.slice(split))]),
  )
}

function leavesOf(count: number): Uint8Array[] {
  return Array.from({ length: count }, (_, index) => sha256(Buffer.from(`leaf ${index}`)))
}

describe("compact range", () => {
  it("has the root of the naive tree, at every size up to 300", () => {
    const leaves = leavesOf(300)
    const range = CompactRange.empty()
    expect(range.root()).toEqual(naiveRoot([]))
    for (const [index, leaf] of leaves.entries()) {
      range.append(leaf)
      expect(range.size).toBe(index + 1)
      expect(range.root()).toEqual(naiveRoot(leaves.slice(0, index + 1)))
    }
  })

  it("knows the roots of the test vectors of certificate transparency", () => {
    const entries = ["", "00", "10", "2021", "3031", "40414243", "5051525354555657"]
    const range = CompactRange.empty()
    for (const entry of entries) range.append(sha256(Buffer.from(`00${entry}`, "hex")))
    expect(Buffer.from(range.root()).toString("hex")).toBe(
      "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    )
  })

  it("continues from its bytes as if it had never stopped", () => {
    fc.assert(
      fc.property(fc.nat({ max: 200 }), fc.nat({ max: 50 }), (before, after) => {
        const leaves = leavesOf(before + after)
        const first = CompactRange.empty()
        for (const leaf of leaves.slice(0, before)) first.append(leaf)
        const resumed = CompactRange.fromBytes(before, first.toBytes())
        for (const leaf of leaves.slice(before)) resumed.append(leaf)
        expect(resumed.root()).toEqual(naiveRoot(leaves))
      }),
      { numRuns: 50 },
    )
  })

  it("grows beyond the numbers of 32 bits", () => {
    const size = 2 ** 33 - 1
    const range = CompactRange.fromBytes(size, Buffer.concat(leavesOf(33)))
    const leaf = sha256(Buffer.from("last"))
    range.append(leaf)
    const root = leavesOf(33).reduceRight(
      (right, left) => sha256(Buffer.concat([Buffer.of(1), left, right])),
      leaf,
    )
    expect(range.toBytes()).toEqual(root)
    expect(CompactRange.fromBytes(size + 1, root).root()).toEqual(range.root())
  })

  it("a clone grows alone", () => {
    const range = CompactRange.empty()
    for (const leaf of leavesOf(5)) range.append(leaf)
    const root = range.root()
    range.clone().append(sha256(new Uint8Array()))
    expect(range.root()).toEqual(root)
    expect(range.size).toBe(5)
  })

  it.for([
    { size: 3, bytes: HASH_SIZE },
    { size: 0, bytes: 1 },
    { size: -1, bytes: 0 },
    { size: 1.5, bytes: HASH_SIZE },
    { size: 1, bytes: 2 * HASH_SIZE },
    { size: Number.NaN, bytes: 0 },
    { size: 2 ** 60, bytes: HASH_SIZE },
  ])("refuses $bytes bytes as the range of a tree of $size leaves", ({ size, bytes }) => {
    expect(() => CompactRange.fromBytes(size, Buffer.alloc(bytes))).toThrow(RangeError)
  })
})
