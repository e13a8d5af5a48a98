import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { DEFAULT_RETRY_POLICY, nextDelayMs, parseRetryAfter } from "./retry.ts"

const policy = DEFAULT_RETRY_POLICY

describe("retrying", () => {
  it.for([400, 401, 403, 404, 422, 500, 501])("an answer of %i is final", (status) => {
    expect(nextDelayMs(policy, { kind: "answer", status }, 0, 0)).toBeUndefined()
  })

  it.for([429, 502, 503, 504])("an answer of %i is tried again", (status) => {
    expect(nextDelayMs(policy, { kind: "answer", status }, 0, 0)).toBeGreaterThan(0)
  })

  it("Retry-After is obeyed to the second", () => {
    expect(nextDelayMs(policy, { kind: "answer", status: 429, retryAfterSeconds: 7 }, 0, 0.9)).toBe(7000)
  })

  it("a Retry-After beyond the longest wait ends the call instead of hanging it", () => {
    expect(
      nextDelayMs(policy, { kind: "answer", status: 429, retryAfterSeconds: 3600 }, 0, 0),
    ).toBeUndefined()
  })

  it("the number of retries is bounded and every wait stays under the ceiling", () => {
    fc.assert(
      fc.property(fc.nat(20), fc.double({ min: 0, max: 0.999, noNaN: true }), (retriesDone, random) => {
        const delayMs = nextDelayMs(policy, { kind: "no-answer" }, retriesDone, random)
        if (retriesDone >= policy.maxRetries) expect(delayMs).toBeUndefined()
        else expect(delayMs).toBeLessThanOrEqual(policy.maxDelayMs)
      }),
    )
  })

  it.for([
    ["3", 3],
    ["0", 0],
    ["Wed, 21 Oct 2026 07:28:00 GMT", undefined],
    ["-1", undefined],
    ["1.5", undefined],
    [null, undefined],
  ] as const)("the header %s means %s seconds", ([header, seconds]) => {
    expect(parseRetryAfter(header)).toBe(seconds)
  })
})
