import { describe, expect, it } from "vitest"
import { kindOfCode, recoveryCodeOf, showRecoveryCode } from "./domain.ts"

describe("recovery codes", () => {
  it("hold every bit of what they were made from", () => {
    expect(recoveryCodeOf(new Uint8Array(10))).toBe("aaaaaaaaaaaaaaaa")
    expect(recoveryCodeOf(new Uint8Array(10).fill(0xff))).toBe("7777777777777777")
    const oneBit = Array.from({ length: 80 }, (_, bit) => {
      const bytes = new Uint8Array(10)
      bytes[bit >> 3] = 0x80 >> (bit & 7)
      return recoveryCodeOf(bytes)
    })
    expect(new Set(oneBit).size).toBe(80)
    // RFC 4648 base32, which is the same for a length without padding.
    expect(recoveryCodeOf(Buffer.from("0123456789"))).toBe("gaytemzugu3doobz")
  })

  it("are shown in groups of four, and told from one-time passwords", () => {
    expect(showRecoveryCode("gaytemzugu3doobz")).toBe("gayt-emzu-gu3d-oobz")
    expect(kindOfCode("gaytemzugu3doobz")).toBe("recovery-code")
    expect(kindOfCode("123456")).toBe("totp")
    for (const code of ["12345", "1234567", "12345a", ""]) expect(kindOfCode(code)).toBe("recovery-code")
  })
})
