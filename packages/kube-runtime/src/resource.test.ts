import { describe, expect, it } from "vitest"
import { LEASES, NAMESPACES, SECRETS } from "./core-resources.ts"
import { apiVersionOf, defineResource, keyText, parseKeyText, resourcePath } from "./resource.ts"

describe("the path of a resource", () => {
  it.for([
    { resource: SECRETS, target: {}, path: "/api/v1/secrets" },
    { resource: SECRETS, target: { namespace: "a" }, path: "/api/v1/namespaces/a/secrets" },
    { resource: SECRETS, target: { namespace: "a", name: "b" }, path: "/api/v1/namespaces/a/secrets/b" },
    { resource: NAMESPACES, target: { name: "a" }, path: "/api/v1/namespaces/a" },
    { resource: NAMESPACES, target: { namespace: "ignored", name: "a" }, path: "/api/v1/namespaces/a" },
    {
      resource: LEASES,
      target: { namespace: "a", name: "b", subresource: "status" },
      path: "/apis/coordination.k8s.io/v1/namespaces/a/leases/b/status",
    },
    {
      resource: SECRETS,
      target: { namespace: "a", name: "../b?c" },
      path: "/api/v1/namespaces/a/secrets/..%2Fb%3Fc",
    },
  ])("is $path", ({ resource, target, path }) => {
    expect(resourcePath(resource, target)).toBe(path)
  })

  it("needs a namespace and a name where one object is meant", () => {
    expect(() => resourcePath(SECRETS, { name: "a" })).toThrow('Secret "a" needs a namespace')
    expect(() => resourcePath(SECRETS, { namespace: "", name: "a" })).toThrow("needs a namespace")
    expect(() => resourcePath(NAMESPACES, { name: "" })).toThrow("Namespace needs a name")
  })
})

describe("a key", () => {
  it.for([
    { key: { namespace: "a", name: "b" }, text: "a/b" },
    { key: { namespace: "", name: "b" }, text: "b" },
  ])("is written as $text and read back", ({ key, text }) => {
    expect(keyText(key)).toBe(text)
    expect(parseKeyText(text)).toEqual(key)
  })
})

it("the API version of a kind has its group, if it has one", () => {
  const widgets = { group: "example.com", version: "v1", plural: "widgets", kind: "Widget", namespaced: true }
  expect([apiVersionOf(SECRETS), apiVersionOf(defineResource(widgets))]).toEqual(["v1", "example.com/v1"])
})
