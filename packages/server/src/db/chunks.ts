const chunkSize = 500

/** Rows for one statement each: statements take a limited number of parameters. */
export function chunksOf<T>(all: readonly T[]): T[][] {
  const chunks: T[][] = []
  for (let from = 0; from < all.length; from += chunkSize) chunks.push(all.slice(from, from + chunkSize))
  return chunks
}
