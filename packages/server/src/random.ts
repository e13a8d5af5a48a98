import { randomBytes, randomUUID } from "node:crypto"

/** Unpredictable bytes and ids, handed in so that tests can repeat them. */
export interface Random {
  bytes(size: number): Uint8Array
  /** A version 4 UUID, lower case. */
  uuid(): string
}

/** The size of a nonce: one is drawn for every field that is sealed. Keys are longer and come from the system one by one. */
const maxPooledSize = 12
const poolSize = 4_096

/** Small pieces of a larger draw, each handed out once and wiped from the pool. */
function pooledBytes(): (size: number) => Uint8Array {
  let pool = new Uint8Array()
  let used = 0
  return (size) => {
    if (size > maxPooledSize) return randomBytes(size)
    if (used + size > pool.length) {
      pool = randomBytes(poolSize)
      used = 0
    }
    const bytes = Uint8Array.from(pool.subarray(used, used + size))
    pool.fill(0, used, used + size)
    used += size
    return bytes
  }
}

/** The operating system's generator; only composition roots name it. */
export const systemRandom: Random = { bytes: pooledBytes(), uuid: () => randomUUID() }

/**
 * A token that a person is handed, in lower case hex: it never starts with a dash, which commands would take for an option,
 * and a double click marks all of it.
 *
 * @param size of the randomness, in bytes; the text is twice as long
 */
export function newToken(random: Random, size: number): string {
  return Buffer.from(random.bytes(size)).toString("hex")
}
