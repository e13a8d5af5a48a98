import { generateKeyPairSync } from "node:crypto"
import { describe, expect, it } from "vitest"
import { uuidBytes } from "../uuid.ts"
import {
  type AuditHead,
  AuditKeySigner,
  headBytes,
  importAuditPublicKey,
  isSignedHead,
} from "./audit-head.ts"

const logId = "00112233-4455-4677-8899-aabbccddeeff"
const head = { size: 258, previousSize: 257, rootHash: Buffer.alloc(32, 0xab), at: 2 ** 32 + 5 }
const older = { ...head, previousSize: undefined }
const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString("hex")
const label = (form: number) => hex(Buffer.from(`coffer/audit-head/${form}`))

describe("what the signature of a head covers", () => {
  it.for([
    {
      form: "with the head before it",
      of: head,
      bytes: `${label(2)}00112233445546778899aabbccddeeff00000000000001020000000000000101${"ab".repeat(32)}0000000100000005`,
    },
    {
      form: "of before there was a chain",
      of: older,
      bytes: `${label(1)}00112233445546778899aabbccddeeff0000000000000102${"ab".repeat(32)}0000000100000005`,
    },
  ])("$form, byte by byte", ({ of, bytes }) => {
    expect(hex(headBytes(uuidBytes(logId), of))).toBe(bytes)
  })

  const signer = new AuditKeySigner(generateKeyPairSync("ed25519").privateKey)
  const publicKey = importAuditPublicKey(signer.auditPublicKeyBytes)
  const isSigned = (signed: AuditHead) => isSignedHead(publicKey, uuidBytes(logId), signed)
  const signatureOf = (of: Omit<AuditHead, "signature">) =>
    signer.signAuditHead(headBytes(uuidBytes(logId), of))

  it("is known by its key, for its log and in its form alone", () => {
    const signature = signatureOf(head)
    expect(isSigned({ ...head, signature })).toBe(true)
    expect(isSigned({ ...older, signature: signatureOf(older) })).toBe(true)
    expect(isSigned({ ...older, signature })).toBe(false)
    expect(isSigned({ ...head, signature: signatureOf(older) })).toBe(false)
    const other = uuidBytes("00112233-4455-4677-8899-aabbccddeef0")
    expect(isSignedHead(publicKey, other, { ...head, signature })).toBe(false)
    const stranger = new AuditKeySigner(generateKeyPairSync("ed25519").privateKey)
    const strangerKey = importAuditPublicKey(stranger.auditPublicKeyBytes)
    expect(isSignedHead(strangerKey, uuidBytes(logId), { ...head, signature })).toBe(false)
  })

  it.for([
    { what: "a time before 1970", of: { ...head, at: -1 } },
    { what: "a time that is none", of: { ...head, at: Number.NaN } },
    { what: "a size that is negative", of: { ...head, size: -1 } },
    { what: "a size with a fraction", of: { ...head, size: 258.5 } },
    { what: "a size beyond all numbers", of: { ...head, size: 2 ** 60 } },
    { what: "a negative size of the head before", of: { ...head, previousSize: -1 } },
    { what: "a root that is too short", of: { ...head, rootHash: Buffer.alloc(31) } },
  ])("is refused without a throw where a row holds $what", ({ of }) => {
    expect(isSigned({ ...of, signature: Buffer.alloc(64) })).toBe(false)
  })

  it("is refused for a size that is none, though those bytes are signed, and of the older form without a throw", () => {
    expect(isSigned({ ...head, size: head.size + 0.5, signature: signatureOf(head) })).toBe(false)
    expect(isSigned({ ...older, size: -1, signature: Buffer.alloc(64) })).toBe(false)
    expect(isSigned({ ...older, size: 2 ** 54, signature: Buffer.alloc(64) })).toBe(false)
  })

  it.for([0, 63, 65])("is refused where it has %i bytes", (size) => {
    const signature = Buffer.concat([signatureOf(head), Buffer.of(0)]).subarray(0, size)
    expect(isSigned({ ...head, signature })).toBe(false)
  })

  it("is refused for a head that follows itself, even when it is signed", () => {
    const circular = { ...head, previousSize: head.size }
    expect(isSigned({ ...circular, signature: signatureOf(circular) })).toBe(false)
    const short = { ...head, rootHash: Buffer.alloc(31) }
    expect(isSigned({ ...short, signature: signatureOf(short) })).toBe(false)
  })
})
