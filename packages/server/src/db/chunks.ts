const maxRows = 500

/** Rows for one statement each: statements take a limited number of parameters. */
export function chunksOf<T>(all: readonly T[], size = maxRows): T[][] {
  const chunks: T[][] = []
  for (let from = 0; from < all.length; from += size) chunks.push(all.slice(from, from + size))
  return chunks
}
