import { createHmac } from "node:crypto"
import { describe, expect, it } from "vitest"
import { TokenSigner } from "./token-signer.ts"

const keyBytes = new Uint8Array(32).fill(1)

/** A token with the right signature and any payload. */
function signed(payload: string | Uint8Array, header: object = { alg: "HS256", typ: "JWT" }): string {
  const parts = [JSON.stringify(header), payload].map((part) => Buffer.from(part).toString("base64url"))
  const text = parts.join(".")
  return `${text}.${createHmac("sha256", keyBytes).update(text).digest("base64url")}`
}

describe("a token with the right signature", () => {
  const signer = new TokenSigner(keyBytes)

  it("says what was signed", async () => {
    expect(signer.sign({ a: 1 })).toBe(signed('{"a":1}'))
    expect(await signer.verify(signed('{"a":1}'))).toEqual({ a: 1 })
  })

  it.for([
    "null",
    "[]",
    "[1]",
    '"text"',
    "7",
    "true",
    "",
    "{",
    "not json",
  ])("is none when it says %j, which are no claims", async (payload) => {
    expect(await signer.verify(signed(payload))).toBeUndefined()
  })

  it("is none when its claims are no UTF-8 text", async () => {
    const payload = Buffer.concat([Buffer.from('{"a":"'), Buffer.from([0xff]), Buffer.from('"}')])
    expect(await signer.verify(signed(payload))).toBeUndefined()
  })

  it("is none under a header that asks for another algorithm or another treatment", async () => {
    for (const header of [
      { alg: "none" },
      { alg: "HS512" },
      { typ: "JWT" },
      { alg: "HS256", crit: ["x"], x: 1 },
    ]) {
      expect(await signer.verify(signed("{}", header))).toBeUndefined()
    }
  })

  it("is none under another key", async () => {
    expect(await new TokenSigner(new Uint8Array(32).fill(2)).verify(signed("{}"))).toBeUndefined()
  })
})
