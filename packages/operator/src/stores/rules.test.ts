import { describe, expect, it } from "vitest"
import { aStore } from "../testing/builders.ts"
import { isNamespaceAllowed, isOurClass, validationIntervalMs } from "./rules.ts"

const apps = { name: "apps", labels: { team: "blue" } }

describe("which namespaces may use a cluster-wide store", () => {
  it.for([
    [undefined, true],
    [[], true],
    [[{ namespaces: ["apps"] }], true],
    [[{ namespaces: ["other"] }], false],
    [[{ namespaces: ["other"] }, { namespaces: ["apps"] }], true],
    [[{ namespaceRegexes: ["pp"] }], true],
    [[{ namespaceRegexes: ["^pp"] }], false],
    [[{ namespaceSelector: { matchLabels: { team: "blue" } } }], true],
    [[{ namespaceSelector: { matchLabels: { team: "red" } } }], false],
    [[{ namespaceSelector: {} }], true],
    [
      [
        {
          namespaceSelector: { matchExpressions: [{ key: "team", operator: "In", values: ["blue", "red"] }] },
        },
      ],
      true,
    ],
    [
      [{ namespaceSelector: { matchExpressions: [{ key: "team", operator: "NotIn", values: ["blue"] }] } }],
      false,
    ],
    [[{ namespaceSelector: { matchExpressions: [{ key: "team", operator: "Exists" }] } }], true],
    [[{ namespaceSelector: { matchExpressions: [{ key: "gone", operator: "DoesNotExist" }] } }], true],
    [[{ namespaceSelector: { matchLabels: { team: "red" } }, namespaces: ["apps"] }], true],
  ] as const)("%j: %s", ([conditions, allowed]) => {
    expect(isNamespaceAllowed(conditions, apps)).toBe(allowed)
  })
})

it.for([
  [[{ namespaceSelector: {} }], false],
  [[{ namespaceSelector: { matchExpressions: [{ key: "gone", operator: "DoesNotExist" }] } }], false],
  [[{ namespaces: ["apps"] }], true],
  [undefined, true],
] as const)("a namespace that was not seen yet is let in by name only: %j: %s", ([conditions, allowed]) => {
  expect(isNamespaceAllowed(conditions, { name: "apps", labels: undefined })).toBe(allowed)
})

describe("stores", () => {
  it("without a class are everybody's", () => {
    expect(isOurClass(aStore(), "default")).toBe(true)
    expect(isOurClass(aStore({ controller: "default" }), "default")).toBe(true)
    expect(isOurClass(aStore({ controller: "other" }), "default")).toBe(false)
  })

  it.for([
    [undefined, 300_000],
    [0, 300_000],
    ["0", 300_000],
    [90, 90_000],
    ["2m", 120_000],
  ] as const)("refreshInterval %j is %d ms", ([refreshInterval, ms]) => {
    expect(validationIntervalMs(refreshInterval, 300_000)).toBe(ms)
  })

  it.for(["90", "1d", -1, "-5s"])("refreshInterval %j is refused", (refreshInterval) => {
    expect(() => validationIntervalMs(refreshInterval, 300_000)).toThrow("invalid refreshInterval")
  })
})
