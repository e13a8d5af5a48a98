import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { aReferenceBudget, expandReferences, type SecretAddress } from "./references.ts"

/** Values by `environment:/path/KEY`. */
function expand(value: string, values: Readonly<Record<string, string>>): Promise<string> {
  const at = { environment: "prod", path: "/app", key: "SELF" }
  const nameOf = (one: SecretAddress) => `${one.environment}:${one.path === "/" ? "" : one.path}/${one.key}`
  const lookUp = (address: SecretAddress) =>
    nameOf(address) === "prod:/app/SELF" ? value : values[nameOf(address)]
  return expandReferences(value, at, { lookUp, budget: aReferenceBudget() })
}

describe("references", () => {
  const values = {
    "prod:/app/KEY": "here",
    "prod:/KEY": "root",
    "dev:/a/b/KEY": "deep",
    "prod:/app/My.Key": "dotted",
    "dev:/a/RELATIVE": "${SIBLING}",
    "dev:/a/SIBLING": "beside",
    "prod:/app/SIBLING": "not this one",
  }

  it.for([
    { text: "${KEY}", becomes: "here" },
    { text: "${prod.KEY}", becomes: "root" },
    { text: "${dev.a.b.KEY}", becomes: "deep" },
    { text: "${My\\.Key}", becomes: "dotted" },
    { text: "x-${NOPE}-y", becomes: "x--y" },
    { text: "${KEY}${KEY}", becomes: "herehere" },
    { text: "${dev.a.RELATIVE}", becomes: "beside" },
    { text: "${slug::prod.KEY}", becomes: "${slug::prod.KEY}" },
    { text: "${slug:prod.KEY}", becomes: "${slug:prod.KEY}" },
    { text: "$KEY ${ KEY } ${} ${KEY", becomes: "$KEY ${ KEY } ${} ${KEY" },
    { text: "${.KEY} ${dev..KEY}", becomes: "${.KEY} ${dev..KEY}" },
    { text: "p-${SELF}-s", becomes: "p--s" },
    { text: "no reference", becomes: "no reference" },
  ])("$text becomes $becomes", async ({ text, becomes }) => {
    expect(await expand(text, values)).toBe(becomes)
  })

  it("ends at ten levels", async () => {
    const chain = Object.fromEntries(
      Array.from({ length: 20 }, (_, index) => [`prod:/app/K${index}`, `${index}\${K${index + 1}}`]),
    )
    expect(await expand("${K0}", chain)).toBe("0123456789")
  })

  it("a few short values that would expand without end are refused", async () => {
    const many = (name: string) => `\${${name}}`.repeat(100)
    const levels = Object.fromEntries(
      Array.from({ length: 9 }, (_, index) => [`prod:/app/L${index}`, many(`L${index + 1}`)]),
    )
    await expect(expand("${L0}", levels)).rejects.toThrow(
      "The references of secret 'SELF' expand to too much text",
    )
    const long = { ...levels, "prod:/app/L2": "x".repeat(100_000) }
    await expect(expand("${L0}", long)).rejects.toThrow("too much text")
  })

  it("always ends, whatever refers to whatever, and leaves plain text alone", async () => {
    const part = fc.constantFrom("${A}", "${B}", "${C}", "x")
    const value = fc.array(part, { maxLength: 4 }).map((parts) => parts.join(""))
    await fc.assert(
      fc.asyncProperty(value, value, value, async (a, b, c) => {
        const all = { "prod:/app/A": a, "prod:/app/B": b, "prod:/app/C": c }
        expect(await expand("${A}", all)).toMatch(/^x*$/)
      }),
    )
    await fc.assert(
      fc.asyncProperty(fc.string(), async (text) => {
        fc.pre(!text.includes("${"))
        expect(await expand(text, {})).toBe(text)
      }),
    )
  })
})
