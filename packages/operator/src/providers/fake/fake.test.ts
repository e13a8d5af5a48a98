import { describe, expect, it } from "vitest"
import { NoSecretError } from "../provider.ts"
import { fakeProvider } from "./index.ts"

const context = { signal: new AbortController().signal, notOlderThanMs: 0 }
const open = (settings: unknown) =>
  fakeProvider.open({ kind: "SecretStore", name: "fake", namespace: "apps", settings }, context)
const text = (value: Uint8Array) => Buffer.from(value).toString()
const data = [
  { key: "plain", value: "v1" },
  { key: "plain", value: "v2", version: "2" },
  { key: "json", value: '{"a":12.50,"b":{"c":"d"}}' },
]

describe("the fake provider", () => {
  it("answers by key and version", async () => {
    const store = await open({ data })
    expect(text(await store.getSecret({ key: "plain" }, context))).toBe("v1")
    expect(text(await store.getSecret({ key: "plain", version: "2" }, context))).toBe("v2")
    await expect(store.getSecret({ key: "plain", version: "3" }, context)).rejects.toThrow(NoSecretError)
  })

  it("a property that isn't there is a secret that isn't there", async () => {
    const store = await open({ data })
    expect(text(await store.getSecret({ key: "json", property: "a" }, context))).toBe("12.5")
    await expect(store.getSecret({ key: "json", property: "z" }, context)).rejects.toThrow(NoSecretError)
  })

  it("finds by name, newest version, and splits objects", async () => {
    const store = await open({ data })
    const found = await store.findSecrets({ name: { regexp: "^p" } }, context)
    expect([...found].map(([key, value]) => [key, text(value)])).toEqual([["plain", "v2"]])
    const members = await store.getSecretMap({ key: "json" }, context)
    expect([...members].map(([key, value]) => [key, text(value)])).toEqual([
      ["a", "12.50"],
      ["b", '{"c":"d"}'],
    ])
    await expect(store.findSecrets({ path: "x" }, context)).rejects.toThrow("unsupported find operator")
  })

  it.for([
    [undefined, "ready"],
    [0, "ready"],
    [1, "unknown"],
    [2, "failed"],
  ] as const)("validationResult %s means %s", async ([validationResult, kind]) => {
    const store = await open({ data, ...(validationResult === undefined ? {} : { validationResult }) })
    expect((await store.validate(context)).kind).toBe(kind)
  })
})
