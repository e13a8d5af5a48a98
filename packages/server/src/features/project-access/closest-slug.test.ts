import { describe, expect, it } from "vitest"
import { closestSlug } from "./closest-slug.ts"

const candidates = [
  { slug: "frank-cluster-iwpg", name: "frank-cluster" },
  { slug: "billing-api-k3x9", name: "Billing API" },
  { slug: "team-aaaa", name: "team" },
  { slug: "team-bbbb", name: "team" },
]

describe("the slug that was probably meant", () => {
  it.for([
    { wanted: "frank-cluster", slug: "frank-cluster-iwpg" },
    { wanted: "Billing API", slug: "billing-api-k3x9" },
    { wanted: "biling-api-k3x9", slug: "billing-api-k3x9" },
    { wanted: "FRANK-CLUSTER-IWPG", slug: "frank-cluster-iwpg" },
    { wanted: "billing", slug: "billing-api-k3x9" },
    { wanted: "bill", slug: undefined },
    { wanted: "team", slug: undefined },
    { wanted: "something-else", slug: undefined },
    { wanted: "x", slug: undefined },
    { wanted: "", slug: undefined },
  ])("of '$wanted' is $slug", ({ wanted, slug }) => {
    expect(closestSlug(wanted, candidates)).toBe(slug)
  })
})
