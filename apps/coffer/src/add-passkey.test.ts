import { describe, expect, it } from "vitest"
import { requireShown } from "./add-passkey.ts"
import type { CommandContext } from "./context.ts"

/** A person who types these answers, one after the other. */
function aPerson(answers: readonly string[]) {
  const notes: string[] = []
  let asked = 0
  const terminal = {
    ask: async () => answers[asked++] ?? "",
    note: (text: string) => void notes.push(text),
    readInput: async () => `${answers[asked++] ?? ""}\n`,
  }
  return { context: { terminal } as unknown as CommandContext, notes, asked: () => asked }
}

const check = "ab12-cd34"

describe("a person who types what the page shows of a new passkey", () => {
  it.for(["ab12-cd34", "AB12-CD34", "ab12cd34", " ab12 cd34 "])("may write it as '%s'", async (typed) => {
    const { context, notes } = aPerson([typed])
    await requireShown(context, {}, check)
    expect(notes).toEqual([])
  })

  it("may mistype twice, and is told so", async () => {
    const { context, notes, asked } = aPerson(["", "ab12-cd35", "ab12-cd34"])
    await requireShown(context, {}, check)
    expect(notes).toHaveLength(2)
    expect(asked()).toBe(3)
  })

  it("adds nothing otherwise, is not asked a fourth time, and is never told what would have been right", async () => {
    const { context, notes, asked } = aPerson(["1", "ab12-cd3", "ab12-cd344", check])
    const shown = requireShown(context, {}, check)
    await expect(shown).rejects.toMatchObject({
      kind: "forbidden",
      message: expect.stringContaining("nothing was added"),
    })
    expect(asked()).toBe(3)
    expect(notes.join()).not.toContain("ab12")
  })

  it("may send it, once", async () => {
    await requireShown(aPerson([check]).context, { codeFile: "-" }, check)
    const wrong = aPerson(["ab12-cd35", check])
    await expect(requireShown(wrong.context, { codeFile: "-" }, check)).rejects.toMatchObject({
      kind: "forbidden",
    })
    expect(wrong.asked()).toBe(1)
  })
})
