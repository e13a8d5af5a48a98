/**
 * Splits a byte stream into the JSON documents of its lines. A document may span many chunks; its bytes are joined
 * once. Throws RangeError when a single line outgrows the bound, SyntaxError for a line that is not JSON.
 */
export async function* readJsonLines(
  chunks: AsyncIterable<Uint8Array>,
  maxLineBytes: number,
): AsyncGenerator<unknown> {
  let parts: Uint8Array[] = []
  let size = 0
  for await (const chunk of chunks) {
    let start = 0
    for (let end = chunk.indexOf(NEWLINE); end >= 0; end = chunk.indexOf(NEWLINE, start)) {
      parts.push(chunk.subarray(start, end))
      start = end + 1
      const line = decode(parts)
      parts = []
      size = 0
      if (line.trim() !== "") yield parse(line)
    }
    if (start === chunk.length) continue
    const rest = chunk.subarray(start)
    parts.push(rest)
    size += rest.length
    if (size > maxLineBytes) throw new RangeError(`a line is longer than ${maxLineBytes} bytes`)
  }
}

const NEWLINE = 0x0a

function decode(parts: readonly Uint8Array[]): string {
  return parts.length === 1 && parts[0]
    ? Buffer.from(parts[0].buffer, parts[0].byteOffset, parts[0].byteLength).toString("utf8")
    : Buffer.concat(parts).toString("utf8")
}

/** Our own error: the parser's would quote the line. */
function parse(line: string): unknown {
  try {
    return JSON.parse(line)
  } catch {
    throw new SyntaxError("a line is not JSON")
  }
}
