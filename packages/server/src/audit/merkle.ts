/**
 * Merkle trees as in RFC 9162, section 2.1: a leaf is SHA-256(0x00 || entry), a node SHA-256(0x01 || left || right), the
 * left subtree is the largest complete one, and the empty tree is SHA-256 of nothing.
 * https://www.rfc-editor.org/rfc/rfc9162.html#section-2.1
 */
import { hash } from "node:crypto"

export const HASH_SIZE = 32

const EMPTY_ROOT = sha256(new Uint8Array())

/** SHA-256 of bytes in one call; by way of a string, which Node makes in half the time of a buffer. */
export function sha256(bytes: Uint8Array): Uint8Array {
  return Buffer.from(hash("sha256", bytes, "latin1"), "latin1")
}

function nodeHash(left: Uint8Array, right: Uint8Array): Uint8Array {
  const bytes = Buffer.allocUnsafe(1 + 2 * HASH_SIZE)
  bytes[0] = 1
  bytes.set(left, 1)
  bytes.set(right, 1 + HASH_SIZE)
  return sha256(bytes)
}

/**
 * The right edge of a tree: the roots of its complete subtrees, largest first, one for each bit that is set in the
 * size. It is all that is needed to append, and it grows with the logarithm of the size.
 */
export class CompactRange {
  #size: number
  readonly #roots: Uint8Array[]

  private constructor(size: number, roots: Uint8Array[]) {
    this.#size = size
    this.#roots = roots
  }

  static empty(): CompactRange {
    return new CompactRange(0, [])
  }

  /** @throws RangeError when the bytes are not the range of a tree of that size */
  static fromBytes(size: number, bytes: Uint8Array): CompactRange {
    if (!Number.isSafeInteger(size) || size < 0 || bytes.length !== bitCount(size) * HASH_SIZE) {
      throw new RangeError("not the compact range of a tree of this size")
    }
    const roots: Uint8Array[] = []
    for (let offset = 0; offset < bytes.length; offset += HASH_SIZE) {
      roots.push(bytes.slice(offset, offset + HASH_SIZE))
    }
    return new CompactRange(size, roots)
  }

  get size(): number {
    return this.#size
  }

  /** A copy that can grow without this one. */
  clone(): CompactRange {
    return new CompactRange(this.#size, [...this.#roots])
  }

  append(leafHash: Uint8Array): void {
    let root = leafHash
    for (let size = this.#size; size % 2 === 1; size = Math.floor(size / 2)) {
      const left = this.#roots.pop()
      if (left === undefined) throw new RangeError("a compact range has one root for each bit of its size")
      root = nodeHash(left, root)
    }
    this.#roots.push(root)
    this.#size += 1
  }

  root(): Uint8Array {
    const [smallest, ...larger] = this.#roots.toReversed()
    if (smallest === undefined) return EMPTY_ROOT
    return larger.reduce((right, left) => nodeHash(left, right), smallest)
  }

  /** The roots one after another, largest first. */
  toBytes(): Uint8Array {
    return Buffer.concat(this.#roots)
  }
}

function bitCount(size: number): number {
  let count = 0
  for (let rest = size; rest > 0; rest = Math.floor(rest / 2)) count += rest % 2
  return count
}
