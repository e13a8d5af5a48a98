import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { parseTemplate, type Reference } from "./reference-syntax.ts"
import { aReferenceBudget, expandReferences, type Referrer } from "./references.ts"

/** Expands `value`, whose secret is called SELF, among secrets of one folder. */
function expand(value: string, values: Readonly<Record<string, string>>): Promise<string> {
  const all = new Map(Object.entries({ ...values, SELF: value }))
  const secretOf = (key: string): Referrer<undefined> | undefined => {
    const found = all.get(key)
    return found === undefined ? undefined : { id: key, key, value: found, at: undefined }
  }
  const origin = { id: "SELF", key: "SELF", value, at: undefined }
  const lookUp = (reference: Reference) => secretOf([...reference.names, reference.key].join("/"))
  return expandReferences(origin, { lookUp, budget: aReferenceBudget() })
}

describe("the grammar of references", () => {
  const reference = (key: string, ...names: string[]) => ({ project: undefined, names, key })

  it.for<{ text: string; parts: ReturnType<typeof parseTemplate> }>([
    { text: "${KEY}", parts: [reference("KEY")] },
    { text: "a${KEY}b", parts: ["a", reference("KEY"), "b"] },
    { text: "${dev.a.b.KEY}", parts: [reference("KEY", "dev", "a", "b")] },
    { text: "${My\\.Key}", parts: [reference("My.Key")] },
    { text: "${dev.a.My\\.Key}", parts: [reference("My.Key", "dev", "a")] },
    { text: "${slug-1::prod.a.KEY}", parts: [{ project: "slug-1", names: ["prod", "a"], key: "KEY" }] },
    { text: "${slug::KEY}", parts: ["${slug::KEY}"] },
    { text: "${slug:prod.KEY}", parts: ["${slug:prod.KEY}"] },
    { text: "${a::b::prod.KEY}", parts: ["${a::b::prod.KEY}"] },
    { text: "${::prod.KEY}", parts: ["${::prod.KEY}"] },
    { text: "$KEY ${ KEY } ${} ${KEY", parts: ["$KEY ${ KEY } ${} ${KEY"] },
    { text: "${.KEY} ${dev..KEY} ${KEY.}", parts: ["${.KEY} ${dev..KEY} ${KEY.}"] },
    { text: "${a\\b}", parts: ["${a\\b}"] },
    { text: "$${KEY}", parts: ["$", reference("KEY")] },
    { text: "${${KEY}}", parts: ["${", reference("KEY"), "}"] },
    { text: "", parts: [""] },
  ])("$text", ({ text, parts }) => {
    expect(parseTemplate(text)).toEqual(parts)
  })
})

describe("references", () => {
  it.for([
    { text: "${KEY}", becomes: "here" },
    { text: "${dev.KEY}", becomes: "there" },
    { text: "x-${NOPE}-y", becomes: "x--y" },
    { text: "${KEY}${KEY}", becomes: "herehere" },
    { text: "p-${SELF}-s", becomes: "p--s" },
    { text: "${LOOP}", becomes: "-" },
    { text: "no reference", becomes: "no reference" },
    { text: "${__proto__} ${constructor}", becomes: " " },
  ])("$text becomes $becomes", async ({ text, becomes }) => {
    const values = { KEY: "here", "dev/KEY": "there", LOOP: "-${LOOP}${SELF}" }
    expect(await expand(text, values)).toBe(becomes)
  })

  it("end at ten levels", async () => {
    const chain = Object.fromEntries(
      Array.from({ length: 20 }, (_, index) => [`K${index}`, `${index}\${K${index + 1}}`]),
    )
    expect(await expand("${K0}", chain)).toBe("0123456789")
  })

  it("a few short values that would expand without end are refused", async () => {
    const many = (name: string) => `\${${name}}`.repeat(100)
    const levels = Object.fromEntries(
      Array.from({ length: 9 }, (_, index) => [`L${index}`, many(`L${index + 1}`)]),
    )
    const refusal = "The references of secret 'SELF' expand to too much text"
    await expect(expand("${L0}", levels)).rejects.toThrow(refusal)
    await expect(expand("${L0}", { ...levels, L2: "x".repeat(100_000) })).rejects.toThrow(refusal)
  })

  it("a request that expands many long values ends at its budget", async () => {
    const long = { id: "LONG", key: "LONG", value: "x".repeat(1_000_000), at: undefined }
    const expansion = { lookUp: () => long, budget: aReferenceBudget() }
    const origin = { id: "A", key: "A", value: "${LONG}", at: undefined }
    let made = 0
    const makeAll = async () => {
      for (; made < 1_000; made += 1) await expandReferences(origin, expansion)
    }
    await expect(makeAll()).rejects.toThrow("expand to too much text")
    expect(made).toBeLessThan(40)
  })

  it("always end, whatever refers to whatever, and equal a naive model", async () => {
    const keys = ["A", "B", "C", "D"] as const
    const part = fc.constantFrom("${A}", "${B}", "${C}", "${D}", "${E}", "x", "-")
    const value = fc.array(part, { maxLength: 4 }).map((parts) => parts.join(""))
    const graph = fc.record({ A: value, B: value, C: value, D: value })
    await fc.assert(
      fc.asyncProperty(graph, fc.constantFrom(...keys), async (values, start) => {
        const model = (key: string, above: readonly string[]): string =>
          (values as Readonly<Record<string, string>>)[key]?.replaceAll(/\$\{(\w)\}/g, (_, next: string) =>
            above.includes(next) || above.length > 10 ? "" : model(next, [...above, next]),
          ) ?? ""
        expect(await expand(`\${${start}}`, values)).toBe(model(start, ["SELF", start]))
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
