import { ApiError } from "@coffer/client"
import { describe, expect, it } from "vitest"
import { askForCode } from "./code-input.ts"
import type { CommandContext } from "./context.ts"
import { SecretText } from "./secret-text.ts"

/** A person who types these codes, one after the other, before a server that takes "right" alone. */
function aPerson(codes: readonly string[], refusal: Error) {
  const shown: string[] = []
  const notes: string[] = []
  const context = { terminal: { note: (text: string) => void notes.push(text) } } as unknown as CommandContext
  const ask = async () => new SecretText(codes[shown.length] ?? "")
  const show = async (code: SecretText) => {
    shown.push(code.reveal())
    if (code.reveal() !== "right") throw refusal
    return "accepted"
  }
  return { asking: askForCode(context, ask, show), shown, notes }
}

const refused = new ApiError("the code is wrong", { kind: "forbidden", code: "Forbidden" })

describe("a person who is asked for a code", () => {
  it("may mistype twice, and is told so", async () => {
    const { asking, shown, notes } = aPerson(["wrong", "rihgt", "right"], refused)
    expect(await asking).toBe("accepted")
    expect(shown).toEqual(["wrong", "rihgt", "right"])
    expect(notes).toEqual(["the code is wrong", "the code is wrong"])
  })

  it("is not asked a fourth time", async () => {
    const { asking, shown } = aPerson(["wrong", "wrong", "wrong", "right"], refused)
    await expect(asking).rejects.toBe(refused)
    expect(shown).toHaveLength(3)
  })

  it("is not asked again when it is not the code that is wrong", async () => {
    const away = new ApiError("the server is away", { kind: "unavailable", code: "Unavailable" })
    const { asking, shown } = aPerson(["wrong", "right"], away)
    await expect(asking).rejects.toBe(away)
    expect(shown).toHaveLength(1)
  })
})
