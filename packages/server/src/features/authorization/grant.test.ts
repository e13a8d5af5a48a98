import { describe, expectTypeOf, it } from "vitest"
import type { revealValue } from "../secrets/sealing.ts"
import type { Grant } from "./service.ts"

describe("a grant", () => {
  it("cannot be written by hand, and one for another action does not open a value", () => {
    type First = Parameters<typeof revealValue>[0]
    expectTypeOf<Grant<"readValue">>().toExtend<First>()
    expectTypeOf<{ projectId: string }>().not.toExtend<First>()
    expectTypeOf<Grant<"describeSecret">>().not.toExtend<First>()
    expectTypeOf<undefined>().not.toExtend<First>()
  })
})
