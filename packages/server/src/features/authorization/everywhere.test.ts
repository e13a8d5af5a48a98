import { describe, expect, it } from "vitest"
import { compilePolicy, isAllowed, isAllowedEverywhere, isUncovered, type Rule, simplify } from "./domain.ts"
import { policiesOfGrant } from "./grants.ts"

const read = (conditions?: Rule["conditions"]): Rule => ({
  subject: "secrets",
  action: "readValue",
  ...(conditions === undefined ? {} : { conditions }),
})
const deny = (conditions?: Rule["conditions"]): Rule => ({ ...read(conditions), inverted: true })
const prod = { environment: "prod" }

describe("an answer for every resource at once", () => {
  const everywhere = (...policies: readonly (readonly Rule[])[]) =>
    isAllowedEverywhere(policies.map(compilePolicy), "readValue", "secrets")

  it.for([
    { says: "no rule", policies: [[]], answer: false },
    { says: "an allow without conditions", policies: [[read()]], answer: true },
    { says: "an allow whose conditions are empty", policies: [[read({})]], answer: true },
    { says: "an allow with conditions", policies: [[read(prod)]], answer: undefined },
    { says: "nothing but a deny with conditions", policies: [[deny(prod)]], answer: false },
    { says: "a deny of everything", policies: [[read(), deny()]], answer: false },
    { says: "a deny of everything in another role", policies: [[read()], [deny()]], answer: false },
    { says: "a deny of something", policies: [[read(), deny(prod)]], answer: undefined },
    { says: "a deny of something in another role", policies: [[read()], [deny(prod)]], answer: undefined },
    { says: "an allow of everything in another role", policies: [[read(prod)], [read()]], answer: true },
    {
      says: "two roles that each allow something",
      policies: [[read(prod)], [read(prod)]],
      answer: undefined,
    },
    {
      says: "an allow of another action",
      policies: [[{ subject: "secrets", action: "edit" }]],
      answer: false,
    },
  ] as const)("$says: $answer", ({ policies, answer }) => {
    expect(everywhere(...(policies as readonly (readonly Rule[])[]))).toBe(answer)
  })
})

describe("a rule", () => {
  it("to read folders is that; to read secrets is two rights", () => {
    expect(simplify({ subject: "secret-folders", action: "read" })).toEqual([
      { subject: "secret-folders", action: "read" },
    ])
    expect(simplify({ subject: "secrets", action: ["read", "edit", "readValue"] })).toEqual([
      { subject: "secrets", action: "describeSecret" },
      { subject: "secrets", action: "readValue" },
      { subject: "secrets", action: "edit" },
    ])
  })

  it("of a custom role counts whatever the role is called", () => {
    const permissions = [read(prod)]
    const custom = { kind: "role", id: "r1", version: 1, permissions } as const
    const grant = { role: "admin", startsAt: null, endsAt: null, custom }
    const policies = policiesOfGrant(grant)
    expect(isAllowed(policies, "readValue", "secrets", { environment: "prod" })).toBe(true)
    expect(isAllowed(policies, "readValue", "secrets", { environment: "dev" })).toBe(false)
    // Made once, for all who hold it.
    expect(policiesOfGrant({ ...grant, role: "other" })).toBe(policies)
  })
})

describe("another name for an environment or a tag", () => {
  const uncovers = (rules: readonly Rule[], was: object, will: object) =>
    isUncovered([compilePolicy(rules)], "readValue", was, will)
  const environment = (name?: string) => ({ environment: name })
  const tags = (...names: string[]) => ({ secretTags: names })

  it.for([
    { says: "a deny of the old name", rules: [read(), deny(prod)], was: "prod", will: "live", is: true },
    {
      says: "a deny of both names",
      rules: [deny({ environment: { $in: ["prod", "live"] } })],
      was: "prod",
      will: "live",
      is: false,
    },
    { says: "a deny of the new name", rules: [read(), deny(prod)], was: "live", will: "prod", is: false },
    { says: "a deny of neither", rules: [read(), deny(prod)], was: "a", will: "b", is: false },
    { says: "an allow of the new name", rules: [read(prod)], was: "live", will: "prod", is: true },
    { says: "an allow of neither", rules: [read(prod)], was: "a", will: "b", is: false },
    { says: "an allow of the old name", rules: [read(prod)], was: "prod", will: "live", is: false },
    {
      says: "an allow of both",
      rules: [read({ environment: { $glob: "p*" } })],
      was: "prod",
      will: "pre",
      is: false,
    },
    {
      says: "an allow of the new name beside one of everything",
      rules: [read(), read(prod)],
      was: "live",
      will: "prod",
      is: false,
    },
    {
      says: "a deny of everything beside an allow of the new name",
      rules: [deny(), read(prod)],
      was: "live",
      will: "prod",
      is: true,
    },
    {
      says: "rules that look at something else",
      rules: [read({ secretPath: "/a" }), deny({ secretPath: "/b" })],
      was: "prod",
      will: "live",
      is: false,
    },
    {
      says: "a rule of another action",
      rules: [{ ...read(prod), action: "edit" }],
      was: "live",
      will: "prod",
      is: false,
    },
  ] as const)("$says: $is", ({ rules, was, will, is }) => {
    expect(uncovers(rules as readonly Rule[], environment(was), environment(will))).toBe(is)
  })

  it("counts for tags as for environments", () => {
    const hot = [read(), deny({ secretTags: { $in: ["hot"] } })]
    expect(uncovers(hot, tags("hot"), tags("cold"))).toBe(true)
    expect(uncovers(hot, tags("hot"), tags())).toBe(true)
    expect(uncovers(hot, tags("cold"), tags("hot"))).toBe(false)
    expect(uncovers([read({ secretTags: { $in: ["hot"] } })], tags("cold"), tags("hot"))).toBe(true)
    // A rule on environments says nothing of tags.
    expect(uncovers([read(), deny(prod)], tags("hot"), tags("cold"))).toBe(false)
  })
})
