/** Which ids an import gives: those of the archive, or new ones for all. Pure. */
import { createHash } from "node:crypto"

export type IdMap = (id: string) => string

export const keepIds: IdMap = (id) => id

/**
 * New ids, the same for the same old one, so that nothing has to be remembered: a UUID of version 8 from SHA-256.
 * @param salt 32 random bytes, of this import alone: nobody can foresee an id
 */
export function copyIds(salt: Uint8Array): IdMap {
  return (id) => {
    const bytes = createHash("sha256").update(salt).update(id).digest().subarray(0, 16)
    bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x80
    bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80
    const hex = bytes.toString("hex")
    return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join("-")
  }
}
