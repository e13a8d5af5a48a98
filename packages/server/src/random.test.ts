import { expect, it } from "vitest"
import { systemRandom } from "./random.ts"

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
