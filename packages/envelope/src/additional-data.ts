/**
 * Additional data of an envelope, unambiguous for every list of parts:
 *
 * ```
 * u32 number of parts · for each part: u32 length in bytes · UTF-8 bytes        (big-endian)
 * ```
 *
 * Two different lists never encode to the same bytes, so ["a", "bc"] and ["ab", "c"] are different places.
 */

/** @throws RangeError when a part holds a lone surrogate: it has no UTF-8 form of its own */
export function encodeAdditionalData(parts: readonly string[]): Uint8Array {
  let size = 4
  for (const part of parts) {
    if (!part.isWellFormed()) throw new RangeError("additional data must be well-formed Unicode")
    size += 4 + Buffer.byteLength(part, "utf8")
  }
  const bytes = Buffer.allocUnsafe(size)
  let offset = bytes.writeUInt32BE(parts.length, 0)
  for (const part of parts) {
    const written = bytes.write(part, offset + 4, "utf8")
    bytes.writeUInt32BE(written, offset)
    offset += 4 + written
  }
  return bytes
}
