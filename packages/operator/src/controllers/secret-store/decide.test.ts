import { describe, expect, it } from "vitest"
import { aStore, NOW_MS } from "../../testing/builders.ts"
import { decideStore, maintenanceWarning, outcomeOf, type StoreWorld, versionOf } from "./decide.ts"

const aWorld = (changes: Partial<StoreWorld> = {}): StoreWorld => ({
  store: aStore({}, "True"),
  lastLook: undefined,
  nowMs: NOW_MS,
  controllerClass: "default",
  shippedProviders: new Set(["fake"]),
  defaultIntervalMs: 300_000,
  ...changes,
})
const look = (secondsAgo: number) => ({ version: versionOf(aStore()), atMs: NOW_MS - secondsAgo * 1_000 })

describe("when a store is validated", () => {
  it.for([
    [
      "one that is ready when the operator starts waits its turn",
      aWorld(),
      { kind: "wait", afterMs: 300_000 },
    ],
    [
      "one that was looked at waits for the rest",
      aWorld({ lastLook: look(100) }),
      { kind: "wait", afterMs: 200_000 },
    ],
    [
      "one that is due may share what was read meanwhile",
      aWorld({ lastLook: look(300) }),
      { kind: "validate", intervalMs: 300_000, notOlderThanMs: NOW_MS - 150_000 },
    ],
    [
      "a changed one is validated anew",
      aWorld({ lastLook: { ...look(1), version: "0-x" } }),
      { kind: "validate", intervalMs: 300_000, notOlderThanMs: NOW_MS },
    ],
    [
      "a new one is validated",
      aWorld({ store: aStore() }),
      { kind: "validate", intervalMs: 300_000, notOlderThanMs: NOW_MS },
    ],
    [
      "a failed one is validated",
      aWorld({ store: aStore({}, "False") }),
      { kind: "validate", intervalMs: 300_000, notOlderThanMs: NOW_MS },
    ],
    ["another class is ignored", aWorld({ store: aStore({ controller: "x" }) }), { kind: "ignore" }],
    [
      "another provider is ignored",
      aWorld({ store: aStore({ provider: { vault: {} } }) }),
      { kind: "ignore" },
    ],
  ] as const)("%s", ([, world, plan]) => {
    expect(decideStore(world)).toEqual(plan)
  })
})

describe("what a look means", () => {
  const error = new Error("why")
  it.for([
    [{ kind: "not-opened", error }, "False", "InvalidProviderConfig", "unable to create client", true],
    [
      { kind: "opened", capabilities: "ReadWrite", validation: { kind: "failed", error } },
      "False",
      "InvalidProviderConfig",
      "unable to validate store",
      true,
    ],
    [
      { kind: "opened", capabilities: "ReadWrite", validation: { kind: "unknown", error } },
      "True",
      "ValidationUnknown",
      "could not determine validation status",
      false,
    ],
    [
      { kind: "opened", capabilities: "ReadWrite", validation: { kind: "unknown" } },
      "True",
      "Valid",
      "store validated",
      false,
    ],
    [
      { kind: "opened", capabilities: "ReadWrite", validation: { kind: "ready" } },
      "True",
      "Valid",
      "store validated",
      false,
    ],
  ] as const)("%j", ([result, status, reason, message, isFailure]) => {
    const outcome = outcomeOf(result)
    expect(outcome.condition).toEqual({ type: "Ready", status, reason, message })
    expect(outcome.isFailure).toBe(isFailure)
    expect(outcome.capabilities).toBe(reason === "Valid" ? "ReadWrite" : undefined)
  })

  it("the maintenance warning can be switched off", () => {
    const quiet = {
      ...aStore(),
      metadata: { annotations: { "external-secrets.io/ignore-maintenance-checks": "" } },
    }
    expect(maintenanceWarning(aStore(), true)?.reason).toBe("StoreUnmaintained")
    expect(maintenanceWarning(quiet, true)).toBeUndefined()
    expect(maintenanceWarning(aStore(), false)).toBeUndefined()
  })
})
