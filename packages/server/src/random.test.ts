import { expect, it } from "vitest"
import { newToken, systemRandom } from "./random.ts"

it.for([1, 11, 12, 13, 32, 5_000])("%i bytes are as many as were asked for, and others each time", (size) => {
  const drawn = Array.from({ length: 1_000 }, () => systemRandom.bytes(size))
  expect(new Set(drawn.map((bytes) => bytes.length))).toEqual(new Set([size]))
  if (size < 11) return
  expect(new Set(drawn.map((bytes) => Buffer.from(bytes).toString("hex"))).size).toBe(1_000)
})

it("nonces share no memory with each other: one that is changed or kept tells nothing of the next", () => {
  const [first, second] = [systemRandom.bytes(12), systemRandom.bytes(12)]
  expect(first.buffer).not.toBe(second.buffer)
  expect(first.buffer.byteLength).toBe(12)
})

it("a token is never taken for an option of a command, whatever bytes it is made of", () => {
  const random = { ...systemRandom, bytes: (size: number) => new Uint8Array(size).fill(0xfb) }
  expect(newToken(random, 32)).toBe("fb".repeat(32))
  expect(newToken(systemRandom, 24)).toMatch(/^[0-9a-f]{48}$/)
})
