import { isSlug } from "@coffer/contract"
import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { generateSlug } from "./domain.ts"

describe("slugs of projects", () => {
  it.for([
    { name: "Billing API", slug: /^billing-api-[a-z0-9]{4}$/ },
    { name: "frank-cluster", slug: /^frank-cluster-[a-z0-9]{4}$/ },
    { name: "Ünïcode & Co", slug: /^uenicode-and-co-[a-z0-9]{4}$/ },
    { name: "日本", slug: /^[a-z0-9-]+-[a-z0-9]{4}$/ },
    { name: "!!!", slug: /^project-[a-z0-9]{4}$/ },
  ])("'$name' gives one that is readable", ({ name, slug }) => {
    expect(generateSlug(name, Uint8Array.of(1, 2, 3, 250))).toMatch(slug)
  })

  it("are slugs of at most 64 characters, whatever the name", () => {
    fc.assert(
      fc.property(
        fc.string({ unit: "grapheme" }),
        fc.uint8Array({ minLength: 4, maxLength: 4 }),
        (name, bytes) => {
          const slug = generateSlug(name, bytes)
          return isSlug(slug) && slug.length <= 64
        },
      ),
    )
  })
})
