import { describe, expect, it } from "vitest"
import { newTotp, stepOfCode } from "./totp.ts"

describe("one-time passwords", () => {
  // RFC 6238, appendix B: the secret of SHA-1, its last six digits.
  const secretBytes = Buffer.from("12345678901234567890")
  const secret = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"

  it.for([
    { seconds: 59, code: "287082", step: 1 },
    { seconds: 1_111_111_109, code: "081804", step: 37_037_036 },
    { seconds: 2_000_000_000, code: "279037", step: 66_666_666 },
  ])("are those of RFC 6238 at $seconds", async ({ seconds, code, step }) => {
    expect(await stepOfCode(secret, code, seconds * 1_000)).toBe(step)
  })

  it("a code belongs to its own step wherever it is shown, one step before and one after, and no further", async () => {
    const at = (step: number) => stepOfCode(secret, "081804", step * 30_000)
    const step = 37_037_036
    expect(await Promise.all([step - 1, step, step + 1].map(at))).toEqual([step, step, step])
    expect(await Promise.all([step - 2, step + 2].map(at))).toEqual([undefined, undefined])
  })

  it("a code of other digits, of more or of fewer is wrong", async () => {
    for (const code of ["081805", "81804", "0081804", "", "08180x"]) {
      expect(await stepOfCode(secret, code, 1_111_111_109_000)).toBeUndefined()
    }
  })

  it("an authenticator app is told what this server computes with", async () => {
    const made = await newTotp(secretBytes, { issuer: "Coffer", email: "dev@acme.test" })
    expect(made.secret).toBe(secret)
    const uri = new URL(made.uri)
    expect(decodeURIComponent(uri.pathname)).toBe("/Coffer:dev@acme.test")
    expect(Object.fromEntries(uri.searchParams)).toEqual({
      issuer: "Coffer",
      secret,
      algorithm: "SHA1",
      digits: "6",
      period: "30",
    })
  })
})
