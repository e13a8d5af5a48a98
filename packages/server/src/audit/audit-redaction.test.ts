import { generateKeyPairSync } from "node:crypto"
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
  const changes = [{ at: -1 }, { from_seq: -1 }, { to_seq: 8.5 }, { log_id: "none" }, { seqs: "[[0,99]]" }]
  for (const change of changes) expect(redactedRunsOf({ ...row, ...change }, publicKey)).toBeUndefined()
})
