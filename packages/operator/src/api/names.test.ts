import { describe, expect, it } from "vitest"
import { createdByHash, fieldManagerOf, syncedResourceVersionOf } from "./names.ts"

describe("names left in the cluster", () => {
  it.for([
    ["argocd-notifications-secret", "externalsecrets.external-secrets.io/argocd-notifications-secret"],
    [
      "externalsecret-with-a-long-name-28",
      "externalsecrets.external-secrets.io/sha3/163899efc7ce2c29104dcfb1e641baf599d3899dd3d04ce3f30a82b9",
    ],
  ] as const)("the field manager of %s is %s", ([name, manager]) => {
    expect(fieldManagerOf(name)).toBe(manager)
  })

  it("the owner hash is that of namespace and name", () => {
    expect(createdByHash("gitea", "gitea-secrets")).toBe(
      "9f5b4aa9de5ce2812532821834854bc46bc0202d116353db5211482d",
    )
  })

  it.for([
    [{ generation: 1 }, "1-f47fe3c0b255b6dd8047cdffa772587bb829efe7a1cb70febeda2eb2"],
    [
      { generation: 2, annotations: { "force-sync": "1723190000" }, labels: { app: "x" } },
      "2-d38c12deecca3fab610448e8c3e637501608bee8b15a3dd7f548cf00",
    ],
  ] as const)("%j was synced as %s", ([metadata, version]) => {
    expect(syncedResourceVersionOf(metadata)).toBe(version)
  })
})
