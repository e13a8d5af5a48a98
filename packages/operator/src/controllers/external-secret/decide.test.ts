import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { fieldManagerOf } from "../../api/names.ts"
import type { SecretStore } from "../../api/resources.ts"
import type { SecretData } from "../../data/keys.ts"
import { anExternalSecret, aSecret, aStore, aSyncedExternalSecret, NOW_MS } from "../../testing/builders.ts"
import { decideVisit, decideWrite, deletesWith, isForeign, type World } from "./decide.ts"
import { composeSecret, dataHashOf } from "./target.ts"

const data = (object: Record<string, string>): SecretData =>
  new Map(Object.entries(object).map(([key, value]) => [key, new Uint8Array(Buffer.from(value))]))
const base64 = (text: string) => Buffer.from(text).toString("base64")
const ownerOf = (kind: string, name: string, apiVersion = "external-secrets.io/v1") => ({
  ownerReferences: [{ apiVersion, kind, name, uid: "u", controller: true }],
})
const aWorld = (changes: Partial<World> = {}): World => ({
  externalSecret: anExternalSecret(),
  stores: [aStore({}, "True")],
  isTargetIntact: undefined,
  nowMs: NOW_MS,
  seenMs: undefined,
  dueMs: undefined,
  floodGate: true,
  ...changes,
})

describe("what a visit does", () => {
  it.for([
    ["a new object is fetched", aWorld(), "fetch"],
    [
      "an intact one that is not due is skipped",
      aWorld({ externalSecret: aSyncedExternalSecret(60), isTargetIntact: true }),
      "skip",
    ],
    [
      "drift is repaired",
      aWorld({ externalSecret: aSyncedExternalSecret(60), isTargetIntact: false }),
      "fetch",
    ],
    ["a store that was not validated yet is waited for", aWorld({ stores: [aStore()] }), "wait-for-store"],
    ["but not for ever", aWorld({ stores: [aStore()], seenMs: NOW_MS - 10_000 }), "fetch"],
    ["unless the gate is open", aWorld({ stores: [aStore()], floodGate: false }), "fetch"],
    ["a store that failed makes it fail while fetching", aWorld({ stores: [aStore({}, "False")] }), "fetch"],
    ["a bad duration fails", aWorld({ externalSecret: anExternalSecret({ refreshInterval: "1d" }) }), "fail"],
    ["a template fails", aWorld({ externalSecret: anExternalSecret({ target: { template: {} } }) }), "fail"],
    [
      "a manifest fails",
      aWorld({
        externalSecret: anExternalSecret({ target: { manifest: { apiVersion: "v1", kind: "ConfigMap" } } }),
      }),
      "fail",
    ],
    [
      "a generator of a single key, which no operator knows, fails",
      aWorld({
        externalSecret: anExternalSecret({
          data: [
            {
              secretKey: "a",
              remoteRef: { key: "a" },
              sourceRef: { generatorRef: { kind: "UUID", name: "x" } },
            },
          ],
        }),
      }),
      "fail",
    ],
    [
      "a transform fails",
      aWorld({
        externalSecret: anExternalSecret({
          dataFrom: [{ find: {}, rewrite: [{ transform: { template: "x" } }] }],
        }),
      }),
      "fail",
    ],
    [
      "a template that is synced and not due is left alone",
      aWorld({
        externalSecret: aSyncedExternalSecret(60, { target: { template: {} } }),
        isTargetIntact: true,
      }),
      "skip",
    ],
  ] as const)("%s", ([, world, kind]) => {
    expect(decideVisit(world).kind).toBe(kind)
  })

  it("other classes and providers that are not shipped are foreign", () => {
    const service = { controllerClass: "default", shippedProviders: new Set(["fake"]) }
    const refsTo = (stores: readonly SecretStore[]) => ({ stores, missing: [], hasUnservedKind: false })
    expect(isForeign(refsTo([aStore()]), service)).toBe(false)
    expect(isForeign({ ...refsTo([]), missing: [{ name: "late" }] }, service)).toBe(false)
    expect(isForeign(refsTo([aStore({ controller: "other" })]), service)).toBe(true)
    expect(isForeign(refsTo([aStore(), aStore({ provider: { vault: {} } })]), service)).toBe(true)
    expect(isForeign({ ...refsTo([aStore()]), hasUnservedKind: true }, service)).toBe(true)
  })
})

describe("what is written", () => {
  it.for([
    ["Owner", undefined, { k: "v" }, "create"],
    ["Orphan", undefined, { k: "v" }, "create"],
    ["CreateOrMerge", undefined, { k: "v" }, "create"],
    ["Merge", undefined, { k: "v" }, "nothing"],
    ["None", undefined, { k: "v" }, "nothing"],
    ["None", { k: "old" }, { k: "v" }, "nothing"],
    ["Owner", { k: "old" }, { k: "v" }, "update"],
    ["Merge", { k: "old" }, { k: "v" }, "update"],
    ["Owner", { k: "old" }, {}, "nothing"],
    ["Merge", { k: "old" }, {}, "nothing"],
  ] as const)("%s on %j with %j: %s", ([creationPolicy, existing, fetched, kind]) => {
    const externalSecret = anExternalSecret({ target: { creationPolicy } })
    const present = existing && aSecret(existing)
    expect(decideWrite(externalSecret, present, data(fetched)).kind).toBe(kind)
  })

  it("writing twice writes once", () => {
    const text = fc.string({ maxLength: 5 })
    const map = fc.dictionary(fc.stringMatching(/^[a-z]{1,3}$/), text, { minKeys: 1 })
    const policy = fc.constantFrom("Owner", "Orphan", "Merge", "CreateOrMerge")
    fc.assert(
      fc.property(map, map, policy, (before, fetched, creationPolicy) => {
        const externalSecret = anExternalSecret({ target: { creationPolicy } })
        const written = composeSecret(aSecret(before), externalSecret, data(fetched))
        expect(decideWrite(externalSecret, written, data(fetched)).kind).toBe("nothing")
      }),
    )
  })

  it("every policy but the merging ones replaces the whole data, and the hash is that of the result", () => {
    const managedFields = [
      {
        manager: fieldManagerOf("web"),
        operation: "Update",
        fieldsV1: { "f:data": { ".": {}, "f:mine": {} } },
      },
    ]
    const present = aSecret({ mine: "old", theirs: "kept" }, { managedFields })
    for (const [creationPolicy, expected] of [
      ["Owner", { new: base64("v") }],
      ["Orphan", { new: base64("v") }],
      ["Merge", { theirs: base64("kept"), new: base64("v") }],
      ["CreateOrMerge", { theirs: base64("kept"), new: base64("v") }],
    ] as const) {
      const written = composeSecret(
        present,
        anExternalSecret({ target: { creationPolicy } }),
        data({ new: "v" }),
      )
      expect(written.data).toEqual(expected)
      expect(written.metadata.annotations).toEqual({
        "reconcile.external-secrets.io/data-hash": dataHashOf(expected),
      })
      expect(written.metadata.managedFields).toBeUndefined()
    }
  })

  it("only Owner owns, and giving that up takes the reference and the label away", () => {
    const owned = composeSecret(undefined, anExternalSecret(), data({ k: "v" }))
    expect(owned.metadata.ownerReferences).toHaveLength(1)
    const released = composeSecret(
      owned,
      anExternalSecret({ target: { creationPolicy: "Orphan" } }),
      data({ k: "v" }),
    )
    expect(released.metadata.ownerReferences).toBeUndefined()
    expect(Object.keys(released.metadata.labels ?? {})).toEqual(["reconcile.external-secrets.io/managed"])
  })

  it("a recreated ExternalSecret of the same name takes over", () => {
    const present = aSecret({ k: "v" }, ownerOf("ExternalSecret", "web", "external-secrets.io/v1beta1"))
    const plan = decideWrite(anExternalSecret(), present, data({ k: "v" }))
    expect(plan.kind === "update" && plan.secret.metadata.ownerReferences).toMatchObject([
      { uid: "uid-web", apiVersion: "external-secrets.io/v1" },
    ])
  })

  it.for([
    [
      "another ExternalSecret",
      ownerOf("ExternalSecret", "other"),
      "Merge",
      "target is owned by another ExternalSecret",
    ],
    [
      "another ExternalSecret",
      ownerOf("ExternalSecret", "other"),
      "Owner",
      "target is owned by another ExternalSecret",
    ],
    [
      "another controller",
      ownerOf("Deployment", "web", "apps/v1"),
      "Owner",
      "failed to take ownership of target secret",
    ],
  ] as const)("a Secret of %s is refused (%s)", ([, metadata, creationPolicy, message]) => {
    const plan = decideWrite(
      anExternalSecret({ target: { creationPolicy } }),
      aSecret({}, metadata),
      data({ k: "v" }),
    )
    expect(plan).toMatchObject({ kind: "fail", failure: { message, retry: "interval" } })
  })

  it("another controller does not stop a policy that owns nothing", () => {
    const present = aSecret({}, ownerOf("Deployment", "web", "apps/v1"))
    expect(
      decideWrite(anExternalSecret({ target: { creationPolicy: "Merge" } }), present, data({ k: "v" })).kind,
    ).toBe("update")
  })

  it("immutable: what is there stays, and a Secret that is frozen otherwise is refused", () => {
    const freezing = anExternalSecret({ target: { immutable: true } })
    const plan = decideWrite(freezing, aSecret({ k: "old" }), data({ k: "new" }))
    expect(plan.kind === "update" && plan.secret).toMatchObject({
      immutable: true,
      data: { k: base64("old") },
    })
    const frozen = { ...aSecret({ k: "old" }), immutable: true }
    expect(decideWrite(anExternalSecret(), frozen, data({ k: "new" }))).toMatchObject({
      kind: "fail",
      failure: { message: "could not update secret, target is immutable" },
    })
    expect(decideWrite(anExternalSecret(), frozen, data({ k: "old" })).kind).toBe("update")
  })
})

describe("what is deleted", () => {
  const deleting = (creationPolicy: "Owner" | "Orphan" | "Merge") =>
    anExternalSecret({ target: { creationPolicy, deletionPolicy: "Delete" } })

  it("a Secret is deleted only if nothing was found, the policy says so and it is ours", () => {
    const ours = aSecret({ k: "v" }, ownerOf("ExternalSecret", "web"))
    expect(decideWrite(deleting("Owner"), ours, data({})).kind).toBe("delete")
    expect(decideWrite(deleting("Owner"), ours, data({ k: "v" })).kind).not.toBe("delete")
    expect(decideWrite(deleting("Owner"), aSecret({ k: "v" }), data({})).kind).toBe("fail")
    expect(decideWrite(deleting("Orphan"), ours, data({})).kind).toBe("fail")
    expect(decideWrite(anExternalSecret(), ours, data({})).kind).toBe("nothing")
    expect(decideWrite(deleting("Owner"), undefined, data({}))).toMatchObject({
      outcome: { reason: "SecretDeleted" },
    })
  })

  it("with the ExternalSecret goes only a Secret that this very object controls", () => {
    const ours = {
      metadata: {
        ownerReferences: [{ ...ownerOf("ExternalSecret", "web").ownerReferences[0]!, uid: "uid-web" }],
      },
    }
    expect(deletesWith(deleting("Owner"), ours)).toBe(true)
    expect(deletesWith(deleting("Owner"), { metadata: ownerOf("ExternalSecret", "web") })).toBe(false)
    expect(deletesWith(anExternalSecret(), ours)).toBe(false)
    expect(deletesWith(deleting("Owner"), undefined)).toBe(false)
  })
})
