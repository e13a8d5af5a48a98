import type { Random } from "../random.ts"

const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
const length = 14
const poolSize = length * 256

/** Makes request ids: `req-` and 14 alphanumerics (contract 0.2). They name requests, they protect nothing. */
export function createRequestIds(random: Random): () => string {
  let pool = random.bytes(poolSize)
  let next = 0
  return () => {
    if (next + length > pool.length) {
      pool = random.bytes(poolSize)
      next = 0
    }
    let id = "req-"
    for (const end = next + length; next < end; next += 1) id += alphabet[(pool[next] ?? 0) % alphabet.length]
    return id
  }
}
