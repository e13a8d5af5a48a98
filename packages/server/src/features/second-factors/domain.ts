/** Codes that prove a second factor. Pure. */

export type TypedFactor = "totp" | "recovery-code"

/** What a canonical code may be. */
export function kindOfCode(code: string): TypedFactor {
  return /^\d{6}$/.test(code) ? "totp" : "recovery-code"
}

export const recoveryCodeCount = 10
/** 80 bits: nobody guesses one, whatever the attempts. */
export const recoveryCodeLength = 10

const alphabet = "abcdefghijklmnopqrstuvwxyz234567"

/** The canonical text of random bytes, five bits a letter. */
export function recoveryCodeOf(randomBytes: Uint8Array): string {
  let bits = 0n
  for (const byte of randomBytes) bits = (bits << 8n) | BigInt(byte)
  const letters = (randomBytes.length * 8) / 5
  return Array.from({ length: letters }, (_, index) => {
    return alphabet[Number((bits >> BigInt(5 * (letters - 1 - index))) & 31n)]
  }).join("")
}

/** As it is shown: in groups of four. */
export function showRecoveryCode(code: string): string {
  return code.replace(/(.{4})(?=.)/g, "$1-")
}
