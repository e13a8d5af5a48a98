import { generateKeyPairSync, verify } from "node:crypto"
import { describe, expect, it } from "vitest"
import { AuditKeySigner, importAuditPublicKey } from "./audit-head.ts"
import { prunedRangeOf, pruneRowOf } from "./audit-prune.ts"
import { CompactRange, sha256 } from "./merkle.ts"

const logId = "00112233-4455-4677-8899-aabbccddeeff"
const signer = new AuditKeySigner(generateKeyPairSync("ed25519").privateKey)
const publicKey = importAuditPublicKey(signer.auditPublicKeyBytes)

function aRange(): CompactRange {
  const range = CompactRange.empty()
  for (const leaf of ["a", "b", "c"]) range.append(sha256(Buffer.from(leaf)))
  return range
}

describe("the record of what retention removed", () => {
  const range = aRange()
  const row = pruneRowOf(logId, range, 2 ** 32 + 5, signer)

  it("is signed with its log, size, range and time, byte by byte", () => {
    const label = Buffer.from("coffer/audit-prune/1").toString("hex")
    const rangeHash = Buffer.from(sha256(range.toBytes())).toString("hex")
    const bytes = `${label}00112233445546778899aabbccddeeff0000000000000003${rangeHash}0000000100000005`
    expect(verify(null, Buffer.from(bytes, "hex"), publicKey, row.signature)).toBe(true)
    expect(prunedRangeOf(row, publicKey)?.root()).toEqual(range.root())
  })

  it.for([
    { what: "another log", change: { log_id: "00112233-4455-4677-8899-aabbccddeef0" } },
    { what: "another size", change: { size: 5 } },
    { what: "a size that is none", change: { size: -1 } },
    { what: "another time", change: { at: 17 } },
    { what: "another range", change: { compact_range: JSON.stringify("AAAA") } },
    { what: "a range that is no text", change: { compact_range: "7" } },
    { what: "a range that is no JSON", change: { compact_range: "{" } },
    { what: "another spelling of its range", change: { compact_range: ` ${row.compact_range}` } },
    { what: "another signature", change: { signature: Buffer.alloc(64) } },
  ])("is refused without a throw where a row holds $what", ({ change }) => {
    expect(prunedRangeOf({ ...row, ...change }, publicKey)).toBeUndefined()
  })
})
