import { createHash, generateKeyPairSync, verify } from "node:crypto"
import { expect, it } from "vitest"
import { AuditKeySigner, importAuditPublicKey } from "./audit-head.ts"
import { RedactedSeqs, redactedRunsOf, redactionRowOf } from "./audit-redaction.ts"

const logId = "00112233-4455-4677-8899-aabbccddeeff"

it("what several records let be empty is found in whatever order they came", () => {
  const redacted = new RedactedSeqs()
  redacted.add([
    [0, 1],
    [20, 22],
  ])
  redacted.add([
    [5, 5],
    [30, 30],
  ])
  redacted.add([[10, 12]])
  // The first question counts as much as the next ones.
  expect(redacted.has(20)).toBe(true)
  const empty = Array.from({ length: 40 }, (_, seq) => seq).filter((seq) => redacted.has(seq))
  expect(empty).toEqual([0, 1, 5, 10, 11, 12, 20, 21, 22, 30])
})

it("a record names runs, and is refused without a throw where a row holds what none can", () => {
  const signer = new AuditKeySigner(generateKeyPairSync("ed25519").privateKey)
  const publicKey = importAuditPublicKey(signer.auditPublicKeyBytes)
  const row = redactionRowOf(logId, [3, 4, 5, 9], 17, signer)
  expect(redactedRunsOf(row, publicKey)).toEqual([
    [3, 5],
    [9, 9],
  ])
  const changes = [
    ...[{ at: -1 }, { from_seq: -1 }, { to_seq: 8.5 }, { log_id: "none" }, { seqs: "[[0,99]]" }],
    ...[{ at: 18 }, { from_seq: 4 }, { to_seq: 10 }, { signature: Buffer.alloc(64) }],
    // Nor does what was taken out of one log let events of another one be empty.
    { log_id: "00112233-4455-4677-8899-aabbccddeef0" },
  ]
  for (const change of changes) expect(redactedRunsOf({ ...row, ...change }, publicKey)).toBeUndefined()
})

it("a record is signed with its log, its bounds, its runs and its time, byte by byte", () => {
  const signer = new AuditKeySigner(generateKeyPairSync("ed25519").privateKey)
  const row = redactionRowOf(logId, [3, 4, 5, 9], 2 ** 32 + 5, signer)
  const label = Buffer.from("coffer/audit-redaction/1").toString("hex")
  const runs = createHash("sha256").update("[[3,5],[9,9]]").digest("hex")
  const bytes = `${label}00112233445546778899aabbccddeeff00000000000000030000000000000009${runs}0000000100000005`
  const publicKey = importAuditPublicKey(signer.auditPublicKeyBytes)
  expect(verify(null, Buffer.from(bytes, "hex"), publicKey, row.signature)).toBe(true)
})

it("more runs than a call takes arguments are found", () => {
  const redacted = new RedactedSeqs()
  redacted.add(Array.from({ length: 130_000 }, (_, index) => [2 * index, 2 * index] as const))
  expect([0, 259_998, 1, 259_999].map((seq) => redacted.has(seq))).toEqual([true, true, false, false])
})
