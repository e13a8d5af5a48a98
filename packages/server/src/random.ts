import { randomBytes, randomUUID } from "node:crypto"

/** Unpredictable bytes and ids, handed in so that tests can repeat them. */
export interface Random {
  bytes(size: number): Uint8Array
  /** A version 4 UUID, lower case. */
  uuid(): string
}

/** The operating system's generator; only composition roots name it. */
export const systemRandom: Random = { bytes: (size) => randomBytes(size), uuid: () => randomUUID() }
